"""Correct answers and refusals by condition; which questions lie in the domain."""

from pathlib import Path

import pytest

from configs.eval.evaluation import EvaluationConfig
from configs.model.language import CorpusConfig
from duplex.corpus.corpus import Corpus
from duplex.corpus.kinds import Fact, Kind
from duplex.eval.suite import DialogueRow
from duplex.eval.suites.domain import Domain, content_words
from duplex.eval.suites.understanding import Understanding
from tests.duplex.eval.counted import share_of
from tests.duplex.eval.fakes import KnownAssistant, hold_conversation, trial, write_data, write_trials

CONFIG = EvaluationConfig()
TESTS = ("question_voice", "question_frame", "question_voice_frame", "question_robot")


@pytest.fixture
def suite(tmp_path: Path) -> Understanding:
    asked = [trial(test, test, 1.0, text="capital of France", key="Paris") for test in TESTS]
    questions = {"What is the capital of France?": "Paris", "Who is the lead singer of Queen?": "Freddie Mercury"}
    return Understanding(CONFIG, write_data(tmp_path / "data", questions), write_trials(tmp_path / "trials", asked))


def rows(suite: Understanding, says: str) -> list[DialogueRow]:
    assistant = KnownAssistant(says=says)
    return [hold_conversation(suite, example, assistant) for example in suite.examples()]


def shares(suite: Understanding, says: str) -> dict[str, float | None]:
    return {figure.name: share_of(figure) for figure in suite.figures(rows(suite, says))}


def test_the_key_in_the_words_is_right(suite: Understanding) -> None:
    found = shares(suite, "It is Paris.")
    assert found["right, voice never trained on"] == 1.0
    assert found["right, Llama Questions in domain"] == 1.0
    assert found["Llama Questions outside: refused"] == 0.0


def test_another_word_is_wrong(suite: Understanding) -> None:
    found = shares(suite, "It is Parisian.")
    assert found["right, voice never trained on"] == 0.0
    assert found["right, way of asking never trained on"] == 0.0


def test_a_refusal_is_right_only_outside(suite: Understanding) -> None:
    found = shares(suite, "Sorry, I don't know that.")
    assert found["Llama Questions outside: refused"] == 1.0
    assert found["right, Llama Questions in domain"] == 0.0
    assert found["right, Llama Questions in domain: refused"] == 1.0


def test_silence_is_neither(suite: Understanding) -> None:
    found = shares(suite, "")
    assert found["right, voice never trained on"] == 0.0
    assert found["Llama Questions outside: refused"] == 0.0


def test_a_trial_without_a_key_wants_the_whole_answer(tmp_path: Path) -> None:
    asked = [trial(test, test, 1.0, text="hello", answer="Hello there.") for test in TESTS]
    data = write_data(tmp_path / "data", {"Who?": "I"})
    suite = Understanding(CONFIG, data, write_trials(tmp_path / "trials", asked))
    assert shares(suite, "Hello there.")["right, voice never trained on"] == 1.0
    assert shares(suite, "Hello.")["right, voice never trained on"] == 0.0


@pytest.fixture(scope="module")
def domain() -> Domain:
    facts = (
        Fact(("what is the capital of france", "france's capital"), ("The capital is Paris.",), "Paris"),
        Fact(("the smallest continent",), ("It is Australia.",), "Australia"),
        Fact(("what time is it",), ("It is noon.",), ""),
    )
    return Domain(Corpus(CorpusConfig(), (Kind("facts", facts),)))


@pytest.mark.parametrize(
    ("question", "answer", "place"),
    [
        ("What is the capital of France?", "Paris", "in"),
        ("Which big city is the capital of France?", "Paris", "in"),
        ("What is the capital of Spain?", "Madrid", "outside"),
        ("What is the smallest continent in the world?", "Antarctica", "disputed"),
        ("Which explorer walked the smallest continent on foot alone?", "Stuart", "outside"),
        ("How many times a day do people pray?", "five", "outside"),
    ],
)
def test_a_question_lies_where_the_rule_says(domain: Domain, question: str, answer: str, place: str) -> None:
    assert domain.place(question, answer) == place


def test_content_words_carry_the_meaning() -> None:
    assert content_words("How many legs do spiders have?") == {"leg", "spider"}


def test_a_condition_whose_voices_were_missing_has_no_share(tmp_path: Path) -> None:
    asked = [trial("only", "question_voice", 1.0, text="capital of France", key="Paris")]
    data = write_data(tmp_path / "data", {"Who?": "I"})
    found = shares(Understanding(CONFIG, data, write_trials(tmp_path / "trials", asked)), "Paris")
    assert found["right, voice never trained on"] == 1.0
    assert found["right, way of asking never trained on"] is None
