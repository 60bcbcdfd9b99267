"""Acc@K of an assistant whose latencies are known."""

from pathlib import Path

import pytest

from configs.eval.evaluation import EvaluationConfig
from duplex.eval.suite import DialogueRow
from duplex.eval.suites.turn_taking_at_k import TurnTakingAtK
from tests.duplex.eval.counted import share_of
from tests.duplex.eval.fakes import KnownAssistant, hold_conversation, trial, write_data, write_trials

LONG = "word " * 30


@pytest.fixture
def suite(tmp_path: Path) -> TurnTakingAtK:
    config = EvaluationConfig()
    limits = config.turn_taking.model_copy(update={"pairs": 2})
    asks = [trial("ask", "question_voice", 1.0, long=True, answer=LONG)]
    data = write_data(tmp_path / "data", {"Who?": "I", "When?": "Now"})
    trials = write_trials(tmp_path / "trials", asks)
    return TurnTakingAtK(config.model_copy(update={"turn_taking": limits}), data, trials)


def rows(suite: TurnTakingAtK, assistant: KnownAssistant) -> list[DialogueRow]:
    return [hold_conversation(suite, example, assistant) for example in suite.examples()]


def shares(suite: TurnTakingAtK, found: list[DialogueRow]) -> dict[str, float | None]:
    return {figure.name: share_of(figure) for figure in suite.figures(found) if "Acc" in figure.name}


def test_turns_are_taken_and_given_back_at_their_frame(suite: TurnTakingAtK) -> None:
    found = shares(suite, rows(suite, KnownAssistant(response_s=0.19, stop_s=0.39, answer_s=8.0)))
    assert found == {
        "assistant turn-taking Acc@1": 0.0,
        "assistant turn-taking Acc@5": 1.0,
        "assistant turn-taking Acc@10": 1.0,
        "assistant turn-taking Acc@25": 1.0,
        "user turn-taking Acc@1": 0.0,
        "user turn-taking Acc@5": 0.0,
        "user turn-taking Acc@10": 0.0,
        "user turn-taking Acc@25": 1.0,
    }


def test_means_are_of_turns_that_were_taken(suite: TurnTakingAtK) -> None:
    figures = {figure.name: figure for figure in suite.figures(rows(suite, KnownAssistant(0.3, 0.2, 8.0)))}
    assert figures["assistant turn-taking latency"].numbers["mean"] == pytest.approx(0.3, abs=0.005)
    assert figures["assistant turn-taking latency"].numbers["n"] == 4
    assert figures["user turn-taking latency"].numbers["mean"] == pytest.approx(0.2, abs=0.005)
    assert figures["user turn-taking latency"].numbers["n"] == 2


def test_later_than_the_limit_fails_for_every_k(suite: TurnTakingAtK) -> None:
    late = rows(suite, KnownAssistant(response_s=1.6, stop_s=1.6, answer_s=8.0))
    assert all(row.worst > 0 for row in late)
    assert {value for name, value in shares(suite, late).items() if name.startswith("user")} == {0.0}
    slow = rows(suite, KnownAssistant(response_s=1.6, stop_s=0.3, answer_s=8.0))
    assert {value for name, value in shares(suite, slow).items() if name.startswith("assistant")} == {0.0}


def test_an_answer_that_ends_by_itself_gives_no_turn_back(suite: TurnTakingAtK) -> None:
    ends = suite.config.turn_taking.barge_in_s + 0.4
    found = rows(suite, KnownAssistant(stop_s=None, answer_s=ends, tells=True))
    assert all(row.measures["user"] == [] for row in found)
    assert all(len(row.measures["assistant"]) == 2 for row in found)
