"""Long turns as people speak them: several sentences with fillers, restarts and pauses, and a question at the end.

This module handles the format of `turns.yaml`; the caller supplies the question at the end.
"""

import random

from configs.model.language import CorpusConfig
from duplex.corpus.exchange import Exchange, WrittenTurn
from duplex.corpus.grammar import hold_out
from duplex.corpus.kinds import read_data

REACTION = "reaction"
"""Kind of a turn that ends in a statement."""
UNFINISHED = "unfinished"
"""Kind of a turn that breaks off in the middle of a statement."""

MarkedPiece = tuple[str, str]
CLAUSE, STATEMENT, QUESTION, FILLER = "csqf"

SENTENCES, SENTENCE_ODDS = (0, 1, 2, 3, 5), (2, 4, 3, 2, 1)
LEAD_CHANCE = 0.25
ASK_CHANCE = 0.4
FILLER_CHANCE = 0.13
RESTART_CHANCE = 0.10
BREAK_CHANCE = 0.12
SHORTEST_BROKEN = 5


class Turns:
    """Draws long turns; `reactions` are what the assistant says to statements."""

    def __init__(self, config: CorpusConfig) -> None:
        data = read_data("turns")
        self._parts = {name: hold_out(items, config.held_out_every) for name, items in data.items()}
        self.reactions: list[str] = data["reactions"]

    def draw(self, rng: random.Random, ending: Exchange | None, held_out: bool) -> WrittenTurn:
        """Draw one turn that ends in `ending`, or in a statement if that is None."""
        words = _Words(rng, self._parts, held_out)
        sentences = rng.choices(SENTENCES, SENTENCE_ODDS)[0]
        if ending is None:
            sentences = max(1, sentences)
        pieces = [piece for _ in range(sentences) for piece in words.sentence()]
        if ending is None:
            ending = self._statement(rng, pieces[-1][0])
        else:
            pieces += words.question(ending.user)
        return WrittenTurn(tuple(_as_spoken(rng, words, pieces)), ending)

    def _statement(self, rng: random.Random, text: str) -> Exchange:
        return Exchange(text, rng.choice(self.reactions), REACTION, "|".join(self.reactions))


class _Words:
    """Sentences of random words from one part of the lists."""

    def __init__(self, rng: random.Random, parts: dict[str, tuple[list[str], list[str]]], held_out: bool) -> None:
        self._rng, self._parts, self._held_out = rng, parts, int(held_out)

    def one(self, name: str) -> str:
        """A random item of a list."""
        return self._rng.choice(self._parts[name][self._held_out])

    def sentence(self) -> list[MarkedPiece]:
        """Pieces of one statement."""
        lead: list[MarkedPiece] = [(self.one("leads"), CLAUSE)] if self._rng.random() < LEAD_CHANCE else []
        chance = self._rng.random()
        if chance < 0.45:
            return [*lead, (self._clause(), STATEMENT)]
        if chance < 0.75:
            return [*lead, (self._clause(), CLAUSE), (self._join(), STATEMENT)]
        if chance < 0.9:
            return [*lead, (self._clause(), CLAUSE), (self._join(), CLAUSE), (self._join(), STATEMENT)]
        return [*lead, (self.one("openings"), CLAUSE), (self.one("objects"), STATEMENT)]

    def question(self, text: str) -> list[MarkedPiece]:
        """Pieces of the question, which is sometimes announced."""
        announced = self._rng.random() < ASK_CHANCE
        return [*([(self.one("turns_to_question"), CLAUSE)] if announced else []), (text, QUESTION)]

    def _join(self) -> str:
        return f"{self.one('joins')} {self._clause()}"

    def _clause(self) -> str:
        patterns = (
            ("people", "deeds", "times"),
            ("people", "deeds", "places"),
            ("things", "was", "qualities"),
            ("things", "places", "is", "qualities"),
            ("statements",),
            ("I think", "things", "is", "qualities"),
            ("people", "deeds"),
            ("times", "people", "deeds", "places"),
        )
        return " ".join(self.one(part) if part in self._parts else part for part in self._rng.choice(patterns))


def _as_spoken(rng: random.Random, words: _Words, pieces: list[MarkedPiece]) -> list[MarkedPiece]:
    """Add fillers, restarts and breaks to pieces; the last piece keeps all its words at its end."""
    spoken: list[MarkedPiece] = []
    for text, mark in pieces:
        if rng.random() < FILLER_CHANCE:
            spoken.append((words.one("fillers"), FILLER))
        parts = text.split()
        chance = rng.random()
        if len(parts) >= SHORTEST_BROKEN and chance < RESTART_CHANCE + BREAK_CHANCE:
            cut = rng.randint(2, len(parts) - 2)
            again = rng.choice((1, 1, 2)) if chance < RESTART_CHANCE else 0
            spoken.append((" ".join(parts[:cut]), CLAUSE))
            text = " ".join(parts[cut - again :])
        spoken.append((text, mark))
    return spoken
