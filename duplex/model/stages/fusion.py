"""The two inputs of the shared LLM: U_t from the user's speech and words, A_t from the assistant's text and speech.

Both have the width D of the LLM and share its text embedding. They do not depend on time: one call takes a batch of
slots, live ([B]) or packed ([B, T]); any leading shape is allowed and written [...].
"""

from collections.abc import Iterable
from typing import Final

import torch
from torch import Tensor, nn

from configs.model.core import AssistantSideConfig, UserSideConfig
from duplex.model.stages.packed_linear import match_dtype

ABSENT = -1
"""Id of an unused place for a user word."""
_LIVE: Final = 2
"""Dimensions of the words of a live slot, [B, K]."""


def pad(words: Iterable[int], places: int) -> list[int]:
    """Ids of U, padded with `ABSENT`."""
    taken = list(words)
    return taken + [ABSENT] * (places - len(taken))


class UserFusion(nn.Module):
    """U_t = speech vector + sum over k of W_k E_text(x_k) + type vector.

    x_1..x_K are the words that became known in slot t. The W_k start as the identity and the speech map as zero, so
    that a trained LLM is not disturbed when it learns to hear. The speech map's sum is divided by the root of its
    number of inputs (thousands); otherwise it would grow far beyond the words during training and drown them out. The
    speech vector is a linear map of the slot's concatenated frames (OmniDRCA, eq. 3), each an encoder vector or the
    embedding of a speech token. The two-stream slot is that of OmniDRCA, Appendix A; the words in U are ours.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, config: UserSideConfig, width: int) -> None:
        super().__init__()
        self.config = config
        self.speech = nn.Linear(config.frames * config.feature_dim, width)
        self.scale = (config.frames * config.feature_dim) ** -0.5
        self.words = nn.Parameter(torch.eye(width).repeat(config.words, 1, 1))
        self.kind = nn.Parameter(torch.zeros(width))
        self.register_buffer("mean", torch.zeros(config.feature_dim))
        self.register_buffer("deviation", torch.ones(config.feature_dim))
        self.units = nn.Embedding(config.units, config.feature_dim) if config.units else None
        nn.init.zeros_(self.speech.weight)
        nn.init.zeros_(self.speech.bias)
        nn.init.normal_(self.kind, std=0.02)
        if self.units is not None:
            nn.init.normal_(self.units.weight, std=0.02)

    def forward(self, features: Tensor | None, words: Tensor, table: nn.Embedding) -> Tensor:
        """Fuse one side of slots.

        Args:
            features: [..., frames, feature_dim] of the encoder, ids [..., frames] if the user's side is units, or None
                if only text is known (pre-training).
            words: [..., K] text ids, `ABSENT` for unused places; places beyond `words` are not read.
            table: the LLM's text embedding.

        Returns:
            [..., D].
        """
        fused = self._mix(words[..., : self.config.words], table) + self.kind
        if features is None:
            return fused
        if self.units is not None:
            features = self.units(features)
        normal = (features - self.mean) / self.deviation
        return fused + self.scale * self.speech(match_dtype(normal.flatten(-2), self.speech))

    def _mix(self, words: Tensor, table: nn.Embedding) -> Tensor:
        """Sum of the words' embeddings, each through its place's matrix: ids [..., K] -> [..., D].

        Live slots are mixed one by one, and only those that have words: so none depends on others, bit for bit.
        """
        if torch.is_inference_mode_enabled() and words.dim() == _LIVE:
            some = (words != ABSENT).any(-1).tolist()
            empty = table.weight.new_zeros(table.embedding_dim)
            return torch.stack(
                [self._mix_all(row, table) if full else empty for row, full in zip(words, some, strict=True)]
            )
        return self._mix_all(words, table)

    def _mix_all(self, words: Tensor, table: nn.Embedding) -> Tensor:
        known = (words != ABSENT).unsqueeze(-1)
        embedded = table(words.clamp(min=0)) * known
        return torch.einsum("...kd,kde->...e", embedded, self.words.to(embedded.dtype))


class AssistantFusion(nn.Module):
    """A_t = E_text(t_t) + E_speech(s_t) (DrVoice, or their mean as in Fun-Audio-Chat), plus state and time in the
    state."""

    def __init__(self, config: AssistantSideConfig, width: int) -> None:
        super().__init__()
        self.config = config
        per_group = config.tokens if config.group == "concat" else 1
        self.codes = nn.Embedding(config.codes, width) if config.codes else None
        self.speech = nn.Linear(per_group * (width if config.codes else config.digits), width)
        self.state = nn.Embedding(2, width)
        self.since = nn.Embedding(config.since_slots, width)
        self.kind = nn.Parameter(torch.zeros(width))
        nn.init.zeros_(self.speech.weight)
        nn.init.zeros_(self.speech.bias)
        for embedding in (self.state, self.since):
            nn.init.normal_(embedding.weight, std=0.02)
        nn.init.normal_(self.kind, std=0.02)
        if self.codes is not None:
            nn.init.normal_(self.codes.weight, std=0.02)

    def forward(self, text: Tensor, tokens: Tensor | None, state: Tensor, since: Tensor, table: nn.Embedding) -> Tensor:
        """Fuse one side of slots.

        Args:
            text: [...] text ids (`<|sil|>` in MUTE slots).
            tokens: [..., k, digits] speech tokens that were played (one id each if tokens are codes), or None if only
                text is known.
            state: [...] 0 MUTE, 1 SPEAK.
            since: [...] slots since the state changed.
            table: the LLM's text embedding.

        Returns:
            [..., D].
        """
        told = self.state(state) + self.since(since.clamp(max=self.config.since_slots - 1)) + self.kind
        if tokens is None:
            return table(text) + told
        joined = table(text) + self._group(tokens)
        return (joined / 2 if self.config.fuse == "average" else joined) + told

    def _group(self, tokens: Tensor) -> Tensor:
        """Group tokens [..., k, digits] -> [..., D] (OmniDRCA, eq. 3, or the mean as in Fun-Audio-Chat)."""
        if self.codes is not None:
            scaled = self.codes(tokens[..., 0].long())
        else:
            scaled = match_dtype(tokens, self.speech) / self.config.digit_range
        if self.config.group == "concat":
            return self.speech(scaled.flatten(-2))
        return self.speech(scaled).mean(dim=-2)
