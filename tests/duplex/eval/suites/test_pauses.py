"""Takeovers in pauses and clips, answers after the end, false starts: by their exact limits."""

from pathlib import Path

import pytest

from configs.audio import AUDIO
from configs.eval.evaluation import EvaluationConfig
from duplex.eval.suite import DialogueRow
from duplex.eval.suites import pauses
from duplex.eval.suites.pauses import Pauses
from duplex.eval.users.phrases import TurnPhrase
from tests.duplex.eval.counted import share_of
from tests.duplex.eval.fakes import KnownAssistant, hold_conversation, trial, write_data, write_trials

CONFIG = EvaluationConfig()
LIMITS = CONFIG.pauses
SLOT = AUDIO.slot_seconds
TURN_S, PAUSE_AT, PAUSE_S = 4.0, 2.0, 0.6


@pytest.fixture
def suite(tmp_path: Path) -> Pauses:
    turns = [trial("turn", "pause", TURN_S, pause=PAUSE_S, pause_start=0.1 + PAUSE_AT)]
    streams = [trial("silence", "silence", 2.0), trial("room", "room", 3.0)]
    data = write_data(tmp_path / "data", {}, clips=1)
    return Pauses(CONFIG, data, write_trials(tmp_path / "trials", turns + streams))


def row_of(suite: Pauses, start: str, assistant: KnownAssistant) -> DialogueRow:
    example = next(example for example in suite.examples() if example.group.startswith(start))
    return hold_conversation(suite, example, assistant)


@pytest.mark.parametrize(
    ("at", "takeover"),
    [
        (PAUSE_AT - LIMITS.before_s + 0.01, True),
        (PAUSE_AT - LIMITS.before_s + 0.01 - SLOT, False),
        (PAUSE_AT + PAUSE_S + LIMITS.after_s - 0.01, True),
        (PAUSE_AT + PAUSE_S + LIMITS.after_s - 0.01 + SLOT, False),
    ],
)
def test_a_start_in_the_pause_is_a_takeover(suite: Pauses, at: float, takeover: bool) -> None:
    row = row_of(suite, "pause", KnownAssistant(barges_in_s=at, response_s=0.3))
    assert row.measures["takeover"] is takeover
    assert row.group == "pause 0.6 s"
    assert len(row.measures["inside"]) == 1


@pytest.mark.parametrize(("at", "inside"), [(1.5, 1), (2.0 - 0.05 - 0.01, 1), (2.0 - 0.05 + 0.01, 0)])
def test_a_start_inside_a_clip(suite: Pauses, at: float, inside: int) -> None:
    row = row_of(suite, "clip", KnownAssistant(barges_in_s=at, response_s=3.0))
    assert len(row.measures["inside"]) == inside


@pytest.mark.parametrize(("response", "share"), [(3.0 - 0.01, 1.0), (3.0 - 0.01 + SLOT, 0.0)])
def test_the_answer_has_three_seconds(suite: Pauses, response: float, share: float) -> None:
    row = row_of(suite, "clip", KnownAssistant(response_s=response))
    assert row.measures["response_s"] == pytest.approx(response, abs=0.005)
    figures = {figure.name: figure for figure in suite.figures([row])}
    assert share_of(figures["clip answered within 3 s"]) == share
    assert figures["response after a clip"].numbers["p50"] == pytest.approx(response, abs=0.005)


def test_a_clip_it_talks_over_the_end_of_asks_for_no_answer(suite: Pauses) -> None:
    row = row_of(suite, "clip", KnownAssistant(barges_in_s=1.6, response_s=100.0))
    figures = {figure.name: figure for figure in suite.figures([row])}
    assert figures["clip answered within 3 s"].numbers["n"] == 0
    assert share_of(figures["takeover inside a human clip"]) == 1.0


def test_false_starts_are_counted(suite: Pauses) -> None:
    rows = [
        row_of(suite, "silence", KnownAssistant(response_s=100.0)),
        row_of(suite, "room", KnownAssistant(barges_in_s=1.0, response_s=100.0)),
    ]
    silence, room = (f for f in suite.figures(rows) if f.name.startswith("false starts"))
    assert [sum(starts for _, starts in figure.values) for figure in (silence, room)] == [0, 1]
    minutes = rows[1].trace["seconds"] / 60
    assert (silence.numbers["value"], room.numbers["value"]) == (0, pytest.approx(1 / minutes, rel=1e-4))


def test_the_pause_is_an_event_of_the_dialogue(suite: Pauses) -> None:
    row = row_of(suite, "pause", KnownAssistant())
    (pause,) = [event for event in row.events if event["kind"] == "pause"]
    (turn,) = [event for event in row.events if event["kind"] == "turn"]
    assert pause["start"] == pytest.approx(turn["start"] + PAUSE_AT, abs=1e-4)
    assert pause["end"] == pytest.approx(pause["start"] + PAUSE_S, abs=1e-4)


def test_without_trials_human_clips_are_what_is_left(suite: Pauses, tmp_path: Path) -> None:
    assert {example.group for example in Pauses(CONFIG, suite.data, tmp_path / "nothing").examples()} == {"clip"}


def test_phrases_are_held_up_where_they_could_have_ended(suite: Pauses, monkeypatch: pytest.MonkeyPatch) -> None:
    phrase = TurnPhrase("ball", suite.data / "librispeech_test_other" / "0.wav", 1.2)
    monkeypatch.setattr(pauses, "turn_phrases", lambda data: [phrase])
    groups = {example.group: example for example in suite.examples() if "phrase" in example.group}
    assert list(groups) == ["whole phrase", "phrase 0.3 s", "phrase 0.6 s", "phrase 1.0 s"]
    inside = hold_conversation(suite, groups["phrase 0.6 s"], KnownAssistant(barges_in_s=1.3))
    assert inside.measures["takeover"]
    assert inside.events[-1]["end"] - inside.events[0]["start"] > 2.6
    before = hold_conversation(suite, groups["phrase 0.6 s"], KnownAssistant(barges_in_s=1.0))
    assert not before.measures["takeover"]
    assert before.measures["inside"]
