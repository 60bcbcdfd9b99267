"""Writes the scripts for each part of the clip bank: lines of the corpus as pieces with their endings.

This module depends on the format of the corpus, not on voices or samples.
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle, islice
from typing import Protocol, TypeVar

from duplex.corpus.corpus import Split
from duplex.train.speech.bank import Line, Piece

T = TypeVar("T")

_QUESTIONS = "what what's whats which who who's whose how where where's when why"
_REQUESTS = "can could do does did is are will would should"
_QUESTION_WORDS = frozenset(f"{_QUESTIONS} {_REQUESTS}".split())
_SPLITS: dict[str, Split] = {
    "questions": "train",
    "slow_questions": "train",
    "test_voice": "heldout_pair",
    "test_robot": "heldout_pair",
    "test_frame": "heldout_frame",
    "test_voice_frame": "heldout_frame",
}


class ExchangeText(Protocol):
    """One exchange of the corpus."""

    @property
    def user(self) -> str: ...
    @property
    def assistant(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def long(self) -> bool: ...


class Talk(Protocol):
    """Several exchanges under one system prompt."""

    @property
    def prompt(self) -> str: ...
    @property
    def exchanges(self) -> Sequence[ExchangeText]: ...


class LongTurn(Protocol):
    """A turn in pieces `(text, mark)`, whose last words are what the assistant answers."""

    @property
    def pieces(self) -> Sequence[tuple[str, str]]: ...
    @property
    def exchange(self) -> ExchangeText: ...


class Texts(Protocol):
    """The required part of the corpus' interface."""

    def rows(self, split: Split, rng: random.Random, n: int) -> Iterator[ExchangeText]: ...
    def dialogues(self, rng: random.Random, n: int) -> Iterator[Talk]: ...
    def turns(self, rng: random.Random, n: int, held_out: bool = False) -> Iterator[LongTurn]: ...
    def answers(self) -> list[str]: ...
    @property
    def backchannels(self) -> Sequence[str]: ...
    @property
    def commands(self) -> Sequence[ExchangeText]: ...


WrittenScript = tuple[str, tuple[Line, ...]]


def write_scripts(texts: Texts, part: str, rng: random.Random, count: int) -> Iterator[WrittenScript]:
    """`count` scripts of a part as (system prompt, lines)."""
    if part in _SPLITS:
        return (("", (line_of(row),)) for row in texts.rows(_SPLITS[part], rng, count))
    kind = part.removeprefix("slow_").removeprefix("test_")
    if kind == "dialogues":
        return ((talk.prompt, tuple(map(line_of, talk.exchanges))) for talk in texts.dialogues(rng, count))
    if kind == "turns":
        turns = texts.turns(rng, count, part == "test_turns")
        return (("", (line_of(turn.exchange, turn.pieces),)) for turn in turns)
    if kind == "backchannels":
        return (("", (short(text, "b"),)) for text in _many(texts.backchannels, count, rng))
    if kind == "commands":
        return (("", (line_of(row, ((row.user, "i"),)),)) for row in _many(texts.commands, count, rng))
    return (("", (short(text, "s"),)) for text in rng.sample(texts.answers(), min(count, len(texts.answers()))))


def line_of(row: ExchangeText, pieces: Iterable[tuple[str, str]] = ()) -> Line:
    """An exchange as a line; without `pieces` it is spoken in one piece."""
    parts = tuple(Piece(text, mark) for text, mark in pieces) or (Piece(row.user, mark_of(row.user)),)
    return Line(" ".join(piece.text for piece in parts), row.assistant, row.kind, row.key, row.long, parts)


def short(text: str, mark: str) -> Line:
    """A line that needs no answer."""
    return Line(text, "", "", "", False, (Piece(text, mark),))


def mark_of(text: str) -> str:
    """q if the words contain a question word, otherwise s."""
    return "q" if _QUESTION_WORDS.intersection(text.lower().split()) else "s"


def _many(items: Sequence[T], count: int, rng: random.Random) -> Iterator[T]:
    """`count` items in random order, each about equally often."""
    repeated = list(islice(cycle(items), count))
    rng.shuffle(repeated)
    return iter(repeated)
