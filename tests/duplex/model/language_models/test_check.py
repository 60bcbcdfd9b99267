"""The check of a language model: figures of one short answer, or why there is none."""

from collections.abc import Sequence
from typing import Any

import pytest

from duplex.model.language_models.check import CONVERSATION, LlmReport, check_llm
from duplex.model.language_models.interface import AnswerPiece, ChatMessage, LanguageModel, LlmError


class Clock:
    """Seconds that pass only when somebody waits."""

    time_s = 5.0

    def __call__(self) -> float:
        return self.time_s


class WrittenModel(LanguageModel):
    """Gives written pieces at their times."""

    name, fingerprint, continues = "written", "0", False

    def __init__(self, clock: Clock, pieces: Sequence[AnswerPiece]) -> None:
        self._clock, self._pieces = clock, list(pieces)
        self.asked: list[tuple[int, Sequence[ChatMessage]]] = []
        self.forgotten: list[int] = []

    def generate(self, conversation: int, messages: Sequence[ChatMessage], tools: Sequence[dict[str, Any]] = ()) -> Any:
        self.asked.append((conversation, messages))
        self.tools = tools
        self._began = self._clock()
        return self

    def take(self, until_ms: float | None = None) -> list[AnswerPiece]:
        """As a generation: the clock goes on to `until_ms`, or to the last piece."""
        assert until_ms is not None
        taken = [piece for piece in self._pieces if piece.at_ms <= until_ms]
        self._pieces = self._pieces[len(taken) :]
        is_over = bool(taken and taken[-1].finish)
        self._clock.time_s = self._began + (taken[-1].at_ms if is_over else until_ms) / 1000
        return taken

    def cancel(self) -> None:
        """Nothing is under way."""

    def forget(self, conversation: int) -> None:
        self.forgotten.append(conversation)

    def prefill(self, conversation: int, messages: Sequence[ChatMessage]) -> None:
        raise AssertionError("nobody speaks")

    def close(self) -> None:
        raise AssertionError("whoever opened the model closes it")


def check(*pieces: AnswerPiece) -> LlmReport:
    """The report of a model that gives these pieces."""
    clock = Clock()
    model = WrittenModel(clock, pieces)
    report = check_llm(model, clock, limit_s=60)
    assert [conversation for conversation, _ in model.asked] == model.forgotten == [CONVERSATION]
    assert [message.role for message in model.asked[0][1]] == ["system", "user"]
    return report


def test_figures_of_an_answer() -> None:
    assert check(
        AnswerPiece("Pa", at_ms=1500),
        AnswerPiece("ris", at_ms=2000),
        AnswerPiece("is.", at_ms=2500),
        AnswerPiece(finish="stop", at_ms=2600),
    ) == LlmReport("written", "Parisis.", first_text_s=1.5, pieces_per_s=2.0)
    whole = check(AnswerPiece("Paris.", finish="stop", at_ms=700))
    assert (whole.first_text_s, whole.pieces_per_s, whole.error) == (0.7, None, "")


def test_why_there_is_no_answer() -> None:
    assert check(AnswerPiece(finish="error", error="It is off.", at_ms=9)).error == "It is off."
    broken = check(AnswerPiece("Pa", at_ms=100), AnswerPiece(finish="error", error="It broke.", at_ms=200))
    assert (broken.text, broken.error) == ("Pa", "It broke.")
    assert "answers with no text" in check(AnswerPiece(finish="stop", at_ms=9)).error
    assert "has not finished a short answer in 60 s" in check(AnswerPiece("Pa", at_ms=100)).error
    assert "has not finished a short answer in 60 s" in check().error


def test_a_model_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise LlmError("The folder has no weights.")

    clock = Clock()
    model = WrittenModel(clock, [])
    monkeypatch.setattr(model, "generate", fail)
    assert check_llm(model, clock) == LlmReport("written", error="The folder has no weights.")


def test_functions_are_offered_because_not_every_model_takes_them() -> None:
    clock = Clock()
    model = WrittenModel(clock, [AnswerPiece("Paris.", finish="stop", at_ms=100)])
    tools = [{"type": "function", "function": {"name": "time_in"}}]
    check_llm(model, clock, tools=tools)
    assert model.tools == tools
