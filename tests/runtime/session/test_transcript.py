"""Transcripts: times on the recording's clock, what was heard and what was cut."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from configs.runtime.runtime import TranscriptConfig
from runtime.session.log_records import LoggedUser, LoggedWord, SlotRow
from runtime.session.transcript import Transcript, TranscriptBuilder, transcript

CONFIG = TranscriptConfig(heard_fraction=0.5)
ROW = SlotRow(0, 0.5, "MUTE", "", 0, (), [], None, (), "", "", -100.0, -100.0, (), 0.0, (), {}, {})
WORDS = ("one", "two", "three", "four")


def mute(slot: int, event: str = "", flushed_ms: float = 0.0) -> SlotRow:
    return replace(ROW, slot=slot, event=event, flushed_ms=flushed_ms)


def speak(slot: int, *spoken: LoggedWord, event: str = "", known: tuple[str, ...] = ()) -> SlotRow:
    return replace(ROW, slot=slot, state="SPEAK", event=event, spoken=spoken, answer_words=known)


def word(index: int, start_ms: float, end_ms: float, done: float, answer: int = 0) -> LoggedWord:
    return LoggedWord(answer, index, WORDS[index], start_ms, end_ms, done)


def make_transcript(rows: list[SlotRow], delay_ms: float = 0.0) -> Transcript:
    return transcript(rows, delay_ms, CONFIG)


ANSWER = [
    mute(0),
    speak(1, word(0, 50, 150, 1.0), word(1, 150, 200, 0.25), event="start", known=("one", "two")),
    speak(2, word(1, 0, 150, 1.0), word(2, 160, 200, 0.5), known=("three", "four")),
]


def test_an_answer_that_came_to_its_end() -> None:
    rows = [*ANSWER, speak(3, word(2, 0, 40, 1.0), word(3, 50, 200, 1.0)), mute(4, "end")]
    side = make_transcript(rows).assistant
    assert side.text == "one two three four"
    assert [(w.text, w.start, w.end, w.fraction, w.heard) for w in side.words] == [
        ("one", 0.45, 0.55, 1.0, True),
        ("two", 0.55, 0.75, 1.0, True),
        ("three", 0.76, 0.84, 1.0, True),
        ("four", 0.85, 1.0, 1.0, True),
    ]
    (answer,) = side.answers
    assert (answer.how, answer.start, answer.end, answer.unheard) == ("end", 0.4, 1.0, "")


def test_a_cut_leaves_unheard_words() -> None:
    side = make_transcript([*ANSWER, mute(3, "cut")]).assistant
    assert [(w.text, w.fraction, w.heard) for w in side.words] == [
        ("one", 1.0, True), ("two", 1.0, True), ("three", 0.5, True), ("four", 0.0, False),
    ]  # fmt: skip
    assert (side.words[3].start, side.words[3].end) == (0.8, 0.8)
    assert (side.answers[0].how, side.answers[0].unheard) == ("cut", "four")


def test_audio_that_was_taken_back_was_not_heard() -> None:
    """Flushed: the last 80 ms before the decision, so half of what was said of word two and all of three."""
    side = make_transcript([*ANSWER, mute(3, "cut", flushed_ms=125.0)]).assistant
    assert [(w.text, w.fraction, w.heard) for w in side.words] == [
        ("one", 1.0, True), ("two", 0.625, True), ("three", 0.0, False), ("four", 0.0, False),
    ]  # fmt: skip
    assert (side.words[1].end, side.words[2].start, side.answers[0].end) == (0.675, 0.675, 0.675)
    assert side.text == "one two"


def test_less_than_half_a_word_is_unheard() -> None:
    side = make_transcript([*ANSWER[:2], mute(2, "cut")]).assistant
    assert [(w.text, w.fraction, w.heard) for w in side.words] == [("one", 1.0, True), ("two", 0.25, False)]


def test_a_conversation_that_ends_while_the_assistant_speaks() -> None:
    side = make_transcript(ANSWER).assistant
    assert side.answers[0].how == "open"
    assert [w.heard for w in side.words] == [True, True, True, False]
    assert side.answers[0].end == side.words[3].start == 0.8


def test_answers_are_counted_and_a_veto_is_none() -> None:
    rows = [
        *ANSWER,
        mute(3, "cut"),
        mute(4, "veto"),
        speak(5, word(0, 0, 90, 1.0, answer=1), event="start"),
        mute(6, "end"),
    ]
    answers = make_transcript(rows).assistant.answers
    assert [(answer.answer, answer.text, answer.how) for answer in answers] == [
        (0, "one two three", "cut"),
        (1, "one", "end"),
    ]


def test_the_detokenizers_delay_moves_the_assistant_only() -> None:
    rows = [replace(ANSWER[0], user=LoggedUser(0, "hi", "Hi.", 0.05, 0.15)), *ANSWER[1:], mute(3, "end")]
    plain, late = make_transcript(rows), make_transcript(rows, delay_ms=10.0)
    assert late.assistant.words[0].start == pytest.approx(plain.assistant.words[0].start + 0.01)
    assert late.user == plain.user


def test_the_last_caption_of_a_turn_counts() -> None:
    rows = [
        replace(mute(0), user=LoggedUser(0, "hello", "Hello", 0.0, 0.2)),
        replace(mute(1), user=LoggedUser(0, "there", "Hello there.", 0.0, 0.4)),
        replace(mute(2), user=LoggedUser(1, "bye", "Bye.", 0.5, 0.6)),
    ]
    side = make_transcript(rows).user
    assert side.text == "Hello there. Bye."
    assert [(turn.text, turn.start, turn.end, turn.heard) for turn in side.words] == [
        ("Hello there.", 0.0, 0.4, True),
        ("Bye.", 0.5, 0.6, True),
    ]


def test_it_follows_a_live_conversation() -> None:
    rows = [*ANSWER, mute(3, "cut")]
    builder = TranscriptBuilder(0.0, CONFIG)
    for count, row in enumerate(rows, start=1):
        builder.add(row)
        assert builder.build() == make_transcript(rows[:count])


def test_silence_is_an_empty_transcript() -> None:
    text = make_transcript([mute(0), mute(1)])
    assert (text.seconds, text.user.text, text.assistant.text) == (0.6, "", "")


def test_it_is_written_as_json(tmp_path: Path) -> None:
    make_transcript([*ANSWER, mute(3, "cut")]).write(tmp_path / "transcript.json")
    values = json.loads((tmp_path / "transcript.json").read_text(encoding="utf-8"))
    assert values["assistant"]["words"][0] == {
        "answer": 0, "text": "one", "start": 0.45, "end": 0.55, "fraction": 1.0, "heard": True,
    }  # fmt: skip
    assert set(values) == {"seconds", "user", "assistant"}


def test_a_mark_belongs_to_the_word_before_it() -> None:
    marked = replace(ANSWER[1], answer_words=("one", ",", "two"))
    sounding = replace(marked, spoken=(word(0, 50, 150, 1.0), LoggedWord(0, 2, "two", 150, 200, 1.0)))
    side = make_transcript([mute(0), sounding, mute(2, "end")]).assistant
    assert [(w.text, w.heard) for w in side.words] == [("one,", True), ("two", True)]
    assert side.text == "one, two"
