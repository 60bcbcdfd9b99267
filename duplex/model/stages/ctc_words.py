"""Recognises the user's words by CTC on the encoder's features: a word is known as soon as its last piece is.

The decoding is greedy: repeats are merged and blanks removed (best path decoding, Graves et al. 2006). A turn begins
with a piece and continues across pauses until the assistant has answered or after long silence. The network is small,
so it runs within `prepare`; its words are returned with the next slot.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from configs.audio import AUDIO
from configs.base import exact_div
from duplex.model.interface import UserWords
from duplex.model.stages.ctc_network import BLANK, CtcNetwork, Past
from duplex.model.stages.word_source import WordsInput, WordsRequest, WordsResult


@dataclass
class CtcRow:
    """One conversation; times are counted in steps of the network.

    Attributes:
        step: steps so far.
        last: class of the newest step.
        spelled: letters of the unfinished word.
        in_turn: whether a turn is in progress.
        turns: number of turns with words so far, including the present one once it has words.
        words: words of the present turn.
        start, end: steps at which the turn's first piece began and its newest piece ended.
        told: words that the next `deliver` returns.
    """

    step: int = 0
    last: int = BLANK
    spelled: str = ""
    in_turn: bool = False
    turns: int = 0
    words: list[str] = field(default_factory=list)
    start: int = 0
    end: int = 0
    told: UserWords | None = None


@dataclass
class CtcState:
    """Memory of B conversations."""

    past: Past
    rows: list[CtcRow]
    request: WordsRequest = ()

    def reset(self, rows: Tensor) -> None:
        """Forget the rows that are True in `rows [B]`."""
        for kept in self.past:
            kept[rows] = 0
        for row in rows.nonzero()[:, 0].tolist():
            self.rows[row] = CtcRow()


class CtcWords:
    """The source `ctc` of the user's words."""

    delay_ms: float = AUDIO.slot_ms

    def __init__(self, network: CtcNetwork, block_frames: int) -> None:
        """`block_frames`: encoder frames per slot."""
        self.network = network
        self._steps = exact_div(block_frames, network.config.stride)
        self._step_s = AUDIO.slot_seconds / self._steps

    def init_state(self, batch: int) -> CtcState:
        """Fresh state for `batch` conversations."""
        return CtcState(self.network.rest(batch), [CtcRow() for _ in range(batch)])

    @torch.no_grad()
    def prepare(self, x: WordsInput, state: CtcState, active: Tensor) -> WordsRequest:
        """Spell the slot of the active rows; nothing is left for `run`."""
        rows = active.nonzero()[:, 0]
        if not len(rows):
            return ()
        logits, past = self.network(x.features[rows], [kept[rows] for kept in state.past])
        for kept, new in zip(state.past, past, strict=True):
            kept[rows] = new
        for index, classes in zip(rows.tolist(), logits.argmax(-1).tolist(), strict=True):
            row = state.rows[index]
            row.told = self._tell(row, self._spell(row, classes))
            self._rest(row, bool(x.speaking[index]))
        return ()

    def run(self, request: WordsRequest) -> WordsResult:
        """Do nothing."""
        return ()

    def deliver(self, result: WordsResult, state: CtcState, active: Tensor) -> list[UserWords | None]:
        """Words [B] of the previous slot; an inactive row gets them when it is active again."""
        return [self._deliver(row) if on else None for row, on in zip(state.rows, active.tolist(), strict=True)]

    def expected(self, state: CtcState, row: int) -> str:
        """None: every word is certain when it ends."""
        return ""

    def _spell(self, row: CtcRow, classes: list[int]) -> list[str]:
        """Add a slot's pieces to the row's letters; returns the finished words."""
        for found in classes:
            row.step += 1
            if found not in (BLANK, row.last):
                self._add(row, self.network.pieces[found - 1])
            row.last = found
            if row.spelled and self._silence_s(row) >= self.network.config.close_s:
                row.spelled += " "
        *words, row.spelled = row.spelled.split(" ")
        return [word for word in words if word]

    def _add(self, row: CtcRow, piece: str) -> None:
        if not row.in_turn:
            row.in_turn, row.words, row.start = True, [], row.step - 1
        row.spelled += piece
        row.end = row.step

    def _tell(self, row: CtcRow, words: list[str]) -> UserWords | None:
        if not words:
            return None
        row.turns += not row.words
        row.words += words
        start_s, end_s = row.start * self._step_s, row.end * self._step_s
        return UserWords(row.turns - 1, " ".join(words), " ".join(row.words), start_s, end_s)

    def _rest(self, row: CtcRow, speaking: bool) -> None:
        """End the turn after an answer or long silence."""
        config = self.network.config
        if not row.spelled and self._silence_s(row) >= (config.answered_s if speaking else config.abandoned_s):
            row.in_turn = False

    def _silence_s(self, row: CtcRow) -> float:
        return (row.step - row.end) * self._step_s

    def _deliver(self, row: CtcRow) -> UserWords | None:
        told, row.told = row.told, None
        return told
