"""Whether a language model answers, and how fast: one short request."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from duplex.model.language_models.interface import AnswerPiece, ChatMessage, Generation, LanguageModel, LlmError

CONVERSATION: Final = -1
"""No conversation of a user has this number."""
_REQUEST: Final = (
    ChatMessage("system", "You answer in one short sentence."),
    ChatMessage("user", "What is the capital of France?"),
)
_STEP_MS: Final = 200.0


@dataclass(frozen=True)
class LlmReport:
    """What one request showed.

    Attributes:
        name: of the model.
        text: its answer.
        first_text_s: seconds from the request to the first text; None without text.
        pieces_per_s: pieces of text a second after the first one; None for fewer than two pieces.
        error: why it does not answer, one line; "" if it does.
    """

    name: str
    text: str = ""
    first_text_s: float | None = None
    pieces_per_s: float | None = None
    error: str = ""


def check_llm(
    model: LanguageModel, now: Callable[[], float], limit_s: float = 120.0, tools: Sequence[dict[str, Any]] = ()
) -> LlmReport:
    """Ask `model` one short question and wait for the end of the answer.

    Args:
        now: seconds of a monotonic clock.
        limit_s: how long all of it may take; a local model is loaded in that time.
        tools: definitions of functions, which not every model takes.
    """
    try:
        pieces = _collect(model, now, limit_s, tools)
    except LlmError as error:
        return LlmReport(model.name, error=str(error))
    finally:
        model.forget(CONVERSATION)
    return _report(model.name, pieces, limit_s)


def _collect(
    model: LanguageModel, now: Callable[[], float], limit_s: float, tools: Sequence[dict[str, Any]]
) -> list[AnswerPiece]:
    began = now()
    answer: Generation = model.generate(CONVERSATION, _REQUEST, tools)
    pieces: list[AnswerPiece] = []
    while not (pieces and pieces[-1].finish) and (age_s := now() - began) < limit_s:
        pieces += answer.take(until_ms=age_s * 1000 + _STEP_MS)
    return pieces


def _report(name: str, pieces: list[AnswerPiece], limit_s: float) -> LlmReport:
    spoken = [piece for piece in pieces if piece.text]
    text = "".join(piece.text for piece in spoken)
    if not pieces or not pieces[-1].finish:
        error = f"{name} has not finished a short answer in {limit_s:g} s. Take a smaller model or a faster machine."
    elif not (error := pieces[-1].error) and not text.strip():
        error = f"{name} answers with no text. Check that it is a chat model, and that its chat template is right."
    first_s = spoken[0].at_ms / 1000 if spoken else None
    took_s = (spoken[-1].at_ms - spoken[0].at_ms) / 1000 if spoken else 0.0
    return LlmReport(name, text, first_s, (len(spoken) - 1) / took_s if took_s > 0 else None, error)
