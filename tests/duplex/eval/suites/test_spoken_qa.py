"""Spoken question answering: three ways to answer, scored as published and on normalised words."""

from pathlib import Path

import numpy as np
import pytest

from configs.eval.evaluation import EvaluationConfig
from duplex.eval.measures import judge
from duplex.eval.measures.figures import Figure
from duplex.eval.suite import DialogueRow
from duplex.eval.suites.spoken_qa import SpokenQa
from duplex.model.interface import Samples
from tests.duplex.eval.counted import share_of
from tests.duplex.eval.fakes import KnownAssistant, hold_conversation, write_data

QUESTIONS = {f"How many legs has spider {i}?": "8" for i in range(12)}


@pytest.fixture
def suite(tmp_path: Path) -> SpokenQa:
    return SpokenQa(EvaluationConfig(), write_data(tmp_path, QUESTIONS))


def recognise_as(monkeypatch: pytest.MonkeyPatch, text: str) -> list[Samples]:
    """A recogniser that always hears `text`; keeps what it was given."""
    given: list[Samples] = []
    monkeypatch.setattr(judge, "recognise", lambda samples, asr: given.append(samples) or text)
    return given


def rows(suite: SpokenQa, says: str, writes: str | None) -> list[DialogueRow]:
    write = None if writes is None else lambda question: writes
    return [hold_conversation(suite, example, KnownAssistant(says=says), write) for example in suite.examples()]


def figures(suite: SpokenQa, found: list[DialogueRow]) -> dict[str, Figure]:
    return {figure.name: figure for figure in suite.figures(found)}


def test_every_way_is_scored_by_its_own_words(suite: SpokenQa, monkeypatch: pytest.MonkeyPatch) -> None:
    recognise_as(monkeypatch, "It has 8 legs.")
    found = figures(suite, rows(suite, "It has eight legs.", "it has ate legs"))
    shares = {name: share_of(figure) for name, figure in found.items() if "right," in name}
    assert shares == {
        "S2T right, exist-match": 0.0,
        "S2S right, exist-match": 1.0,
        "T2T right, exist-match": 0.0,
        "S2T right, exist-match, normalised": 1.0,
        "S2S right, exist-match, normalised": 1.0,
        "T2T right, exist-match, normalised": 0.0,
    }


def test_the_ratio_is_of_what_was_right_in_writing(suite: SpokenQa, monkeypatch: pytest.MonkeyPatch) -> None:
    recognise_as(monkeypatch, "")
    half = [*rows(suite, "Eight.", "eight")[:6], *rows(suite, "Nine.", "eight")[6:]]
    assert figures(suite, half)["S2T of T2T, normalised"].numbers["value"] == 0.5
    assert figures(suite, half)["S2T of T2T, normalised"].numbers["n"] == 12


def test_a_system_that_does_not_write_has_no_t2t(suite: SpokenQa, monkeypatch: pytest.MonkeyPatch) -> None:
    recognise_as(monkeypatch, "eight")
    found = figures(suite, rows(suite, "Eight.", None))
    assert "T2T right, exist-match" not in found
    assert "S2T of T2T, normalised" not in found


def test_speech_is_compared_with_its_text(suite: SpokenQa, monkeypatch: pytest.MonkeyPatch) -> None:
    given = recognise_as(monkeypatch, "it has late legs")
    found = rows(suite, "It has eight legs.", None)
    assert (found[0].measures["errors"], found[0].measures["words"]) == (1, 4)
    assert figures(suite, found)["word error rate of its speech against its text"].numbers["value"] == 0.25
    answer_s = KnownAssistant().answer_s
    assert all(np.count_nonzero(samples) == pytest.approx(answer_s * 24_000, abs=2) for samples in given)


def test_silence_is_not_given_to_the_recogniser(suite: SpokenQa, monkeypatch: pytest.MonkeyPatch) -> None:
    given = recognise_as(monkeypatch, "thank you")
    row = hold_conversation(suite, suite.examples()[0], KnownAssistant(ignores=("question",)))
    assert not given
    assert (row.measures["recognised"], row.measures["response_s"]) == ("", None)
