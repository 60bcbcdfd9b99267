"""Whisper's text decoder, one token at a time with a fixed cache.

Source: Radford et al. 2022, Whisper, sec. 2.2. Nothing here depends on rules, words or audio.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from configs.base import ConfigError
from configs.model.ears import WhisperShape
from duplex.model.stages.matrices import matrix
from duplex.model.weights.quantize import SCALE


@dataclass
class DecoderCache:
    """The decoder's memory of B clips and of what it has written.

    Attributes:
        heard: per layer, the keys and values of the encoder's features, each [B, H, T, d].
        keys, values: [layers, B, H, capacity, d] of the tokens so far.
        length: number of tokens so far.
    """

    heard: list[tuple[Tensor, Tensor]]
    keys: Tensor
    values: Tensor
    length: int = 0

    def select(self, rows: Tensor) -> Self:
        """The same memory for only the rows `rows [b]`."""
        heard = [(keys[rows], values[rows]) for keys, values in self.heard]
        return type(self)(heard, self.keys[:, rows], self.values[:, rows], self.length)


class TextDecoder(nn.Module):
    """Whisper's decoder (Radford et al. 2022, sec. 2.2); its matrices are int8 if the weights are."""

    token_rows: Tensor
    positions: Tensor

    def __init__(self, weights: Mapping[str, Tensor], shape: WhisperShape) -> None:
        """Build from `model.decoder.*`, packed by `duplex.model.weights.quantize.pack` or in float32.

        Raises:
            ConfigError: a weight is missing.
        """
        super().__init__()
        self.shape = shape
        part = _decoder_part(weights)
        try:
            self.projection = matrix(part, "embed_tokens")
            self.register_buffer("positions", part["embed_positions.weight"].float())
            self.layers = nn.ModuleList(DecoderLayer(part, index, shape) for index in range(shape.decoder_layers))
            self.layer_norm = _norm(part, "layer_norm")
        except KeyError as error:
            raise ConfigError(f"Whisper's decoder lacks the weight {error}; convert the weights again") from None

    def listen(self, features: Tensor, capacity: int) -> DecoderCache:
        """Make a fresh memory of features [B, T, D] with room for `capacity` tokens."""
        cache = (self.shape.decoder_layers, features.shape[0], self.shape.heads, capacity, self.shape.head_dim)
        heard = [layer.hear(features) for layer in self._stack()]
        return DecoderCache(heard, torch.zeros(cache), torch.zeros(cache))

    def forward(self, tokens: Tensor, memory: DecoderCache) -> Tensor:
        """Append tokens [B, n] to the memory; returns hidden vectors [B, n, D]."""
        count = tokens.shape[1]
        places = torch.arange(memory.length, memory.length + count)
        x = self._embed(tokens) + self.positions[places]
        mask = None if count == 1 else places[:, None] >= torch.arange(memory.length + count)[None]
        for index, layer in enumerate(self._stack()):
            x = layer(x, memory, index, mask)
        memory.length += count
        out: Tensor = self.layer_norm(x)
        return out

    def logits(self, hidden: Tensor) -> Tensor:
        """hidden [B, D] -> [B, vocabulary] float32."""
        out: Tensor = self.projection(hidden)
        return out

    def _embed(self, tokens: Tensor) -> Tensor:
        rows = self.projection.weight[tokens].float()
        if self.projection.scale is None:
            return rows
        return rows * self.projection.scale[tokens].float()[..., None]

    def _stack(self) -> Iterator["DecoderLayer"]:
        for layer in self.layers:
            assert isinstance(layer, DecoderLayer)
            yield layer


class DecoderLayer(nn.Module):
    """Attention to the tokens so far, attention to the audio, and a feed-forward layer, each preceded by a norm."""

    def __init__(self, weights: Mapping[str, Tensor], index: int, shape: WhisperShape) -> None:
        super().__init__()
        name, self.heads = f"layers.{index}.", shape.heads
        own, other = name + "self_attn.", name + "encoder_attn."
        self.own_norm = _norm(weights, name + "self_attn_layer_norm")
        self.own_in = matrix(weights, own + "q_proj", own + "k_proj", own + "v_proj")
        self.own_out = matrix(weights, own + "out_proj")
        self.other_norm = _norm(weights, name + "encoder_attn_layer_norm")
        self.other_query = matrix(weights, other + "q_proj")
        self.other_memory = matrix(weights, other + "k_proj", other + "v_proj")
        self.other_out = matrix(weights, other + "out_proj")
        self.last_norm = _norm(weights, name + "final_layer_norm")
        self.wide = matrix(weights, name + "fc1")
        self.narrow = matrix(weights, name + "fc2")

    def hear(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of features [B, T, D], each [B, H, T, d]."""
        keys, values = self._each(self.other_memory, features).chunk(2, dim=-1)
        return self._heads(keys), self._heads(values)

    def forward(self, x: Tensor, memory: DecoderCache, index: int, mask: Tensor | None) -> Tensor:
        """x [B, n, D] -> [B, n, D]; writes layer `index` of the memory. mask [n, S]: True is seen."""
        x = x + self._own(self.own_norm(x), memory, index, mask)
        query = self._heads(self._each(self.other_query, self.other_norm(x)))
        x = x + self._each(self.other_out, self._read(query, *memory.heard[index], None))
        return x + self._each(self.narrow, F.gelu(self._each(self.wide, self.last_norm(x))))

    def _own(self, x: Tensor, memory: DecoderCache, index: int, mask: Tensor | None) -> Tensor:
        query, key, value = (self._heads(part) for part in self._each(self.own_in, x).chunk(3, dim=-1))
        stop = memory.length + x.shape[1]
        memory.keys[index, :, :, memory.length : stop] = key
        memory.values[index, :, :, memory.length : stop] = value
        keys, values = memory.keys[index, :, :, :stop], memory.values[index, :, :, :stop]
        return self._each(self.own_out, self._read(query, keys, values, mask))

    def _heads(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    @staticmethod
    def _read(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
        return F.scaled_dot_product_attention(query, keys, values, attn_mask=mask).transpose(1, 2).flatten(2)

    @staticmethod
    def _each(linear: nn.Module, x: Tensor) -> Tensor:
        out: Tensor = linear(x.flatten(0, 1))
        return out.unflatten(0, x.shape[:2])


def _decoder_part(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    prefix = "model.decoder."
    part = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
    scale = part.pop(f"embed_positions.weight{SCALE}", None)
    if scale is not None:
        part["embed_positions.weight"] = part["embed_positions.weight"].float() * scale[:, None]
    return part


def _norm(weights: Mapping[str, Tensor], name: str) -> nn.LayerNorm:
    norm = nn.LayerNorm(weights[f"{name}.weight"].shape[0])
    norm.load_state_dict({part: weights[f"{name}.{part}"].float() for part in ("weight", "bias")})
    return norm.requires_grad_(False)
