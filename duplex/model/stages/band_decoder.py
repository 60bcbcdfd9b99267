"""The causal network of the detokenizer, from digits to bands. Token t gives the frames of token t, without look-ahead.

This module handles digits and bands; it does not depend on waveforms or conversations.
"""

import torch
from torch import Tensor, nn

from configs.model.voice import BandConfig, DetokenizerConfig, TokenizerConfig
from duplex.model.stages.bands import normalisation
from duplex.model.stages.convolution import ConvBlock

Past = list[Tensor]


class BandDecoder(nn.Module):
    """Maps [B, T, 15] digits to [B, 3T, 98] bands."""

    offset: Tensor
    scale: Tensor

    def __init__(self, bands: BandConfig, tokenizer: TokenizerConfig, config: DetokenizerConfig) -> None:
        super().__init__()
        self.bands = bands
        self.top = tokenizer.top
        offset, scale = normalisation(bands)
        self.register_buffer("offset", offset, persistent=False)
        self.register_buffer("scale", scale, persistent=False)
        self.inward = nn.Linear(tokenizer.digits, config.width)
        self.blocks = nn.ModuleList(
            ConvBlock(config.width, config.inner, config.kernel, dilation) for dilation in config.dilations
        )
        self.norm = nn.LayerNorm(config.width)
        self.outward = nn.Sequential(
            nn.Linear(config.width, config.head), nn.GELU(), nn.Linear(config.head, bands.token_size)
        )

    @property
    def context(self) -> int:
        """Number of past tokens that affect the output."""
        return sum(block.past for block in self._blocks())

    def forward(self, digits: Tensor, past: Past | None = None) -> tuple[Tensor, Past]:
        """Map [B, T, 15] digits (any real type, -top..top) to bands [B, 3T, 98]; also returns the past for the next
        call."""
        x = self.inward(digits / self.top)
        after: Past = []
        for index, block in enumerate(self.blocks):
            x, kept = block(x, None if past is None else past[index])
            after.append(kept)
        frames = self.outward(self.norm(x)).float().reshape(x.shape[0], -1, self.bands.size)
        return frames * self.scale + self.offset, after

    def past_of(self, token: Tensor) -> Past:
        """Past, [1, ...] each, after an endless run of one token [15]."""
        run = token.to(self.offset).expand(1, self.context + 1, -1)
        with torch.no_grad():
            return self(run)[1]

    def _blocks(self) -> list[ConvBlock]:
        return [block for block in self.blocks if isinstance(block, ConvBlock)]
