"""Sounds while the assistant speaks: stops that they cause are counted, spontaneous ones are not."""

from pathlib import Path

import pytest

from configs.audio import AUDIO
from configs.eval.evaluation import EvaluationConfig
from duplex.eval.errors import EvaluationError
from duplex.eval.suite import DialogueRow
from duplex.eval.suites.overlap import Overlap
from tests.duplex.eval.counted import share_of
from tests.duplex.eval.fakes import KnownAssistant, hold_conversation, trial, write_data, write_trials

CONFIG = EvaluationConfig()
SLOT = AUDIO.slot_seconds
SOUND_S = 0.5
LATEST = SOUND_S + CONFIG.overlap.window_s
LONG = "word " * 30


@pytest.fixture
def suite(tmp_path: Path) -> Overlap:
    asks = [trial("ask", "question_voice", 1.0, long=True, answer=LONG), trial("other", "question_voice", 1.0)]
    sounds = [trial("mm", "backchannel", SOUND_S), trial("wait", "command", SOUND_S), trial("ahem", "vocal_tic", 0.3)]
    data = write_data(tmp_path / "data", {"Who?": "I"}, clips=1, noises=1)
    return Overlap(CONFIG, data, write_trials(tmp_path / "trials", asks + sounds))


def speaker(stop_s: float | None = None, answer_s: float = 8.0, tells: bool = False) -> KnownAssistant:
    ignores = ("backchannel", "noise", "command", "vocal tic", "speech to somebody else", "background speech")
    return KnownAssistant(stop_s=stop_s, answer_s=answer_s, tells=tells, ignores=ignores)


def row_of(suite: Overlap, group: str, assistant: KnownAssistant) -> DialogueRow:
    example = next(example for example in suite.examples() if example.group == group)
    return hold_conversation(suite, example, assistant)


def shares(suite: Overlap, rows: list[DialogueRow]) -> dict[str, tuple[float | None, float | None]]:
    return {figure.name: (share_of(figure), figure.numbers["n"]) for figure in suite.figures(rows)}


@pytest.mark.parametrize(("stop", "stopped"), [(LATEST - 0.01, True), (LATEST - 0.01 + SLOT, False)])
def test_a_stop_up_to_a_second_after_the_sound_is_its_fault(suite: Overlap, stop: float, stopped: bool) -> None:
    row = row_of(suite, "backchannel", speaker(stop))
    assert row.measures["valid"]
    assert row.measures["stopped"] is stopped
    if stopped:
        assert row.measures["stop_s"] == pytest.approx(stop, abs=0.005)


def test_speaking_on_is_right_for_sounds_and_wrong_for_commands(suite: Overlap) -> None:
    deaf = speaker()
    assert row_of(suite, "backchannel", deaf).worst == 0.0
    assert row_of(suite, "noise", deaf).worst == 0.0
    assert row_of(suite, "command", deaf).worst > 0.0


def test_an_answer_that_ends_by_itself_is_void(suite: Overlap) -> None:
    ends = CONFIG.overlap.into_answer_s + 0.6
    row = row_of(suite, "backchannel", speaker(None, ends, tells=True))
    assert not row.measures["valid"]
    assert shares(suite, [row])["backchannel: stops the assistant"] == (None, 0)
    assert shares(suite, [row])["backchannel: void"] == (1.0, 1)


def test_an_assistant_that_does_not_speak_is_void(suite: Overlap) -> None:
    row = row_of(suite, "noise", KnownAssistant(response_s=100.0))
    assert not row.measures["valid"]
    assert shares(suite, [row])["noise: void"] == (1.0, 1)


def test_groups_are_counted_apart(suite: Overlap) -> None:
    stops = speaker(0.3)
    rows = [row_of(suite, "backchannel", stops), row_of(suite, "noise", speaker())]
    found = shares(suite, rows)
    assert found["backchannel: stops the assistant"] == (1.0, 1)
    assert found["noise: stops the assistant"] == (0.0, 1)


def test_without_long_answers_there_is_no_suite(tmp_path: Path) -> None:
    short = [trial("ask", "question_voice", 1.0, long=True, answer="too short")]
    data = write_data(tmp_path / "data", {"Who?": "I"}, clips=1, noises=1)
    with pytest.raises(EvaluationError, match="no trials for 'long answers'"):
        Overlap(CONFIG, data, write_trials(tmp_path / "trials", short)).examples()


def test_every_group_is_what_its_label_says(suite: Overlap) -> None:
    kinds = {example.group: example.script.events[1].kind for example in suite.examples()}
    assert kinds == {
        "interruption": "interrupt",
        "command": "interrupt",
        "backchannel": "backchannel",
        "vocal tic": "vocal_tic",
        "speech to somebody else": "non_directed",
        "background speech": "non_directed",
        "noise": "noise",
    }


def test_without_trials_real_audio_is_what_is_left(suite: Overlap, tmp_path: Path) -> None:
    alone = Overlap(CONFIG, suite.data, tmp_path / "nothing").examples()
    assert {example.group for example in alone} == {
        "interruption", "speech to somebody else", "background speech", "noise",
    }  # fmt: skip
    assert {example.facts["request"] for example in alone} == {"Who?"}


def test_an_interruption_is_answered_before_the_dialogue_ends(suite: Overlap) -> None:
    row = row_of(suite, "interruption", KnownAssistant(response_s=2.5, stop_s=0.3, answer_s=8.0))
    assert row.measures["stop_s"] == pytest.approx(0.3, abs=0.005)
    *_, answer = [event for event in row.events if event["side"] == "assistant"]
    question = next(event for event in row.events if event["name"] == "interruption")
    assert answer["start"] == pytest.approx(question["end"] + 2.5, abs=0.005)
