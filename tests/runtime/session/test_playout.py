"""The playout buffer: exact packets, nothing lost, cut within a packet, no clicks, bounded."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.runtime.runtime import PlayoutConfig
from duplex.model.interface import Samples
from runtime.session.playout import PACKET, PlayoutBuffer
from tests.runtime.results import SLOT, mute, speak, tone

CONFIG = PlayoutConfig()
AT_ONCE = PlayoutConfig(prime_packets=0)
STEP = 0.3 * 2 * np.pi * 100 / 24_000 * 1.6
"""Steepest allowed step: that of the tone and of its fades."""


def pull(buffer: PlayoutBuffer, packets: int) -> Samples:
    return np.concatenate([np.zeros(0, dtype=np.float32), *(buffer.pull().pcm for _ in range(packets))])


def test_silence_when_nothing_waits() -> None:
    packet = PlayoutBuffer(CONFIG).pull()
    assert packet.pcm.shape == (PACKET,)
    assert not packet.pcm.any()
    assert not packet.underrun


def test_an_answer_begins_after_the_priming_and_is_played_whole() -> None:
    buffer = PlayoutBuffer(CONFIG)
    heard = []
    for slot in range(3):
        buffer.push(speak(slot))
        heard.append(pull(buffer, 10))
    buffer.push(mute(3, "end", tail=120))
    heard.append(pull(buffer, 10))
    played = np.concatenate(heard)
    lead = CONFIG.prime_packets * PACKET
    want = np.concatenate([tone(1), tone(2), tone(3)])
    assert not played[:lead].any()
    np.testing.assert_array_equal(played[lead : lead + 3 * SLOT], want)
    assert np.abs(np.diff(played)).max() < STEP
    counts = buffer.statistics
    assert (counts.flushed, counts.skipped, counts.underruns) == (0, 0, 0)


def test_slots_are_announced_with_their_first_sample() -> None:
    buffer = PlayoutBuffer(CONFIG)
    buffer.push(speak(6))
    buffer.push(mute(7, "end", tail=50))
    begun = [buffer.pull().begun for _ in range(14)]
    assert begun[CONFIG.prime_packets] == (7,)
    assert begun[CONFIG.prime_packets + 10] == (8,)
    assert sum(map(len, begun)) == 2


@pytest.mark.parametrize("played", [2, 5, 11, 12])
def test_a_cut_is_silent_within_a_packet_without_a_click(played: int) -> None:
    buffer = PlayoutBuffer(CONFIG)
    buffer.push(speak(0))
    heard = [pull(buffer, played)]
    before = buffer.waiting
    flushed = buffer.push(mute(1, "cut", tail=120))
    fade = buffer.waiting
    heard.append(pull(buffer, 3))
    sound = np.concatenate(heard)
    assert flushed == max(0, before - fade) == buffer.statistics.flushed
    assert fade <= CONFIG.fade_samples
    assert not sound[played * PACKET + PACKET :].any()
    assert np.abs(np.diff(sound)).max() < STEP


def test_an_answer_after_a_cut_starts_anew() -> None:
    buffer = PlayoutBuffer(AT_ONCE)
    buffer.push(speak(0))
    buffer.push(mute(1, "cut"))
    pull(buffer, 10)
    buffer.push(speak(2))
    np.testing.assert_array_equal(pull(buffer, 10), tone(3))


def test_an_underrun_is_counted_and_smooth_and_nothing_is_lost() -> None:
    buffer = PlayoutBuffer(AT_ONCE)
    buffer.push(speak(0))
    heard = [pull(buffer, 13)]
    assert buffer.statistics.underruns == 3
    buffer.push(speak(1))
    heard.append(pull(buffer, 10))
    sound = np.concatenate(heard)
    assert np.abs(np.diff(sound)).max() < STEP
    np.testing.assert_array_equal(sound[13 * PACKET + 200 :], tone(2)[200:])


def test_silence_between_answers_is_no_underrun() -> None:
    buffer = PlayoutBuffer(AT_ONCE)
    buffer.push(speak(0))
    buffer.push(mute(1, "end"))
    pull(buffer, 30)
    buffer.push(mute(2))
    pull(buffer, 10)
    assert buffer.statistics.underruns == 0


def test_never_more_than_a_slot_and_the_lookahead_wait() -> None:
    buffer = PlayoutBuffer(AT_ONCE)
    for slot in range(4):
        buffer.push(speak(slot))
        assert buffer.waiting <= CONFIG.capacity_samples
    counts = buffer.statistics
    assert counts.skipped == 4 * SLOT - CONFIG.capacity_samples
    sound = pull(buffer, 20)
    assert np.abs(np.diff(sound[: counts.waiting])).max() < 3 * STEP


def test_skipped_slots_are_announced_too() -> None:
    buffer = PlayoutBuffer(AT_ONCE)
    for slot in range(4):
        buffer.push(speak(slot))
    begun = [slot for _ in range(20) for slot in buffer.pull().begun]
    assert begun == [1, 2, 3, 4]


def test_a_mute_slot_is_not_queued() -> None:
    buffer = PlayoutBuffer(CONFIG)
    for slot in range(50):
        buffer.push(mute(slot))
    assert buffer.waiting == 0


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.sampled_from(["speak", "end", "cut"]), st.integers(0, 14)), max_size=20))
def test_every_sample_is_played_flushed_or_skipped(course: list[tuple[str, int]]) -> None:
    buffer, pushed, faded = PlayoutBuffer(CONFIG), 0, 0
    speaking = False
    for slot, (what, packets) in enumerate(course):
        if what == "speak":
            buffer.push(speak(slot))
            pushed += SLOT
        elif speaking:
            before = buffer.waiting
            flushed = buffer.push(mute(slot, what))
            assert buffer.waiting == before - flushed
            faded += flushed
        speaking = what == "speak"
        sound = pull(buffer, packets)
        assert len(sound) == packets * PACKET
    counts = buffer.statistics
    assert counts.played + counts.flushed + counts.skipped + counts.waiting == pushed
    assert counts.flushed == faded
