"""The slot buffer: places by position, closes in time, conceals, never lags."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.runtime.runtime import SlotBufferConfig
from runtime.pcm import Pcm16
from runtime.records import UserSlot
from runtime.session.sender_clock import NetworkDelay
from runtime.session.slot_buffer import SlotBuffer

SLOT, PACKET, RATE = 3200, 320, 16_000
CONFIG = SlotBufferConfig()
GRACE = CONFIG.grace_ms / 1000
SOURCE: Pcm16 = np.random.default_rng(1).integers(1, 20_000, 40 * SLOT).astype(np.int16)


def packet(number: int) -> Pcm16:
    return SOURCE[number * PACKET : (number + 1) * PACKET]


def push_packets(buffer: SlotBuffer, numbers: list[int], delay: float = 0.0) -> None:
    """Every packet at the moment its last sample was spoken, `delay` seconds later."""
    for number in numbers:
        buffer.push(number * PACKET, packet(number), (number + 1) * PACKET / RATE + delay)


def test_a_complete_slot_closes_at_once() -> None:
    buffer = SlotBuffer(CONFIG)
    push_packets(buffer, list(range(9)))
    assert buffer.pop(0.19) == []
    push_packets(buffer, [9])
    (slot,) = buffer.pop(0.2)
    assert (slot.index, slot.holes, slot.captured) == (0, (), 0.2)
    np.testing.assert_array_equal(slot.pcm, SOURCE[:SLOT])


def test_nothing_closes_before_the_first_audio() -> None:
    buffer = SlotBuffer(CONFIG)
    assert buffer.next_deadline() is None
    assert buffer.pop(1e6) == []


def test_a_hole_is_concealed_and_marked_at_the_deadline() -> None:
    buffer = SlotBuffer(CONFIG)
    push_packets(buffer, [0, 1, 2, 4, 5, 6, 7, 8, 9])
    assert buffer.next_deadline() == pytest.approx(0.2 + GRACE)
    assert buffer.pop(0.2 + GRACE - 1e-6) == []
    (slot,) = buffer.pop(0.2 + GRACE + 1e-6)
    assert slot.holes == ((3 * PACKET, 4 * PACKET),)
    np.testing.assert_array_equal(slot.pcm[: 3 * PACKET], SOURCE[: 3 * PACKET])
    fade = CONFIG.fade_samples
    assert not slot.pcm[3 * PACKET + fade : 4 * PACKET].any()
    np.testing.assert_array_equal(slot.pcm[4 * PACKET + fade :], SOURCE[4 * PACKET + fade : SLOT])
    assert buffer.statistics.concealed == PACKET


@pytest.mark.parametrize("lost", [[3], [0], [9, 10], [9], list(range(5, 25)), [18, 19, 20, 29]])
def test_concealment_leaves_no_step(lost: list[int]) -> None:
    """A slow tone stays smooth across holes, also across slots."""
    tone = (8000 * np.cos(2 * np.pi * 50 * np.arange(40 * PACKET) / RATE)).astype(np.int16)
    buffer = SlotBuffer(CONFIG)
    for number in range(40):
        if number not in lost:
            buffer.push(number * PACKET, tone[number * PACKET : (number + 1) * PACKET], 0.02 * (number + 1))
    heard = np.concatenate([slot.pcm for slot in buffer.pop(2.0)][:4]).astype(np.int32)
    first = 0 if 0 not in lost else PACKET
    assert np.abs(np.diff(heard[first:])).max() < 700


def test_late_audio_is_dropped_and_counted_and_the_next_slot_is_whole() -> None:
    buffer = SlotBuffer(CONFIG)
    push_packets(buffer, [0, 1, 2, 3, 4, 5, 6, 7, 8])
    assert len(buffer.pop(0.2 + GRACE + 1e-6)) == 1
    push_packets(buffer, list(range(9, 20)), delay=GRACE)
    (slot,) = buffer.pop(0.4 + GRACE)
    assert (slot.index, slot.holes) == (1, ())
    np.testing.assert_array_equal(slot.pcm[80:], SOURCE[SLOT + 80 : 2 * SLOT])
    assert buffer.statistics.late == PACKET


def test_a_packet_across_two_slots_is_split() -> None:
    buffer = SlotBuffer(CONFIG)
    buffer.push(0, SOURCE[:5000], 0.3)
    buffer.push(5000, SOURCE[5000:6400], 0.4)
    slots = buffer.pop(0.4)
    np.testing.assert_array_equal(np.concatenate([slot.pcm for slot in slots]), SOURCE[:6400])


def test_duplicates_change_nothing() -> None:
    buffer = SlotBuffer(CONFIG)
    push_packets(buffer, [0, 0, 1, 1, *range(2, 10)])
    buffer.push(0, np.zeros(PACKET, dtype=np.int16), 0.2)
    (slot,) = buffer.pop(0.2)
    np.testing.assert_array_equal(slot.pcm, SOURCE[:SLOT])
    assert buffer.statistics.duplicate == 3 * PACKET


def test_slots_go_on_in_time_when_the_audio_stops() -> None:
    buffer = SlotBuffer(CONFIG)
    push_packets(buffer, list(range(10)))
    assert [slot.index for slot in buffer.pop(2.0)] == list(range(9))
    assert buffer.next_deadline() == pytest.approx(10 * 0.2 + GRACE)


def test_a_slow_sender_does_not_lag_behind_its_own_clock() -> None:
    """200 ppm slower than the session's clock for ten minutes: no slot is forced shut."""
    buffer = SlotBuffer(CONFIG)
    silence = np.zeros(SLOT, dtype=np.int16)
    for number in range(3000):
        now = (number + 1) * 0.2 * (1 + 200e-6)
        buffer.push(number * SLOT, silence, now)
        assert len(buffer.pop(now)) == 1
    assert buffer.statistics.concealed == buffer.statistics.late == 0


def test_an_impossible_position_is_ignored() -> None:
    buffer = SlotBuffer(CONFIG)
    push_packets(buffer, list(range(10)))
    buffer.push(10**9, packet(0), 0.2)
    assert [slot.index for slot in buffer.pop(0.2)] == [0]
    assert buffer.statistics.ahead == PACKET
    assert buffer.next_deadline() == pytest.approx(0.4 + GRACE)


@pytest.mark.parametrize("jump", [10**7, -3 * SLOT])
def test_a_sender_that_starts_a_new_clock_is_followed(jump: int) -> None:
    buffer = SlotBuffer(CONFIG)
    buffer.push(0, SOURCE[: 5 * SLOT], 1.0)
    assert len(buffer.pop(1.0)) == 5
    start = 5 * SLOT + jump
    for number in range(60):
        now = 1.0 + 0.02 * (number + 1)
        buffer.push(start + number * PACKET, packet(number), now)
        buffer.pop(now)
    assert buffer.statistics.resyncs == 1
    assert buffer.statistics.placed > 5 * SLOT + 20 * PACKET


def test_memory_is_bounded() -> None:
    buffer = SlotBuffer(CONFIG)
    buffer.push(0, np.ones(100 * SLOT, dtype=np.int16), 0.0)
    assert buffer.statistics.placed == CONFIG.max_ahead_slots * SLOT
    assert buffer.statistics.ahead == (100 - CONFIG.max_ahead_slots) * SLOT


@pytest.mark.parametrize("begins", [0.4, 0.431, 0.53, 0.589, 0.6])
def test_slots_end_with_those_of_another_session(begins: float) -> None:
    buffer = SlotBuffer(CONFIG)
    buffer.align(PACKET, begins + PACKET / RATE, moment=0.2)
    closed = []
    for number in range(20):
        now = begins + (number + 1) * PACKET / RATE
        buffer.push(number * PACKET, packet(number), now)
        closed += buffer.pop(now)
    assert len(closed) == 2
    assert all(abs((slot.captured + 0.1) % 0.2 - 0.1) <= 0.5001 * PACKET / RATE for slot in closed)
    assert closed[0].holes == ()
    lead = int(np.flatnonzero(closed[0].pcm)[0])
    np.testing.assert_array_equal(closed[0].pcm[lead:], SOURCE[: SLOT - lead])
    np.testing.assert_array_equal(closed[1].pcm, SOURCE[SLOT - lead :][:SLOT])
    assert buffer.statistics.placed == 20 * PACKET


def test_an_empty_push_does_nothing() -> None:
    buffer = SlotBuffer(CONFIG)
    buffer.push(0, np.zeros(0, dtype=np.int16), 0.0)
    assert buffer.next_deadline() is None


def test_the_delay_is_the_smallest_of_the_window() -> None:
    delay = NetworkDelay(4.0)
    for now, origin in [(0.0, 0.05), (1.0, 0.02), (2.0, 0.09), (4.9, 0.08)]:
        delay.update(origin, now)
    assert delay.origin == 0.02
    delay.update(0.10, 5.5)
    assert delay.origin == 0.08


@dataclass(frozen=True)
class Arrival:
    number: int
    at: float


@st.composite
def networks(draw: st.DrawFn) -> list[Arrival]:
    """Forty packets: some lost, some doubled, each up to 120 ms late."""
    copies = st.sampled_from([0, 1, 1, 1, 1, 2])
    arrivals = [
        Arrival(number, 0.02 * (number + 1) + draw(st.floats(0, 0.12)))
        for number in range(40)
        for _ in range(draw(copies))
    ]
    return sorted(arrivals, key=lambda arrival: arrival.at)


def receive(arrivals: list[Arrival]) -> tuple[list[UserSlot], SlotBuffer]:
    buffer, slots = SlotBuffer(CONFIG), []
    for arrival in arrivals:
        slots += buffer.pop(arrival.at)
        buffer.push(arrival.number * PACKET, packet(arrival.number), arrival.at)
        slots += buffer.pop(arrival.at)
    return slots + buffer.pop(0.8 + 0.2 + GRACE), buffer


@settings(max_examples=60, deadline=None, derandomize=True)
@given(networks())
def test_whatever_the_network_does_slots_are_in_order_and_hold_what_came_in_time(arrivals: list[Arrival]) -> None:
    slots, buffer = receive(arrivals)
    assert [slot.index for slot in slots] == list(range(len(slots)))
    counts = buffer.statistics
    assert counts.placed + counts.duplicate + counts.late + counts.ahead == len(arrivals) * PACKET
    for slot in slots[:4]:
        untouched = np.ones(SLOT, dtype=bool)
        for start, stop in slot.holes:
            untouched[max(0, start) : stop + CONFIG.fade_samples] = False
        untouched[: CONFIG.fade_samples] = False
        want = SOURCE[slot.index * SLOT : (slot.index + 1) * SLOT]
        np.testing.assert_array_equal(slot.pcm[untouched], want[untouched])


@settings(max_examples=30, deadline=None, derandomize=True)
@given(networks())
def test_a_slot_is_never_later_than_its_deadline(arrivals: list[Arrival]) -> None:
    slots, _ = receive(arrivals)
    moments = [arrival.at for arrival in arrivals] + [0.8 + 0.2 + GRACE]
    for slot in slots:
        latest = 0.12 + (slot.index + 1) * 0.2 + GRACE
        assert slot.captured <= min((at for at in moments if at >= latest), default=moments[-1])


def test_what_the_decoder_made_up_and_what_was_dropped_is_known_by_slot() -> None:
    buffer = SlotBuffer(CONFIG)
    push_packets(buffer, [0, 0, 1, 2, 5, 6, 7, 8, 9])
    buffer.push(3 * PACKET, SOURCE[3 * PACKET : 5 * PACKET], 0.2, concealed=True)
    push_packets(buffer, list(range(10, 20)))
    first, second = buffer.pop(0.4)
    buffer.discard(PACKET)
    (third,) = buffer.pop(0.7)
    assert (first.holes, first.concealed, first.dropped) == ((), ((3 * PACKET, 5 * PACKET),), PACKET)
    assert (second.concealed, second.dropped, third.dropped) == ((), 0, PACKET)
    assert (buffer.statistics.duplicate, buffer.statistics.discarded) == (PACKET, PACKET)
    assert buffer.statistics.recovered == 2 * PACKET


@pytest.mark.parametrize("away", [0.0, 0.13, 0.5, 12.0])
@pytest.mark.parametrize("first", [0, 3200, 4711])
def test_a_new_connection_begins_a_new_count_and_the_slots_go_on(away: float, first: int) -> None:
    buffer = SlotBuffer(CONFIG)
    push_packets(buffer, list(range(20)))
    slots = buffer.pop(0.4 + away)
    buffer.rejoin()
    for number in range(30):
        now = 0.42 + away + 0.02 * number
        buffer.push(first + number * PACKET, SOURCE[number * PACKET : (number + 1) * PACKET], now)
        slots += buffer.pop(now)
    assert [slot.index for slot in slots] == list(range(len(slots)))
    assert [round(slot.captured - 0.2 * (slot.index + 1), 2) for slot in slots[-2:]] in ([0.0, 0.0], [0.01, 0.01])
    whole = slots[-1].index * SLOT - round((0.4 + away) * RATE)
    np.testing.assert_allclose(slots[-1].pcm, SOURCE[whole : whole + SLOT], atol=0)
    assert (slots[-1].holes, buffer.statistics.late, buffer.statistics.ahead) == ((), 0, 0)
