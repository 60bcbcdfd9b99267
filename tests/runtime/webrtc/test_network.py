"""Bad networks as data: from packets to the slots that the model hears."""

import random

import numpy as np
import pytest

from configs.runtime.runtime import SlotBufferConfig
from configs.runtime.serve import JitterConfig, OpusConfig
from runtime.records import UserSlot
from runtime.session.slot_buffer import SlotBuffer
from runtime.webrtc.inbound import InboundAudio
from runtime.webrtc.jitter import Packet
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
    arrivals = sorted(
        (index * 0.02 * (1 + clock_ppm * 1e-6) + 0.03 + rng.random() * jitter_ms / 1000, index)
        for index in range(len(payloads))
        if rng.random() >= loss
    )
    inbound, buffer = InboundAudio(JitterConfig()), SlotBuffer(SlotBufferConfig())
    slots: list[tuple[float, UserSlot]] = []
    tick = 0.0
    while tick < SECONDS + 1:
        placed = inbound.poll(tick)
        while arrivals and arrivals[0][0] <= tick:
            at, index = arrivals.pop(0)
            placed += inbound.push(Packet(index & 0xFFFF, index * 960, 960, payloads[index]), at)
        for one in placed:
            buffer.push(one.position, one.pcm, tick)
        slots += [(tick, slot) for slot in buffer.pop(tick)]
        tick += 0.01
    return slots, inbound, buffer


def holes(slots: list[tuple[float, UserSlot]]) -> int:
    """Samples that the slots of the sent audio lack."""
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
                for one in inbound.push(Packet(index, index * 960, 960, payloads[index]), now):
                    buffer.push(one.position, one.pcm, now)
        lags += [now - (slot.index + 1) * 0.2 for slot in buffer.pop(now)]
    assert max(lags) < 0.1
    assert lags[-1] < 0.02
    assert buffer.statistics.late > 0


def test_a_drifting_sender_is_followed(payloads: list[bytes]) -> None:
    for ppm in (-300.0, 300.0):
        slots, _, buffer = transmit(payloads, 0.0, 5.0, clock_ppm=ppm)
        assert (holes(slots), buffer.statistics.late) == (0, 0)
