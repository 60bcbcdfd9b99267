"""Measures how much of the corpus a core knows, on text: right answers by split, refusals, and foreign questions.

This module uses the corpus and a text assistant; it does not depend on training.
"""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import get_args

from duplex.corpus.corpus import OUTSIDE, Corpus, Split
from duplex.corpus.exchange import Exchange
from duplex.model.layouts.tdm.text_assistant import TextAssistant
from duplex.train.text.noise import Mishearing

BATCH = 50


@dataclass(frozen=True)
class Scored:
    """One answered question."""

    exchange: Exchange
    said: str
    refused: bool

    @property
    def right(self) -> bool:
        """Whether the answer contains the key."""
        return self.exchange.right(self.said)


class Knowledge:
    """Scores a text assistant on the corpus."""

    def __init__(self, corpus: Corpus, rows: int, seed: int, prompt: str = "") -> None:
        """`rows` questions of each split, drawn with `seed`; the system prompt is the same for all."""
        self._rows = {split: list(corpus.rows(split, random.Random(seed), rows)) for split in get_args(Split)}
        self._refusal = corpus.no_answer
        self._prompt = prompt

    def report(self, assistant: TextAssistant, mishear: Mishearing | None = None) -> dict[str, object]:
        """Shares by split, refusals, and the kinds with the most errors; with `mishear` the words have recognition
        errors."""
        report: dict[str, object] = {}
        for split, rows in self._rows.items():
            scored = self.score(assistant, rows, mishear)
            inside = [one for one in scored if one.exchange.kind != OUTSIDE]
            outside = [one for one in scored if one.exchange.kind == OUTSIDE]
            report[split] = {
                **shares("right", [one.right for one in inside]),
                **shares("refused_inside", [one.refused for one in inside]),
                **shares("refused_outside", [one.refused for one in outside]),
                "wrong": _wrong(inside),
            }
        return report

    def score(
        self, assistant: TextAssistant, rows: Sequence[Exchange], mishear: Mishearing | None = None
    ) -> list[Scored]:
        """Every exchange with the assistant's answer."""
        rng = random.Random(0)
        scored: list[Scored] = []
        for first in range(0, len(rows), BATCH):
            batch = rows[first : first + BATCH]
            words = [row.heard.split() for row in batch]
            heard = [mishear(said, rng) for said in words] if mishear else words
            answers = assistant.answer(self._prompt, [" ".join(said) for said in heard])
            scored += [Scored(row, said, self.refuses(said)) for row, said in zip(batch, answers, strict=True)]
        return scored

    def refuses(self, said: str) -> bool:
        """Whether an answer is the honest refusal."""
        return Exchange("", self._refusal, OUTSIDE, self._refusal).right(said)


def shares(name: str, found: Sequence[bool]) -> dict[str, float]:
    """Share and number of true values by name; empty if there are no values."""
    return {name: round(sum(found) / len(found), 4), f"{name}_n": len(found)} if found else {}


def _wrong(scored: Iterable[Scored]) -> dict[str, int]:
    """Kinds with the most wrong answers."""
    return dict(Counter(one.exchange.kind for one in scored if not one.right).most_common(12))
