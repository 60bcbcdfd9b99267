"""Runs whole answers through the live head, many at once and without sound: when each text token enters, which tokens
sound.

The text leads the speech by a bounded number of units, as it does live. Text tokens are known only by their order and
the words they complete; there is no language model.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track

from duplex.model.stages.srh import PointerRefinedHead, SrhInput, SrhOutput, SrhState
from duplex.model.text.sounding_word import SoundingWord

HOLD = -1
"""In `AnswerTrack.text`: no text token enters in this slot."""

Completed = Sequence[Sequence[str]]
"""An answer as text tokens: for each, the words and punctuation marks that it completes (often one or none)."""


@dataclass
class AnswerTrack:
    """What the live runtime would do for one answer, slot by slot.

    Attributes:
        text: per slot, the index of the text token that enters, the number of tokens for the end mark, or `HOLD`.
        tokens: per slot, [5, 15] digits (int8).
        spoken: per slot, the words that sound.
    """

    text: list[int] = field(default_factory=list)
    tokens: list[NDArray[np.int8]] = field(default_factory=list)
    spoken: list[tuple[SoundingWord, ...]] = field(default_factory=list)


def answer_tracks(
    head: PointerRefinedHead, answers: Sequence[Completed], lead_units: int = 16, batch: int = 64
) -> list[AnswerTrack]:
    """Tracks of all answers, from the slot of the first text token to the slot in which the last sound ends.

    Args:
        head: the stage.
        answers: text tokens of each answer.
        lead_units: the next text token is held back while this many units are queued.
        batch: number of answers at a time; answers of similar length are put together.
    """
    order = sorted(range(len(answers)), key=lambda index: len(answers[index]))
    tracks = [AnswerTrack() for _ in answers]
    for start in track(range(0, len(order), batch), "speaking"):
        chosen = order[start : start + batch]
        _Batch(head, [answers[index] for index in chosen], [tracks[index] for index in chosen], lead_units).run()
    return tracks


class _Batch:
    """Rows of one batch, each with its next text token; a finished row stays inactive."""

    def __init__(
        self, head: PointerRefinedHead, answers: list[Completed], tracks: list[AnswerTrack], lead_units: int
    ) -> None:
        self._head, self._answers, self._tracks, self._lead_units = head, answers, tracks, lead_units
        self._state: SrhState = head.init_state(len(answers))
        self._next = [0] * len(answers)
        self._queued = [0] * len(answers)
        self._active = torch.ones(len(answers), dtype=torch.bool)

    def run(self) -> None:
        """Run slot after slot until every row is exhausted."""
        while bool(self._active.any()):
            entering = [self._enter(row) for row in range(len(self._answers))]
            out = self._head.step(self._input(entering), self._state, self._active)
            self._deliver(entering, out)

    def _enter(self, row: int) -> int:
        held = self._queued[row] >= self._lead_units or self._next[row] > len(self._answers[row])
        if held or not self._active[row]:
            return HOLD
        self._next[row] += 1
        return self._next[row] - 1

    def _input(self, entering: list[int]) -> SrhInput:
        words = [
            answer[index] if 0 <= index < len(answer) else ()
            for answer, index in zip(self._answers, entering, strict=True)
        ]
        finished = [index == len(answer) for answer, index in zip(self._answers, entering, strict=True)]
        return SrhInput(words, torch.tensor(finished), torch.ones(len(finished), dtype=torch.bool))

    def _deliver(self, entering: list[int], out: SrhOutput) -> None:
        for row in torch.nonzero(self._active).flatten().tolist():
            self._tracks[row].text.append(entering[row])
            self._tracks[row].tokens.append(out.tokens[row].numpy())
            self._tracks[row].spoken.append(out.spoken[row])
        self._queued = out.queued.tolist()
        self._active = self._active & ~out.exhausted
