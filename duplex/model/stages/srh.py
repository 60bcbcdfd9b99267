"""Pointer speech refined head: takes finished words and makes five speech tokens per slot.

A pointer walks over the phonemes of the text (`pointer`); two small networks predict how long each sounds and which
digits the token under the pointer has (`srh_networks`). If text comes late, the head waits in silence and then resumes.
A row that does not speak has silence tokens and an empty queue. The head takes the place of OmniDRCA's (eq. 5-7) with a
method of our own. Nothing here depends on audio or turns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from configs.audio import AUDIO
from configs.model.voice import SrhConfig, TokenizerConfig
from duplex.model.stages.pointer import Pointer
from duplex.model.stages.srh_networks import DigitNetwork, DurationNetwork
from duplex.model.text.lexicon import Lexicon
from duplex.model.text.phonemes import PUNCTUATION
from duplex.model.text.sounding_word import SoundingWord

_NO_MORE = "."
"""The item that counts as following the last word when that is read."""


@dataclass(frozen=True)
class SrhInput:
    """One slot for B rows.

    Attributes:
        words: per row the words and punctuation marks that became complete with this slot.
        finished: [B] bool, whether the answer's text has ended.
        speaking: [B] bool, False is MUTE: the queue is dropped and the next answer starts clean.
        hidden: [B, H] vector of the language model for this slot, or None.
        temperature: 0 takes the likeliest digits, otherwise they are drawn (pointer head only; others have their own).
        seeds: one per row, for the draws of this slot.
    """

    words: Sequence[Sequence[str]]
    finished: Tensor
    speaking: Tensor
    hidden: Tensor | None = None
    temperature: float = 0.0
    seeds: Sequence[int] = ()


@dataclass(frozen=True)
class SrhOutput:
    """The tokens of a slot for B rows, and how much of the text has been spoken.

    Attributes:
        tokens: [B, k, digits], five tokens of digits -2..2 (int8), or ids [B, k, 1] (int16) from heads that speak
            codes.
        queued: [B] units that are known and not yet begun (int64).
        exhausted: [B] bool, whether the text has ended and everything has been spoken.
        spoken: per row, the words that sound in this slot.
    """

    tokens: Tensor
    queued: Tensor
    exhausted: Tensor
    spoken: tuple[tuple[SoundingWord, ...], ...]


class SpeechRefinedHead(Protocol):
    """The interface of every speech refined head, which is a stage."""

    @property
    def silent(self) -> Tensor:
        """Tokens [k, digits] of a slot without speech, in the data type of the log."""
        ...

    def init_state(self, batch: int) -> Any:
        """Fresh state for `batch` conversations."""
        ...

    def step(self, x: SrhInput, state: Any, active: Tensor) -> SrhOutput:
        """One slot; changes the rows of `state` where `active [B]` is True."""
        ...


@dataclass
class SrhState:
    """Pointers and last tokens ([B, history, 15], newest first) of B conversations."""

    config: SrhConfig
    pointers: list[Pointer]
    history: Tensor
    silence: Tensor

    def reset(self, rows: Tensor) -> None:
        """Forget the rows that are True in `rows [B]`."""
        for row in torch.nonzero(rows).flatten().tolist():
            self.pointers[row] = Pointer(self.config)
        self.history[rows] = self.silence


class PointerRefinedHead(nn.Module):
    """The stage. `lexicon` converts words to units; the buffer `silence` [15] is the token of silence."""

    silence: Tensor

    def __init__(self, config: SrhConfig, tokenizer: TokenizerConfig, lexicon: Lexicon) -> None:
        super().__init__()
        self.config = config
        self.digits = DigitNetwork(config, tokenizer)
        self.durations = DurationNetwork(config)
        self.lexicon = lexicon
        self._top = tokenizer.top
        self.register_buffer("silence", torch.zeros(tokenizer.digits))

    @property
    def delay_ms(self) -> float:
        """0: tokens belong to the slot in which they are made."""
        return 0.0

    @property
    def silent(self) -> Tensor:
        """Tokens [5, 15] of a silent slot."""
        return self.silence.to(torch.int8).expand(AUDIO.tokens_per_slot, -1)

    def init_state(self, batch: int) -> SrhState:
        """Fresh state for `batch` conversations."""
        history = self.silence.expand(batch, self.config.history, -1).clone()
        return SrhState(self.config, [Pointer(self.config) for _ in range(batch)], history, self.silence.clone())

    @torch.inference_mode()
    def step(self, x: SrhInput, state: SrhState, active: Tensor) -> SrhOutput:
        """Run one slot; changes the rows of `state` where `active [B]` is True. Inactive rows give silence tokens."""
        speaking = (active & x.speaking).tolist()
        state.reset(active & ~x.speaking)
        rows = [row for row, is_speaking in enumerate(speaking) if is_speaking]
        for row in rows:
            self._take_words(state.pointers[row], x.words[row], bool(x.finished[row]))
        tokens = self._slot(x, state, rows)
        spoken = tuple(
            pointer.close_slot() if is_speaking else ()
            for pointer, is_speaking in zip(state.pointers, speaking, strict=True)
        )
        return SrhOutput(
            tokens=tokens,
            queued=torch.tensor([pointer.queued for pointer in state.pointers]),
            exhausted=torch.tensor([pointer.exhausted for pointer in state.pointers]),
            spoken=spoken,
        )

    def _take_words(self, pointer: Pointer, words: Sequence[str], finished: bool) -> None:
        for word in words:
            self._read(pointer, following=word)
            pointer.deferred = word
            if not self.lexicon.needs_following(word):
                self._read(pointer, following="")
        if finished:
            self._read(pointer, following=_NO_MORE)
            pointer.close()
        pointer.open_slot()

    def _read(self, pointer: Pointer, following: str) -> None:
        """Queue the units of the deferred item, if there is one."""
        word, pointer.deferred = pointer.deferred, ""
        if not word:
            return
        is_mark = word in PUNCTUATION
        pointer.push(self.lexicon.units(word, pointer.last_word, following), is_mark)
        pointer.last_word = pointer.last_word if is_mark else word

    def _slot(self, x: SrhInput, state: SrhState, rows: list[int]) -> Tensor:
        """Tokens [B, 5, 15]; silence where a row does not speak or has not begun."""
        count = AUDIO.tokens_per_slot
        tokens = state.silence.repeat(len(state.pointers), count, 1)
        for place in range(count):
            offset = (place + 0.5) * AUDIO.token_ms
            self._walk(state, rows, offset)
            begun = [row for row in rows if state.pointers[row].begun]
            if begun:
                digits = self._token(x, state, begun, offset, place)
                tokens[begun, place] = digits
                state.history[begun] = torch.cat([digits[:, None], state.history[begun, :-1]], 1)
        return tokens.to(torch.int8)

    def _walk(self, state: SrhState, rows: list[int], offset: float) -> None:
        """Move the pointers to the unit that sounds `offset` ms into the slot, with durations for all rows in one call.

        Durations are whole milliseconds, so that the last bit of a sum, which may depend on the batch, moves no
        boundary.
        """
        moved = [row for row in rows if _enter(state.pointers[row], offset)]
        while moved:
            pointers = [state.pointers[row] for row in moved]
            scalars = torch.tensor([pointer.duration_scalars(self.config.pace) for pointer in pointers])
            durations = self.durations.milliseconds(*_windows(pointers), scalars).round().tolist()
            for pointer, (current, following) in zip(pointers, durations, strict=True):
                pointer.set_durations(current, following)
            moved = [row for row in moved if _enter(state.pointers[row], offset)]

    def _token(self, x: SrhInput, state: SrhState, rows: list[int], offset: float, place: int) -> Tensor:
        """Digits [len(rows), 15] of one token."""
        pointers = [state.pointers[row] for row in rows]
        scalars = [pointer.scalars(pointer.slot_ms + offset, self.config.pace) for pointer in pointers]
        hidden = torch.zeros(len(rows), self.config.hidden) if x.hidden is None else x.hidden[rows]
        logits = self.digits(*_windows(pointers), torch.tensor(scalars), state.history[rows], hidden)
        if x.temperature > 0:
            logits = logits / x.temperature + _gumbel(logits, [x.seeds[row] for row in rows], place)
        return (logits.argmax(-1) - self._top).to(state.history)


def _enter(pointer: Pointer, offset: float) -> bool:
    return pointer.enter_next(pointer.slot_ms + offset)


def _windows(pointers: list[Pointer]) -> tuple[Tensor, Tensor]:
    views = [pointer.window() for pointer in pointers]
    return torch.tensor([units for units, _ in views]), torch.tensor([stress for _, stress in views])


def _gumbel(like: Tensor, seeds: list[int], place: int) -> Tensor:
    """Gumbel noise [B, ...]: argmax(logits + noise) draws from the softmax (Gumbel-max trick, Gumbel 1954). A row's
    noise depends only on its own seed."""
    rows = []
    for seed in seeds:
        draw = torch.Generator().manual_seed(seed * AUDIO.tokens_per_slot + place)
        rows.append(-torch.empty(like.shape[1:]).exponential_(generator=draw).log())
    return torch.stack(rows)
