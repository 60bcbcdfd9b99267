"""The jitter buffer on loss patterns as data: order, lag, counts."""

import random
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.runtime.serve import JitterConfig
from runtime.webrtc.jitter import JitterBuffer, Ready, ReceivedPacket

STEP = 960
PERIOD = 0.02


def packet(index: int, first_sequence: int = 0, first_timestamp: int = 0) -> ReceivedPacket:
    return ReceivedPacket(
        (first_sequence + index) % (1 << 16),
        (first_timestamp + index * STEP) % (1 << 32),
        STEP,
        index.to_bytes(4, "big"),
    )


def run(
    arrivals: Iterable[tuple[float, ReceivedPacket]], buffer: JitterBuffer | None = None
) -> list[tuple[float, Ready]]:
    """Push arrivals (time, packet) with a poll every 20 ms between them; (time, ready) of all that came out."""
    buffer = buffer or JitterBuffer()
    out: list[tuple[float, Ready]] = []
    tick = 0.0
    for at, one in sorted(arrivals, key=lambda arrival: arrival[0]):
        while tick < at:
            out += [(tick, ready) for ready in buffer.poll(tick)]
            tick += PERIOD
        out += [(at, ready) for ready in buffer.push(one, at)]
    for _ in range(20):
        out += [(tick, ready) for ready in buffer.poll(tick)]
        tick += PERIOD
    return out


def indices(out: list[tuple[float, Ready]]) -> list[int]:
    return [int.from_bytes(ready.payload, "big") for _, ready in out]


def test_a_perfect_network_adds_no_lag() -> None:
    out = run([(i * PERIOD, packet(i)) for i in range(50)])
    assert indices(out) == list(range(50))
    assert all(at == i * PERIOD for i, (at, _) in enumerate(out))
    assert [ready.position for _, ready in out] == [i * STEP for i in range(50)]


def test_one_loss_delays_what_follows_by_the_hold_only_and_the_lag_goes_away() -> None:
    buffer = JitterBuffer()
    out = run([(i * PERIOD, packet(i)) for i in range(100) if i != 10], buffer)
    lags = {index: at - index * PERIOD for (at, _), index in zip(out, indices(out), strict=True)}
    assert indices(out) == [i for i in range(100) if i != 10]
    assert max(lags.values()) <= 0.04 + 1e-9
    assert all(lags[i] == pytest.approx(0.0) for i in range(14, 100))
    after = next(ready for _, ready in out if ready.gap)
    assert (after.gap, after.lost, after.position) == (STEP, 1, 11 * STEP)
    assert buffer.statistics.lost == 1


def test_swapped_packets_come_out_in_order_without_loss() -> None:
    order = [0, 2, 1, 3, 5, 6, 4, 7]
    buffer = JitterBuffer()
    out = run([(k * PERIOD, packet(i)) for k, i in enumerate(order)], buffer)
    assert indices(out) == list(range(8))
    assert (buffer.statistics.lost, buffer.statistics.reordered) == (0, 2)


def test_a_packet_after_its_turn_is_dropped_and_counted() -> None:
    buffer = JitterBuffer()
    arrivals = [(i * PERIOD, packet(i)) for i in range(20) if i != 5] + [(0.3, packet(5))]
    assert indices(run(arrivals, buffer)) == [i for i in range(20) if i != 5]
    assert (buffer.statistics.late, buffer.statistics.lost) == (1, 1)


@pytest.mark.parametrize(
    ("missing", "end", "released"),
    [
        ([4], 8, [5, 6]),
        ([4], 5, [5, 6]),  # 5 holds the missing one, and nothing else is missing behind
        ([4], 4, []),
        ([4, 5], 6, []),  # 6 does not hold the one that was asked for
        ([4, 5], 7, [6]),
    ],
)
def test_what_begins_before_a_position_waits_no_longer(missing: list[int], end: int, released: list[int]) -> None:
    buffer = JitterBuffer()
    for number in range(7):
        if number not in missing:
            buffer.push(packet(number), number * PERIOD)
    out = buffer.release_before(end * STEP)
    assert [int.from_bytes(ready.payload, "big") for ready in out] == released
    assert buffer.statistics.lost == (len(missing) if released else 0)


def test_a_duplicate_is_given_out_once() -> None:
    arrivals = [(i * PERIOD, packet(i)) for i in range(5)] + [(0.041, packet(2))]
    assert indices(run(arrivals)) == list(range(5))


def test_a_pause_of_the_sender_is_a_gap_without_loss() -> None:
    paused = ReceivedPacket(3, 3 * STEP + 50 * STEP, STEP, b"\0\0\0\3")
    buffer = JitterBuffer()
    out = run([*((i * PERIOD, packet(i)) for i in range(3)), (1.1, paused)], buffer)
    assert (out[-1][1].gap, out[-1][1].lost, buffer.statistics.lost) == (50 * STEP, 0, 0)


def test_sequence_and_timestamp_may_wrap() -> None:
    out = run([(i * PERIOD, packet(i, 65_530, 2**32 - 5 * STEP)) for i in range(20)])
    assert indices(out) == list(range(20))
    assert [ready.position for _, ready in out] == [i * STEP for i in range(20)]


def test_a_new_stream_continues_where_the_old_one_ended() -> None:
    new = [packet(i, 40_000, 123_456_789) for i in range(5)]
    buffer = JitterBuffer()
    out = run(
        [*((i * PERIOD, packet(i)) for i in range(5)), *((0.1 + i * PERIOD, p) for i, p in enumerate(new))], buffer
    )
    assert [ready.position for _, ready in out] == [i * STEP for i in range(10)]
    assert [ready.restart for _, ready in out] == [False] * 5 + [True] + [False] * 4
    assert buffer.statistics.restarts == 1


def test_a_burst_after_a_stall_comes_out_at_once() -> None:
    arrivals = [(0.5 + 1e-4 * i if 5 <= i < 25 else i * PERIOD, packet(i)) for i in range(50)]
    out = run(arrivals)
    assert indices(out) == list(range(50))
    assert all(at <= max(0.503, index * PERIOD) for (at, _), index in zip(out, indices(out), strict=True))


@settings(max_examples=60, deadline=None)
@given(loss=st.floats(0, 0.3), jitter=st.floats(0, 0.05), seed=st.integers(0, 10_000))
def test_any_network_keeps_order_and_bounds_the_lag(loss: float, jitter: float, seed: int) -> None:
    rng = random.Random(seed)
    config = JitterConfig()
    arrivals = [(i * PERIOD + rng.random() * jitter, packet(i, 65_500)) for i in range(150) if rng.random() >= loss]
    buffer = JitterBuffer(config)
    out = run(arrivals, buffer)
    positions = [ready.position for _, ready in out]
    assert positions == sorted(set(positions))
    assert len(out) + buffer.statistics.late == len(arrivals)
    arrived = {int.from_bytes(p.payload, "big"): at for at, p in arrivals}
    limit = config.hold_ms / 1000 + PERIOD + 1e-9
    assert all(at - arrived[index] <= limit for (at, _), index in zip(out, indices(out), strict=True))
    assert sum(ready.gap for _, ready in out) == sum(ready.lost for _, ready in out) * STEP
