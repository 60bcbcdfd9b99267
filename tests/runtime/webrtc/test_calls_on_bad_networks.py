"""Whole calls over bad networks, with engine, recording and log: none ends, none lags, and the log tells all of it."""

import random

import numpy as np
import pytest

from duplex.model.concealment import Spans
from runtime.pcm import Pcm16
from runtime.session.log_records import SlotRow
from runtime.session.recording import read_recording
from runtime.session.slot_log import read_log
from runtime.webrtc.opus import OpusDecoder
from tests.runtime.figures import tell
from tests.runtime.session_world import PACKET, SLOT, World
from tests.runtime.webrtc.call_world import PACKET_S, SLOT_S, Call, spoken

SECONDS, DELAY_S = 24, 0.05
STALLS = [round(1 + 9 * number / 19, 2) for number in range(20)]


@pytest.fixture(scope="module")
def payloads() -> list[bytes]:
    """A user who asks something every four seconds."""
    return spoken(SECONDS)


@pytest.fixture(scope="module")
def clean(payloads: list[bytes]) -> Pcm16:
    """What a perfect network brings."""
    decoder = OpusDecoder()
    return np.concatenate([decoder.decode(payload) for payload in payloads])


def stalled(count: int, begin: float, seconds: float) -> list[tuple[float, int]]:
    """Packets that take `DELAY_S`, but for those that are held back from `begin` on and released at once."""
    on_time = [(PACKET_S * (index + 1) + DELAY_S, index) for index in range(count)]
    return [(begin + seconds if begin <= at < begin + seconds else at, index) for at, index in on_time]


@pytest.mark.parametrize("seconds", STALLS)
def test_a_call_outlives_a_stall_of_its_network(
    world: World, payloads: list[bytes], clean: Pcm16, seconds: float
) -> None:
    begin = 4.0 + 0.37 * STALLS.index(seconds) % 1.0
    burst = begin + seconds
    length = SLOT_S * round((burst + 6.0) / SLOT_S)
    call = Call(world)
    call.receive(payloads, stalled(round(length / PACKET_S), begin, seconds), length + DELAY_S + 0.005)
    over = call.session.over
    call.close()

    assert over is None
    assert [one.heard.index for one in call.closed] == list(range(round(length / SLOT_S)))
    usual = max(one.lag for one in call.closed if one.at < begin)
    assert all(one.lag < usual + 0.001 for one in call.closed if one.at >= burst + 1.0)
    assert max(one.lag for one in call.closed) < usual + world.config.slots.grace_ms / 1000 + 0.02
    last = call.closed[-1].heard
    np.testing.assert_array_equal(last.pcm, clean[last.index * SLOT : (last.index + 1) * SLOT])
    assert [one.row.event for one in call.closed if one.at > burst].count("start") >= 1

    folder = world.config.recording.folder / call.session.id
    assert abs(len(read_recording(folder / "user.wav")) / 16_000 - length) <= 0.04
    assert abs(len(read_recording(folder / "dialogue.wav")) / 24_000 - SLOT_S - length) <= 0.04
    log = read_log(folder / "slots.jsonl")
    assert log.rows == tuple(one.row for one in call.closed)
    assert_told(call, log.rows, round(length / PACKET_S))
    assert call.session.statistics.slots.late / 16_000 == pytest.approx(seconds, abs=0.3)
    assert (call.session.statistics.slots.resyncs, call.inbound.jitter.statistics.restarts) == (0, 0)


def assert_told(call: Call, rows: tuple[SlotRow, ...], arrived: int) -> None:
    """What did not arrive, what was made up and what was dropped is in the rows of the log, to the sample.

    `arrived`: packets that the network brought.
    """
    counts, jitter, made_up = call.session.statistics.slots, call.inbound.jitter.statistics, call.inbound.statistics
    holes, concealed = amount([row.holes for row in rows]), amount([row.concealed for row in rows])
    dropped = sum(row.dropped for row in rows)
    assert jitter.received == arrived
    assert holes == counts.concealed
    assert concealed == counts.recovered
    assert dropped == counts.late + counts.duplicate + counts.ahead + jitter.late * PACKET
    assert counts.placed + holes == len(rows) * SLOT
    assert arrived * PACKET + made_up.concealed_samples == counts.placed + dropped


def amount(spans: list[Spans]) -> int:
    """Samples in spans."""
    return sum(stop - start for each in spans for start, stop in each)


def lossy(count: int, loss: float, seed: int = 0) -> list[tuple[float, int]]:
    """Packets that take 40 +- 30 ms, each for itself, so that a quarter is overtaken; the first is the fastest."""
    rng = random.Random(seed)
    delays = [0.04 + rng.uniform(-0.03, 0.03) for _ in range(count)]
    kept = [index == 0 or rng.random() >= loss for index in range(count)]
    delays[0] = 0.01
    return [(PACKET_S * (index + 1) + delays[index], index) for index in range(count) if kept[index]]


@pytest.mark.parametrize("loss", [0.0, 0.01, 0.03, 0.05])
def test_no_more_than_what_a_network_loses_is_made_up(world: World, payloads: list[bytes], loss: float) -> None:
    """Prints the figures (`pytest -rP`): frames of 20 ms."""
    count = 4240
    arrivals = lossy(count, loss)
    call = Call(world)
    call.receive(payloads, arrivals, count * PACKET_S + 0.1)
    rows = tuple(one.row for one in call.closed)
    lost, made_up = count - len(arrivals), amount([row.holes + row.concealed for row in rows]) // PACKET
    lag_ms = 1000 * float(np.percentile([one.lag for one in call.closed], 99) - 0.01)
    reordered = call.inbound.jitter.statistics.reordered / count
    tell(f"lost {loss:.0%}: {lost} of {count}, {reordered:.0%} overtaken; made up {made_up}; lag p99 {lag_ms:.0f} ms")
    assert_told(call, rows, len(arrivals))
    assert reordered > 0.2
    assert made_up == lost
    assert lag_ms <= 79
    assert call.session.statistics.slots.resyncs == 0


def test_packets_that_come_too_late_for_the_decoder_or_twice_are_in_the_log(
    world: World, payloads: list[bytes]
) -> None:
    rng, count = random.Random(1), 1000
    on_time = [(at + rng.choice([0.0, 0.0, 0.0, 0.09]), index) for at, index in lossy(count, 0.05)]
    arrivals = [*on_time, *((at + rng.uniform(0.0, 0.3), index) for at, index in on_time if index % 20 == 0)]
    call = Call(world)
    call.receive(payloads, arrivals, count * PACKET_S + 0.5)
    assert call.inbound.jitter.statistics.late > 60
    assert_told(call, tuple(one.row for one in call.closed), len(arrivals))
