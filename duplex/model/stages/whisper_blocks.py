"""The layers of Whisper's encoder and decoder, with transformers' names for the weights.

Source: Radford et al. 2022, Whisper, sec. 2.2. Nothing here depends on streaming, tokens or files.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from configs.model.ears import WhisperShape
from duplex.model.stages.packed_linear import match_dtype


class Attention(nn.Module):
    """Multi-head attention (Vaswani et al. 2017, sec. 3.2) whose keys and values the caller stores. The key projection
    has no bias."""

    def __init__(self, shape: WhisperShape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.q_proj = nn.Linear(shape.dim, shape.dim)
        self.k_proj = nn.Linear(shape.dim, shape.dim, bias=False)
        self.v_proj = nn.Linear(shape.dim, shape.dim)
        self.out_proj = nn.Linear(shape.dim, shape.dim)

    def keys(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x [B, T, D] -> keys and values, each [B, H, T, D / H]."""
        x = match_dtype(x, self.k_proj)
        return self._split(self.k_proj(x)), self._split(self.v_proj(x))

    def queries(self, x: Tensor) -> Tensor:
        """x [B, T, D] -> [B, H, T, D / H]."""
        return self._split(self.q_proj(match_dtype(x, self.q_proj)))

    def read(self, queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
        """Attend: queries [B, H, T, d], keys and values [B, H, S, d], mask (True: seen) -> [B, T, D]."""
        mixed = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
        out: Tensor = self.out_proj(mixed.transpose(1, 2).flatten(2))
        return out

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class EncoderLayer(nn.Module):
    """Self-attention and a feed-forward layer, each preceded by a norm."""

    def __init__(self, shape: WhisperShape) -> None:
        super().__init__()
        self.self_attn = Attention(shape)
        self.self_attn_layer_norm = nn.LayerNorm(shape.dim)
        self.fc1 = nn.Linear(shape.dim, shape.ffn)
        self.fc2 = nn.Linear(shape.ffn, shape.dim)
        self.final_layer_norm = nn.LayerNorm(shape.dim)

    def feed_forward(self, x: Tensor) -> Tensor:
        """x [B, T, D] -> [B, T, D], residual included."""
        h = match_dtype(self.final_layer_norm(x), self.fc1)
        out: Tensor = x + self.fc2(F.gelu(self.fc1(h)))
        return out


class AudioEncoder(nn.Module):
    """Whisper's encoder: two convolutions, fixed sinusoidal positions, transformer layers, a final norm."""

    positions: Tensor

    def __init__(self, shape: WhisperShape) -> None:
        super().__init__()
        self.shape = shape
        self.conv1 = nn.Conv1d(shape.mel.bands, shape.dim, 3)
        self.conv2 = nn.Conv1d(shape.dim, shape.dim, 3, stride=2)
        self.layers = nn.ModuleList(EncoderLayer(shape) for _ in range(shape.encoder_layers))
        self.layer_norm = nn.LayerNorm(shape.dim)
        self.register_buffer("positions", sinusoids(shape.source_positions, shape.dim), persistent=False)

    def stack(self) -> Iterator[EncoderLayer]:
        """The transformer layers in order."""
        for layer in self.layers:
            assert isinstance(layer, EncoderLayer)
            yield layer

    def subsample(self, mel: Tensor, padding: int) -> Tensor:
        """mel [B, bands, M] -> [B, T, D]; both convolutions pad with `padding` zeros on each side."""
        x = F.gelu(_convolve(self.conv1, match_dtype(mel, self.conv1), padding))
        x = F.gelu(_convolve(self.conv2, x, padding))
        return x.transpose(1, 2).float()

    def forward(self, mel: Tensor) -> Tensor:
        """Encode a whole clip in which every frame sees every other: mel [B, bands, 2 T] -> [B, T, D], T <=
        source_positions."""
        x = self.subsample(mel, padding=1)
        x = x + self.positions[: x.shape[1]]
        for layer in self.stack():
            h = layer.self_attn_layer_norm(x)
            attention = layer.self_attn
            x = x + attention.read(attention.queries(h), *attention.keys(h), None)
            x = layer.feed_forward(x)
        out: Tensor = self.layer_norm(x)
        return out


def _convolve(conv: nn.Module, x: Tensor, padding: int) -> Tensor:
    if isinstance(conv, nn.Conv1d):
        return F.conv1d(x, conv.weight, conv.bias, stride=conv.stride, padding=padding)
    out: Tensor = conv(x, padding)
    return out


def set_precision(module: nn.Module, dtype: torch.dtype) -> None:
    """Run every matrix product and convolution in `module` in `dtype`; norms and sums stay in float32."""
    for part in module.modules():
        if isinstance(part, (nn.Linear, nn.Conv1d)):
            part.to(dtype)


def sinusoids(length: int, dim: int) -> Tensor:
    """Whisper's encoder positions [length, dim] (Vaswani et al. 2017, sec. 3.5, with all sines before all cosines):
    wavelengths from 2 pi to 20,000 pi."""
    half = dim // 2
    rates = torch.exp(-torch.arange(half, dtype=torch.float64) * (torch.log(torch.tensor(1e4)) / (half - 1)))
    angles = torch.arange(length, dtype=torch.float64)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1).float()
