"""The interface of speech tokenizers, and how one that needs whole clips follows a live stream.

A slot's tokens are those of a clip of fixed length around it, so they never change, cost the same in every slot, and
are the same live and in training data (`encode`). Nothing here depends on networks.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from configs.audio import AUDIO
from configs.base import exact_div
from configs.model.speech_tokens import TokenWindowConfig


class ClipTokenizer(Protocol):
    """Converts whole clips of 16 kHz samples to token ids, without streaming."""

    @property
    def vocabulary(self) -> int:
        """Number of different tokens; ids are 0..vocabulary - 1."""
        ...

    @property
    def token_samples(self) -> int:
        """Samples that one token stands for."""
        ...

    @property
    def margin_samples(self) -> int:
        """Samples that a clip needs beyond those of its tokens."""
        ...

    def encode(self, pcm: Tensor) -> Tensor:
        """pcm [B, N] -> ids [B, (N - margin_samples) / token_samples] (int64); a partial token may count."""
        ...


@dataclass
class TokenStreamState:
    """State of B conversations: `history` [B, H], the newest samples, oldest first."""

    history: Tensor

    def reset(self, rows: Tensor) -> None:
        """Forget the rows that are True in `rows [B]`; silence precedes their first sample."""
        self.history[rows] = 0


class TokenStream:
    """The stage that maps one slot of samples to one slot of tokens, for any `ClipTokenizer`.

    `silence`: the token in the middle of silence; rows without data get it.
    """

    def __init__(self, tokenizer: ClipTokenizer, window: TokenWindowConfig) -> None:
        self.tokenizer = tokenizer
        self.tokens_per_slot = exact_div(AUDIO.slot_input_samples, tokenizer.token_samples)
        self._first = exact_div(window.left_samples, tokenizer.token_samples)
        exact_div(window.right_samples, tokenizer.token_samples)
        self._ahead = window.right_samples + tokenizer.margin_samples
        self._history = window.left_samples + self._ahead
        quiet = torch.zeros(1, self._history + AUDIO.slot_input_samples)
        self.silence = int(self._slot_tokens(quiet)[0, self.tokens_per_slot // 2])

    @property
    def vocabulary(self) -> int:
        """Number of different tokens."""
        return self.tokenizer.vocabulary

    @property
    def delay_ms(self) -> float:
        """The tokens of a step describe audio that is this much older than its slot, ms."""
        return self._ahead * 1000 / AUDIO.input_rate

    def init_state(self, batch: int) -> TokenStreamState:
        """Fresh state for `batch` conversations."""
        return TokenStreamState(torch.zeros(batch, self._history))

    @torch.inference_mode()
    def step(self, pcm: Tensor, state: TokenStreamState, active: Tensor) -> Tensor:
        """Run one slot: pcm [B, 3200] at 16 kHz -> ids [B, tokens_per_slot] (int64), `silence` where a row is
        inactive."""
        assert pcm.shape[1] == AUDIO.slot_input_samples, (
            f"a slot has {AUDIO.slot_input_samples} samples, not {pcm.shape}"
        )
        tokens = torch.full((pcm.shape[0], self.tokens_per_slot), self.silence)
        rows = active.nonzero()[:, 0]
        if len(rows):
            heard = torch.cat([state.history[rows], pcm[rows]], dim=1)
            state.history[rows] = heard[:, AUDIO.slot_input_samples :]
            tokens[rows] = self._slot_tokens(heard)
        return tokens

    @torch.inference_mode()
    def encode(self, pcm: Tensor) -> Tensor:
        """Tokenize a whole recording as the stream hears it: pcm [N] -> ids [slots, tokens_per_slot]; silence fills the
        last."""
        slots = -(-len(pcm) // AUDIO.slot_input_samples)
        padded = F.pad(pcm, (self._history, slots * AUDIO.slot_input_samples - len(pcm)))
        windows = padded.unfold(0, self._history + AUDIO.slot_input_samples, AUDIO.slot_input_samples)
        return torch.cat([self._slot_tokens(window[None]) for window in windows])

    def _slot_tokens(self, heard: Tensor) -> Tensor:
        """Tokens [R, tokens_per_slot] of the slot whose look-ahead is complete, from [R, history + slot] samples."""
        tokens = self.tokenizer.encode(heard)
        return tokens[:, self._first : self._first + self.tokens_per_slot].cpu()
