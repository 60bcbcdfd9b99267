"""Continuous encoder of the user's speech: Whisper's encoder on chunks of two seconds that do not see each other.

This module handles spectra and chunks; it does not depend on streams or groups. A finished chunk never changes, and the
encoder keeps no state, so user audio can be encoded as it arrives.

The authors' eager attention lacks a transpose and so mixes heads and positions across chunks; attention here computes
the same as their `sdpa` and flash paths, with which the released weights were trained.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from configs.model.ears import WhisperShape
from configs.model.funaudiochat import ContinuousEncoderConfig
from duplex.model.stages.whisper_blocks import EncoderLayer

_POOL = 2


class ContinuousEncoder(nn.Module):
    """Maps log-mel chunks to features at 25 Hz, as wide as the LLM (Whisper's encoder: Radford et al. 2022, sec.
    2.2)."""

    positions: Tensor

    def __init__(self, config: ContinuousEncoderConfig, out_width: int) -> None:
        super().__init__()
        self.config = config
        shape = WhisperShape(dim=config.width, heads=config.heads, ffn=config.ffn)
        self.conv1 = nn.Conv1d(config.bands, config.width, 3, padding=1)
        self.conv2 = nn.Conv1d(config.width, config.width, 3, stride=2, padding=1)
        self.layers = nn.ModuleList(EncoderLayer(shape) for _ in range(config.layers))
        self.ln_post = nn.LayerNorm(config.width)
        self.proj = nn.Linear(config.width, out_width)
        self.register_buffer("positions", torch.empty(0), persistent=False)

    def forward(self, chunks: Tensor, frames: Tensor) -> Tensor:
        """Features of N chunks, which may belong to different conversations.

        Args:
            chunks: [N, bands, T] log-mel, T <= chunk_frames, zeros after a chunk's end.
            frames: [N] how many of the T frames a chunk uses.

        Returns:
            [N, ceil(T / 2) // 2, out_width]; zeros after a chunk's end.
        """
        assert chunks.shape[-1] <= self.config.chunk_frames, f"a chunk has {chunks.shape[-1]} frames"
        x = self._subsample(chunks.to(self.conv1.weight.dtype), frames)
        count = (frames + 1) // 2
        mask = (torch.arange(x.shape[1], device=x.device) < count[:, None])[:, None, None]
        for layer in self.layers:
            assert isinstance(layer, EncoderLayer)
            attention, h = layer.self_attn, layer.self_attn_layer_norm(x)
            x = x + attention.read(attention.queries(h), *attention.keys(h), mask)
            x = layer.feed_forward(x)
        pooled = F.avg_pool1d(x.transpose(1, 2), _POOL).transpose(1, 2)
        features = self.proj(self.ln_post(pooled))
        kept = torch.arange(features.shape[1], device=x.device) < (count // _POOL)[:, None]
        return torch.where(kept[..., None], features, 0)

    def _subsample(self, chunks: Tensor, frames: Tensor) -> Tensor:
        real = torch.arange(chunks.shape[-1], device=chunks.device) < frames[:, None]
        x = F.gelu(self.conv1(chunks)) * real[:, None]
        x = F.gelu(self.conv2(x)).transpose(1, 2)
        return x + self.positions[: x.shape[1]].to(x.dtype)

    def compute_buffers(self, device: torch.device) -> None:
        """Compute the sinusoidal position table [positions, width] on `device` (Vaswani et al. 2017, sec. 3.5, with
        sines first and cosines after them); no checkpoint contains it."""
        half = self.config.width // 2
        rates = torch.exp(-(math.log(10_000) / (half - 1)) * torch.arange(half).float())
        angles = torch.arange(self.config.positions)[:, None] * rates
        self.positions = torch.cat([angles.sin(), angles.cos()], dim=1).to(device)
