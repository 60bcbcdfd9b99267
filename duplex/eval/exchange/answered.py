"""Questions and answers of a spoken-qa run, as exporters need them.

A row's measures contain `question`, `key` (right answers, separated by "|"), `answer` (the words of the assistant),
`recognised` (what a recogniser heard it say) and `text_answer` (its written answer); the last two may be None.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from duplex.eval.errors import EvaluationError
from duplex.eval.exchange.saved import SavedRun
from duplex.eval.measures.text_match import ALTERNATIVES
from duplex.eval.suite import DialogueRow


@dataclass(frozen=True)
class Answered:
    """One question. `keys`: alternatives. `recognised`, `text_answer`: None if they are not known."""

    row: DialogueRow
    question: str
    keys: tuple[str, ...]
    answer: str
    recognised: str | None
    text_answer: str | None


AnswerOf = Callable[[Answered], str | None]
"""One of the three answers to a question."""

SAID: Final[Mapping[str, AnswerOf]] = MappingProxyType(
    {
        "audio": lambda one: one.answer,
        "speech": lambda one: one.recognised,
        "text": lambda one: one.text_answer,
    }
)
"""The assistant's words, what its speech was recognised as, and the written answer to the written question."""


def collect_all_said(questions: Sequence[Answered], modality: str) -> list[str] | None:
    """One of the three answers of every question; None if a question has no such answer."""
    texts = [SAID[modality](one) for one in questions]
    known = [text for text in texts if text is not None]
    return known if len(known) == len(texts) else None


def collect_answered(run: SavedRun) -> list[Answered]:
    """The questions of a run that have a right answer.

    Raises:
        EvaluationError: there are none.
    """
    found = [_read_answered(row) for row in run.rows if row.measures.get("question") and row.measures.get("key")]
    if not found:
        raise EvaluationError(f"{run.folder}: holds no questions with answers; export a run of spoken-qa")
    return found


def _read_answered(row: DialogueRow) -> Answered:
    facts = row.measures
    keys = tuple(key.strip() for key in facts["key"].split(ALTERNATIVES) if key.strip())
    return Answered(
        row, facts["question"], keys, facts.get("answer") or "", facts.get("recognised"), facts.get("text_answer")
    )
