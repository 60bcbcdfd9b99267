"""Tracks of answers: the assistant's side in every slot of an answer, for all answers in one table.

A track has text ids and speech tokens per slot, made by the live voice (`duplex.train.voice.batch`). Nothing here
depends on dialogues.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from configs.audio import AUDIO
from configs.base import ConfigError
from duplex.train.dialogue.oracle import AnswerSpan

IGNORE_INDEX = -100
"""Text target of a slot in which the text head is not used."""


class TrackError(ConfigError):
    """A table of tracks cannot be used. The message says which file, why and how to fix it."""


@dataclass(frozen=True)
class TrackIds:
    """The ids that every track needs: silence, text held back, end of the answer."""

    silence: int
    hold: int
    end: int


@dataclass(frozen=True)
class TrackTable:
    """All tracks, concatenated.

    Attributes:
        text: [S] text id of each slot.
        taught: [S] target of the text head, `IGNORE_INDEX` where it is not used.
        tokens: [S, k, digits] int8 speech tokens.
        places: the span of each answer.
        rest: [digits] the token of silence.
    """

    text: NDArray[np.int64]
    taught: NDArray[np.int64]
    tokens: NDArray[np.int8]
    places: Mapping[str, AnswerSpan]
    rest: NDArray[np.int8]

    def save(self, path: Path) -> None:
        """Write one .npz file."""
        answers = list(self.places)
        spans = np.array([(self.places[a].first, self.places[a].slots) for a in answers], np.int64).reshape(-1, 2)
        np.savez_compressed(
            path, text=self.text, taught=self.taught, tokens=self.tokens, rest=self.rest, answers=answers, spans=spans
        )

    @classmethod
    def load(cls, path: Path) -> "TrackTable":
        """Read what `save` wrote.

        Raises:
            TrackError: the file is missing.
        """
        if not path.exists():
            raise TrackError(f"{path} is missing; run 'duplex train tracks' first")
        with np.load(path) as file:
            spans = zip(file["answers"].tolist(), file["spans"].tolist(), strict=True)
            places = {answer: AnswerSpan(first, slots) for answer, (first, slots) in spans}
            return cls(file["text"], file["taught"], file["tokens"], places, file["rest"])


class TableBuilder:
    """Collects tracks into a table."""

    def __init__(self, ids: TrackIds, rest: NDArray[np.int8]) -> None:
        """`rest` [digits] is the token of silence."""
        self._ids = ids
        self._rest = rest
        self._text: list[int] = []
        self._taught: list[int] = []
        self._tokens: list[NDArray[np.int8]] = []
        self._places: dict[str, AnswerSpan] = {}

    @property
    def answers(self) -> frozenset[str]:
        """Answers that have a track."""
        return frozenset(self._places)

    def extend(self, table: TrackTable) -> None:
        """Add all tracks of a table."""
        first = len(self._text)
        self._text += table.text.tolist()
        self._taught += table.taught.tolist()
        self._tokens.append(table.tokens)
        self._places |= {name: AnswerSpan(first + place.first, place.slots) for name, place in table.places.items()}

    def add(self, answer: str, ids: Sequence[int], entering: Sequence[int], tokens: NDArray[np.int8]) -> None:
        """Add the track of one answer.

        Args:
            answer: its text.
            ids: its text tokens.
            entering: per slot, the index of the text token that enters, `len(ids)` for the end, negative for none.
            tokens: [slots, k, digits].
        """
        self._places[answer] = AnswerSpan(len(self._text), len(entering))
        written = [*ids, self._ids.end]
        self._text += [written[index] if index >= 0 else self._ids.hold for index in entering]
        self._taught += [written[index] if index >= 0 else IGNORE_INDEX for index in entering]
        self._tokens.append(tokens)

    def table(self) -> TrackTable:
        """The table of everything added."""
        shape = (0, AUDIO.tokens_per_slot, len(self._rest))
        tokens = np.concatenate(self._tokens) if self._tokens else np.zeros(shape, np.int8)
        text, taught = np.array(self._text, np.int64), np.array(self._taught, np.int64)
        return TrackTable(text, taught, tokens.astype(np.int8), dict(self._places), self._rest)
