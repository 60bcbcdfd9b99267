"""Pairs with known latencies: recovered within 5 ms, and every limit fails one slot beyond it."""

from pathlib import Path

import pytest

from configs.audio import AUDIO
from configs.eval.evaluation import EvaluationConfig
from duplex.eval.measures.figures import Figure
from duplex.eval.suite import DialogueRow, Suite
from duplex.eval.suites.turn_taking import ReactiveTurnTaking, TurnTaking
from tests.duplex.eval.counted import share_of
from tests.duplex.eval.fakes import KnownAssistant, hold_conversation, trial, write_data, write_trials

CONFIG = EvaluationConfig()
SLOT = AUDIO.slot_seconds
EXACT = 0.005
LONG = "word " * 30


@pytest.fixture
def pairs(tmp_path: Path) -> TurnTaking:
    limits = CONFIG.turn_taking.model_copy(update={"pairs": 2})
    data = write_data(tmp_path, {f"question {i}": "answer" for i in range(4)})
    return TurnTaking(CONFIG.model_copy(update={"turn_taking": limits}), data)


@pytest.fixture
def reactive(tmp_path: Path) -> ReactiveTurnTaking:
    data = write_data(tmp_path / "data", {f"question {i}": "answer" for i in range(4)})
    limits = CONFIG.turn_taking.model_copy(update={"pairs": 1})
    asks = [trial("ask", "question_voice", 1.0, long=True, answer=LONG)]
    config = CONFIG.model_copy(update={"turn_taking": limits})
    return ReactiveTurnTaking(config, data, write_trials(tmp_path / "trials", asks))


def rows(suite: Suite, assistant: KnownAssistant) -> list[DialogueRow]:
    return [hold_conversation(suite, example, assistant) for example in suite.examples()]


def figure(suite: Suite, found: list[DialogueRow], start: str) -> Figure:
    return next(figure for figure in suite.figures(found) if figure.name.startswith(start))


def share(suite: Suite, found: list[DialogueRow], start: str = "success, grace 1 s, answer within 5 s") -> float | None:
    return share_of(figure(suite, found, start))


@pytest.mark.parametrize("response", [-0.15, 0.0, 0.437, 2.9])
def test_response_latencies_are_recovered(pairs: TurnTaking, response: float) -> None:
    found = rows(pairs, KnownAssistant(response_s=response, answer_s=0.05 if response < 0 else 0.5))
    for row in found:
        assert row.measures["response_s"] == pytest.approx([response, response], abs=EXACT)


@pytest.mark.parametrize("stop", [0.2, 0.35, 0.71])
def test_stop_latencies_are_recovered(reactive: ReactiveTurnTaking, stop: float) -> None:
    found = rows(reactive, KnownAssistant(stop_s=stop, answer_s=8.0))
    assert found[0].measures["stop_s"] == pytest.approx(stop, abs=EXACT)
    assert figure(reactive, found, "stop").numbers["p50"] == pytest.approx(stop, abs=EXACT)


def test_the_interruption_starts_when_it_should(reactive: ReactiveTurnTaking) -> None:
    row = rows(reactive, KnownAssistant(response_s=0.4, answer_s=8.0))[0]
    second = next(event for event in row.events if event["name"] == "second")
    first = next(event for event in row.events if event["name"] == "first")
    assert second["start"] == pytest.approx(first["end"] + 0.4 + CONFIG.turn_taking.barge_in_s, abs=EXACT)


@pytest.mark.parametrize(("stop", "success"), [(0.5 - EXACT, 1.0), (0.5 - EXACT + SLOT, 0.0)])
def test_a_stop_after_the_grace_fails(reactive: ReactiveTurnTaking, stop: float, success: float) -> None:
    found = rows(reactive, KnownAssistant(stop_s=stop, answer_s=8.0))
    assert share(reactive, found, "success, grace 0.5 s, answer within 5 s") == success


@pytest.mark.parametrize(("response", "success"), [(5.0 - EXACT, 1.0), (5.0 - EXACT + SLOT, 0.0)])
def test_an_answer_after_the_limit_fails(pairs: TurnTaking, response: float, success: float) -> None:
    assert share(pairs, rows(pairs, KnownAssistant(response_s=response))) == success


def test_the_sweep_has_every_other_grace_and_limit(pairs: TurnTaking) -> None:
    found = rows(pairs, KnownAssistant(response_s=2.0))
    assert share(pairs, found, "success, grace 1 s, answer within 1.5 s") == 0.0
    assert share(pairs, found, "success, grace 1 s, answer within 3 s") == 1.0
    limits = CONFIG.turn_taking
    details = [figure for figure in pairs.figures(found) if figure.detail]
    assert len(details) == 2 * (len(limits.graces) * len(limits.limits) - 1)


def test_speaking_inside_the_users_turn_fails(pairs: TurnTaking) -> None:
    name = "success, grace 0.5 s, answer within 5 s"
    assert share(pairs, rows(pairs, KnownAssistant(barges_in_s=0.55)), name) == 0.0
    assert share(pairs, rows(pairs, KnownAssistant()), name) == 1.0


def test_a_second_turn_before_the_answer_is_told(pairs: TurnTaking) -> None:
    found = rows(pairs, KnownAssistant(response_s=3.5))
    assert share(pairs, found, "success, grace 1 s, answer within 5 s") == 1.0
    assert share(pairs, found, "success, first turn answered too") == 0.0
    assert share(pairs, found, "second turn before the answer") == 1.0


def test_an_assistant_that_never_speaks_fails_both_suites(pairs: TurnTaking, reactive: ReactiveTurnTaking) -> None:
    never = KnownAssistant(response_s=100.0)
    assert share(pairs, rows(pairs, never)) == 0.0
    assert share(reactive, rows(reactive, never)) == 0.0
    assert figure(reactive, rows(reactive, never), "stop").numbers["n"] == 0


def test_a_stop_by_itself_is_void(reactive: ReactiveTurnTaking) -> None:
    ends = CONFIG.turn_taking.barge_in_s + 0.4
    found = rows(reactive, KnownAssistant(stop_s=None, answer_s=ends, tells=True))
    assert found[0].measures["silenced_by"] == "end"
    assert figure(reactive, found, "stop").numbers["n"] == 0
    assert figure(reactive, found, "success where it was speaking").numbers["n"] == 1


def test_a_short_answer_is_no_true_interruption(reactive: ReactiveTurnTaking) -> None:
    found = rows(reactive, KnownAssistant(answer_s=1.0))
    assert share(reactive, found) == 1.0
    assert figure(reactive, found, "success where it was speaking").numbers["n"] == 0


def test_an_assistant_that_never_yields_has_its_latency_told(reactive: ReactiveTurnTaking) -> None:
    response, question, answer = 0.4, 1.0, 5.0
    found = rows(reactive, KnownAssistant(response_s=response, stop_s=None, answer_s=answer, tells=True))
    both_answers = question + response + answer
    assert figure(reactive, found, "stop").numbers["p50"] == pytest.approx(both_answers, abs=EXACT)


def test_pairs_are_drawn_by_seed_without_repeats(tmp_path: Path) -> None:
    data = write_data(tmp_path, {f"question {i}": "answer" for i in range(10)})
    limits = CONFIG.turn_taking.model_copy(update={"pairs": 5})
    config = CONFIG.model_copy(update={"turn_taking": limits})
    drawn = [[example.id for example in TurnTaking(config, data, seed).examples()] for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    asked = [name for pair in drawn[0] for name in pair.split("-")]
    assert sorted(asked) == sorted(str(i) for i in range(10))
