"""Converts 40 ms of bands to a speech token of 15 digits with five levels (finite scalar quantization).

Only the encoder is here; it is needed for training, not for speaking. `detokenizer` is the inverse.
Source: Mentzer et al., "Finite Scalar Quantization: VQ-VAE Made Simple", 2023, sec. 3.1.
"""

import torch
from torch import Tensor, nn

from configs.model.voice import BandConfig, TokenizerConfig
from duplex.model.stages.bands import normalisation, silence
from duplex.model.stages.convolution import ConvBlock

_SATURATION = 0.45


class SpeechTokenizer(nn.Module):
    """Maps bands to digits (Mentzer et al. 2023, sec. 3.1). Each token sees its past and `right_context` future
    tokens."""

    offset: Tensor
    scale: Tensor

    def __init__(self, bands: BandConfig, config: TokenizerConfig) -> None:
        super().__init__()
        self.bands = bands
        self.config = config
        offset, scale = normalisation(bands)
        self.register_buffer("offset", offset, persistent=False)
        self.register_buffer("scale", scale, persistent=False)
        self.inward = nn.Linear(bands.token_size, config.width)
        rights = [1] * config.right_context + [0] * (config.blocks - config.right_context)
        self.blocks = nn.ModuleList(ConvBlock(config.width, config.inner, config.kernel, right=r) for r in rights)
        self.outward = nn.Linear(config.width, config.digits)

    def forward(self, frames: Tensor) -> Tensor:
        """Map [B, 3T, 98] bands to [B, T, 15] real numbers within the range of the digits, before rounding."""
        x = (frames - self.offset) / self.scale
        x = self.inward(x.reshape(x.shape[0], -1, self.bands.token_size))
        for block in self.blocks:
            x, _ = block(x)
        return torch.tanh(self.outward(x).float()) * (self.config.top + _SATURATION)

    def encode(self, frames: Tensor) -> Tensor:
        """Map [B, 3T, 98] bands to [B, T, 15] digits (int8), -top..top."""
        return torch.round(self(frames)).to(torch.int8)

    @torch.no_grad()
    def silence_token(self) -> Tensor:
        """Digits [15] (int8) of a token in the middle of long silence."""
        length = 4 * self.config.blocks * self.config.kernel
        frames = silence(self.bands).expand(1, length * self.bands.frames_per_token, -1)
        return self.encode(frames.to(self.offset.device))[0, length // 2]
