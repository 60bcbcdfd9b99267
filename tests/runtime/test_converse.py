"""Conversations under a virtual clock: the same engine and session as live."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from duplex.model.interface import ConversationOptions
from runtime.converse import VirtualConversation, converse, converse_with, user_slots
from runtime.errors import BadOptions
from runtime.pcm import Pcm16, to_int16
from runtime.session.log_records import SlotRow
from runtime.session.slot_log import read_log
from tests.runtime.fakes import FailingGenerator, FakeGenerator
from tests.runtime.user_audio import INTERRUPTION, QUESTION, talking

SLOT_IN, SLOT_OUT = 3200, 4800


def test_a_question_is_answered() -> None:
    talk = converse(FakeGenerator(), QUESTION, tail_s=3.0)
    assert [row.event for row in talk.rows if row.event] == ["start", "end"]
    assert talk.transcript.user.text == "turn 0"
    assert talk.transcript.assistant.text == "one two three four five six seven eight"
    assert len(talk.user) == len(talk.rows) * SLOT_IN
    assert len(talk.assistant) == (len(talk.rows) + 1) * SLOT_OUT


def test_an_interruption_cuts_the_answer_and_gets_one_of_its_own() -> None:
    talk = converse(FakeGenerator(), INTERRUPTION, tail_s=3.0)
    assert [row.event for row in talk.rows if row.event] == ["start", "cut", "start", "end"]
    first, second = talk.transcript.assistant.answers
    assert (first.how, second.how) == ("cut", "end")
    assert first.text + " " + first.unheard == second.text
    assert all(row.flushed_ms == 0.0 for row in talk.rows)


def test_the_assistants_audio_lies_where_its_states_say() -> None:
    talk = converse(FakeGenerator(), QUESTION, tail_s=3.0)
    for row in talk.rows:
        slot = talk.assistant[(row.slot + 1) * SLOT_OUT : (row.slot + 2) * SLOT_OUT]
        assert (np.abs(slot[200:]).max() > 0.1) == (row.state == "SPEAK")


def test_the_same_seed_gives_the_same_conversation_and_another_one_another() -> None:
    generator = FakeGenerator()
    first, again = (converse(generator, QUESTION, ConversationOptions(seed=4)) for _ in range(2))
    other = converse(generator, QUESTION, ConversationOptions(seed=5))
    np.testing.assert_array_equal(first.assistant, again.assistant)
    assert [row.tokens for row in first.rows] == [row.tokens for row in again.rows]
    assert [row.tokens for row in first.rows] != [row.tokens for row in other.rows]


def test_the_files_tell_the_same(tmp_path: Path) -> None:
    talk = converse(FakeGenerator(), INTERRUPTION, tail_s=2.0, folder=tmp_path / "a", model="fake", source="x.wav")
    log = read_log(tmp_path / "a" / "slots.jsonl")
    assert log.rows == talk.rows
    assert (log.header.model, log.header.source, log.header.fingerprint) == ("fake", "x.wav", "fake-1")
    np.testing.assert_array_equal(soundfile.read(tmp_path / "a" / "user.wav", dtype="int16")[0], talk.user)
    both, rate = soundfile.read(tmp_path / "a" / "dialogue.wav", dtype="int16")
    assert rate == 24_000
    np.testing.assert_array_equal(both[:, 1], to_int16(talk.assistant))
    text = json.loads((tmp_path / "a" / "transcript.json").read_text(encoding="utf-8"))
    assert text["assistant"]["text"] == talk.transcript.assistant.text


def test_a_user_who_reacts_to_the_assistant() -> None:
    """Talks again 0.6 s after the assistant began, and goes when it has been silent."""
    loud, quiet = (to_int16(talking(0.2, [(0, 0.2 * on)])) for on in (True, False))
    onset: list[int] = []

    def user(live: VirtualConversation) -> Pcm16 | None:
        if live.rows and live.rows[-1].event == "start":
            onset.append(live.slot)
        if live.slot == 40:
            return None
        begin = onset[0] + 3 if onset else 2
        return loud if begin <= live.slot < begin + 4 else quiet

    talk = converse_with(FakeGenerator(), user)
    cut = next(row.slot for row in talk.rows if row.event == "cut")
    assert cut == onset[0] + 3
    assert len(talk.transcript.assistant.answers) == 2


def test_a_reactive_user_hears_the_assistant() -> None:
    heard: list[int] = []

    def user(live: VirtualConversation) -> Pcm16 | None:
        heard.append(len(live.assistant))
        return np.zeros(SLOT_IN, dtype=np.int16) if live.slot < 3 else None

    converse_with(FakeGenerator(), user)
    assert heard == [SLOT_OUT, 2 * SLOT_OUT, 3 * SLOT_OUT, 4 * SLOT_OUT]


def test_whole_slots_are_made_of_any_length() -> None:
    for length, tail, count in [(0, 0.0, 1), (1, 0.0, 1), (3200, 0.0, 1), (3201, 0.0, 2), (3200, 10.0, 51)]:
        slots = user_slots(np.full(length, 0.5, dtype=np.float32), tail)
        assert len(slots) == count
        assert np.concatenate(slots).sum(dtype=np.int64) == length * 16384


def test_a_slot_of_the_wrong_length_is_refused() -> None:
    live = VirtualConversation(FakeGenerator(), ConversationOptions())
    with pytest.raises(ValueError, match="a slot has 3200 samples"):
        live.step(np.zeros(3199, dtype=np.int16))


def test_refused_options_are_an_error_of_the_user() -> None:
    with pytest.raises(BadOptions, match="too long"):
        converse(FakeGenerator(), QUESTION, ConversationOptions(system_prompt="x" * 200))


def test_what_was_recorded_before_a_failure_is_on_disk(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="the fake model broke"):
        converse(FailingGenerator(), QUESTION, folder=tmp_path)
    log = read_log(tmp_path / "slots.jsonl")
    assert len(log.rows) == 2
    assert log.end is not None
    assert log.end.reason == "interrupted"
    assert soundfile.info(tmp_path / "user.wav").frames == 2 * SLOT_IN


def test_a_watcher_sees_every_slot() -> None:
    seen: list[SlotRow] = []
    talk = converse(FakeGenerator(), QUESTION, tail_s=0.0, on_slot=seen.append)
    assert tuple(seen) == talk.rows
