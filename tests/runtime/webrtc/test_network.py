"""Bad networks as data: from packets to the slots that the model hears."""

import random

import numpy as np
import pytest

from configs.runtime.runtime import SlotBufferConfig
from configs.runtime.serve import JitterConfig, OpusConfig
from runtime.records import UserSlot
from runtime.session.slot_buffer import SlotBuffer
from runtime.webrtc.inbound import InboundAudio
from runtime.webrtc.jitter import ReceivedPacket
from runtime.webrtc.opus import OpusEncoder
from tests.runtime.webrtc.test_latency import voice

SECONDS = 20
COUNT = SECONDS * 50


@pytest.fixture(scope="module")
def payloads() -> list[bytes]:
    """Speech-like sound as packets with redundancy."""
    encoder = OpusEncoder(OpusConfig())
    sound = voice(COUNT * 480 // 320 + 1)
    return [encoder.encode(sound[i * 480 : (i + 1) * 480]) for i in range(COUNT)]


def transmit(
    payloads: list[bytes], loss: float, jitter_ms: float, seed: int = 0, clock_ppm: float = 0.0
) -> tuple[list[tuple[float, UserSlot]], InboundAudio, SlotBuffer]:
    """Send every 20 ms through a network; returns (time, slot) of what closes, polling every 10 ms."""
    rng = random.Random(seed)
    return receive(
        payloads,
        [
            (index * 0.02 * (1 + clock_ppm * 1e-6) + 0.03 + rng.random() * jitter_ms / 1000, index)
            for index in range(len(payloads))
            if rng.random() >= loss
        ],
    )


def receive(
    payloads: list[bytes], arrivals: list[tuple[float, int]]
) -> tuple[list[tuple[float, UserSlot]], InboundAudio, SlotBuffer]:
    """Packets arrive as (time, index); returns (time, slot) of what closes, polling every 10 ms."""
    arrivals = sorted(arrivals)
    inbound, buffer = InboundAudio(JitterConfig()), SlotBuffer(SlotBufferConfig())
    slots: list[tuple[float, UserSlot]] = []
    for tick in (round(0.01 * step, 2) for step in range((SECONDS + 1) * 100)):
        placed = inbound.poll(tick)
        while arrivals and arrivals[0][0] <= tick:
            at, index = arrivals.pop(0)
            placed += inbound.push(ReceivedPacket(index & 0xFFFF, index * 960, 960, payloads[index]), at)
        for one in placed:
            buffer.push(one.position, one.pcm, tick)
        slots += [(tick, slot) for slot in buffer.pop(tick)]
    return slots, inbound, buffer


def holes(slots: list[tuple[float, UserSlot]]) -> int:
    """Samples of the sent audio that are missing from the slots."""
    return sum(stop - start for _, slot in slots[: SECONDS * 5] for start, stop in slot.holes)


@pytest.mark.parametrize(("loss", "jitter_ms"), [(0.0, 0.0), (0.01, 10.0), (0.05, 10.0), (0.05, 30.0), (0.2, 40.0)])
def test_slots_come_in_time_whatever_the_network_does(payloads: list[bytes], loss: float, jitter_ms: float) -> None:
    slots, inbound, _ = transmit(payloads, loss, jitter_ms)
    assert [slot.index for _, slot in slots] == list(range(len(slots)))
    lags = [at - (slot.index + 1) * 0.2 for at, slot in slots[: SECONDS * 5]]
    assert max(lags) < 0.03 + jitter_ms / 1000 + SlotBufferConfig().grace_ms / 1000 + 0.03
    assert abs(np.mean(lags[:20]) - np.mean(lags[-20:])) < 0.03
    made_up = inbound.statistics.concealed_samples + holes(slots)
    assert made_up / (SECONDS * 16_000) <= 1.6 * loss + 0.01


def test_a_stall_of_a_second_leaves_no_lag(payloads: list[bytes]) -> None:
    inbound, buffer = InboundAudio(JitterConfig()), SlotBuffer(SlotBufferConfig())
    lags = []
    for tick in range(SECONDS * 100):
        now = tick / 100
        burst = range(200, 251) if now == 5.0 else range(round(now * 50), round(now * 50) + (tick % 2 == 0))
        for index in burst:
            if now >= 5.0 or index < 200:
                for one in inbound.push(ReceivedPacket(index, index * 960, 960, payloads[index]), now):
                    buffer.push(one.position, one.pcm, now)
        lags += [now - (slot.index + 1) * 0.2 for slot in buffer.pop(now)]
    assert max(lags) < 0.1
    assert lags[-1] < 0.02
    assert buffer.statistics.late > 0


def test_a_drifting_sender_is_followed(payloads: list[bytes]) -> None:
    for ppm in (-300.0, 300.0):
        slots, _, buffer = transmit(payloads, 0.0, 5.0, clock_ppm=ppm)
        assert (holes(slots), buffer.statistics.late) == (0, 0)


def hold_back(begin: float, seconds: float, drain: float = 0.0, lost: float = 0.0) -> list[tuple[float, int]]:
    """Packets on time, but for those of a stall.

    These come at its end, `drain` of the time they last apart; those of its first `lost` seconds do not come at all.
    """
    spoken = [0.02 * (index + 1) for index in range(COUNT)]
    released = [begin + seconds + drain * max(0.0, moment - begin - lost) for moment in spoken]
    return [
        (max(moment, free) if moment >= begin else moment, index)
        for index, (moment, free) in enumerate(zip(spoken, released, strict=True))
        if not begin <= moment < begin + lost
    ]


def assert_on_the_wall_clock(slots: list[tuple[float, UserSlot]], early: float = 0.0) -> None:
    """Slots close when the clock says so: none earlier or later than allowed, never many at once."""
    assert [slot.index for _, slot in slots] == list(range(len(slots)))
    lags = [at - 0.2 * (slot.index + 1) for at, slot in slots]
    assert min(lags) > -early - 0.02
    assert max(lags) < 0.15
    moments = [at for at, _ in slots]
    assert max(moments.count(at) for at in set(moments)) <= 1 + early / 0.2


def first_whole_after(slots: list[tuple[float, UserSlot]], moment: float) -> float:
    """How long after `moment` the first slot without a hole closed, seconds."""
    return next(at for at, slot in slots if at > moment and not slot.holes) - moment


@pytest.mark.parametrize("seconds", [0.5, 1.0, 2.5, 4.0, 6.0, 7.0])
@pytest.mark.parametrize("begin", [5.0, 5.13])
def test_a_burst_of_held_back_packets_is_dropped_and_the_clock_goes_on(
    payloads: list[bytes], begin: float, seconds: float
) -> None:
    slots, inbound, buffer = receive(payloads, hold_back(begin, seconds))
    assert_on_the_wall_clock(slots)
    assert first_whole_after(slots, begin + seconds) < 0.5
    assert buffer.statistics.late / 16_000 == pytest.approx(seconds, abs=0.3)
    assert (buffer.statistics.resyncs, buffer.statistics.ahead, inbound.jitter.statistics.restarts) == (0, 0, 0)


@pytest.mark.parametrize(("drain", "lost"), [(0.0, 2.0), (0.0, 3.5), (0.3, 0.0), (0.6, 0.0), (0.3, 2.5)])
def test_a_stall_that_drains_slowly_or_loses_its_beginning_moves_nothing(
    payloads: list[bytes], drain: float, lost: float
) -> None:
    slots, inbound, buffer = receive(payloads, hold_back(5.0, 5.0, drain, lost))
    assert_on_the_wall_clock(slots)
    over = 10.0 + (5.0 - lost) * drain / (1 - drain)  # the moment at which a packet is released when it is spoken
    assert first_whole_after(slots, over) < 0.5
    assert (buffer.statistics.resyncs, inbound.jitter.statistics.restarts) == (0, 0)


def test_a_session_that_begins_with_a_burst_is_on_the_clock_within_a_second(payloads: list[bytes]) -> None:
    slots, _, buffer = receive(payloads, hold_back(0.0, 3.0))
    lags = [at - 3.0 - 0.2 * (slot.index + 1) for at, slot in slots]
    allowed = SlotBufferConfig().ahead_ms / 1000
    assert min(lags) > -allowed - 0.02
    assert max(lags) < 0.1
    assert first_whole_after(slots, 3.0 + 1.0) < 0.3
    assert buffer.statistics.ahead > 0


def test_a_network_that_stays_slower_is_followed_without_moving_the_slots(payloads: list[bytes]) -> None:
    """From 5 s to 12 s everything takes 1.5 s longer; at 12 s the audio under way comes at once."""
    arrivals = [
        (max(spoken, min(12.0, spoken + 1.5) if 5.0 <= spoken < 12.0 else 0.0), index)
        for index, spoken in ((index, 0.02 * (index + 1)) for index in range(COUNT))
    ]
    slots, _, buffer = receive(payloads, arrivals)
    assert_on_the_wall_clock(slots, early=SlotBufferConfig().ahead_ms / 1000)
    assert first_whole_after(slots, 5.0 + 1.5 + 0.6) < 0.5
    assert first_whole_after(slots, 12.0 + 0.6) < 0.5
    assert buffer.statistics.resyncs == 2
