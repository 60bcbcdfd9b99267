"""Speech encoder of the user side: maps a slot of samples to ten feature frames, block-causally and without end.

This module runs Whisper's encoder slot by slot; it does not depend on what reads the features.

A block is one slot (10 frames of 20 ms). Its frames see each other and the `left_frames` before the block, in every
layer; so the features of a slot never change. The convolutions and the mel window reach 12.5 ms past a slot's end:
the encoder holds the audio back by that much instead of padding, and declares it as delay.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from configs.audio import AUDIO
from configs.base import exact_div
from configs.model.ears import EncoderConfig
from duplex.model.stages.logmel import LogMel
from duplex.model.stages.packed_linear import match_dtype
from duplex.model.stages.whisper_blocks import AudioEncoder, EncoderLayer


@dataclass
class EncoderState:
    """State of B conversations.

    Attributes:
        history: [B, history_samples] the newest samples.
        keys, values: [layers, B, H, left_frames, D / H] of the newest frames, oldest first.
        frames: [B] number of frames so far.
    """

    history: Tensor
    keys: Tensor
    values: Tensor
    frames: Tensor

    def reset(self, rows: Tensor) -> None:
        """Forget the rows that are True in `rows [B]`."""
        self.history[rows] = 0
        self.keys[:, rows] = 0
        self.values[:, rows] = 0
        self.frames[rows] = 0


class OfflineEncoder(Protocol):
    """The offline form of the speech encoder."""

    def encode(self, pcm: Tensor) -> Tensor:
        """[B, N] samples at 16 kHz -> [B, T, D], ten frames a slot."""
        ...


class SpeechEncoder(nn.Module):
    """Whisper's encoder (Radford et al. 2022), block-causal: `step` for live slots and `encode` for whole recordings
    give equal features."""

    def __init__(self, config: EncoderConfig, encoder: AudioEncoder) -> None:
        super().__init__()
        self.config = config
        self.encoder = encoder
        self.mel = LogMel(config.shape.mel)

    @property
    def delay_ms(self) -> float:
        """Features describe audio that is this much older than their slot (12.5 ms)."""
        return self.config.lookahead_samples * 1000 / AUDIO.input_rate

    def init_state(self, batch: int) -> EncoderState:
        """Fresh state for `batch` conversations: silence before the first sample."""
        config, shape = self.config, self.config.shape
        cache = (shape.encoder_layers, batch, shape.heads, config.left_frames, shape.head_dim)
        dtype = match_dtype(torch.zeros(()), self.encoder.conv1).dtype
        return EncoderState(
            history=torch.zeros(batch, config.history_samples),
            keys=torch.zeros(cache, dtype=dtype),
            values=torch.zeros(cache, dtype=dtype),
            frames=torch.zeros(batch, dtype=torch.long),
        )

    @torch.no_grad()
    def step(self, pcm: Tensor, state: EncoderState, active: Tensor) -> Tensor:
        """Encode one slot: pcm [B, 3200] at 16 kHz -> features [B, 10, D] (zeros for inactive rows)."""
        assert pcm.shape[1] == AUDIO.slot_input_samples, (
            f"a slot has {AUDIO.slot_input_samples} samples, not {pcm.shape}"
        )
        features = torch.zeros(pcm.shape[0], self.config.block_frames, self.config.shape.dim)
        rows = active.nonzero()[:, 0]
        if len(rows):
            features[rows] = self._step_rows(pcm[rows], state, rows)
        return features

    @torch.no_grad()
    def encode(self, pcm: Tensor) -> Tensor:
        """Encode whole recordings: pcm [B, N] -> features [B, T, D], T = 10 per slot; silence fills up the last
        slot."""
        slots = -(-pcm.shape[1] // AUDIO.slot_input_samples)
        after = slots * AUDIO.slot_input_samples - pcm.shape[1]
        x = self._subsample(F.pad(pcm, (self.config.history_samples, after)))
        x = x + self._positions(torch.arange(x.shape[1]))
        count = x.shape[1]
        x = F.pad(x, (0, 0, 0, -count % self.config.left_frames))
        mask = self._chunk_mask(x.shape[1] // self.config.left_frames).repeat(x.shape[0], 1, 1, 1)
        for layer in self.encoder.stack():
            x = self._run_chunked_layer(layer, x, mask)
        out: Tensor = self.encoder.layer_norm(x[:, :count])
        return out

    def _step_rows(self, pcm: Tensor, state: EncoderState, rows: Tensor) -> Tensor:
        samples = torch.cat([state.history[rows], pcm], dim=1)
        state.history[rows] = samples[:, -self.config.history_samples :]
        start = state.frames[rows, None]
        x = self._subsample(samples)
        x = x + self._positions(start + torch.arange(x.shape[1]))
        mask = self._step_mask(start[:, 0], x.shape[1])
        for index, layer in enumerate(self.encoder.stack()):
            x = self._step_layer(layer, index, x, state, rows, mask)
        state.frames[rows] += x.shape[1]
        out: Tensor = self.encoder.layer_norm(x)
        return out

    def _step_layer(
        self, layer: EncoderLayer, index: int, x: Tensor, state: EncoderState, rows: Tensor, mask: Tensor
    ) -> Tensor:
        h = layer.self_attn_layer_norm(x)
        new_keys, new_values = layer.self_attn.keys(h)
        keys = self._append(state.keys[index], new_keys, rows)
        values = self._append(state.values[index], new_values, rows)
        return layer.feed_forward(x + layer.self_attn.read(layer.self_attn.queries(h), keys, values, mask))

    def _append(self, cache: Tensor, new: Tensor, rows: Tensor) -> Tensor:
        """What the cache [B, H, left, d] has of `rows`, followed by `new`; the cache takes its newest frames."""
        everyone = len(rows) == len(cache)
        joined = torch.cat([cache if everyone else cache[rows], new], dim=2)
        newest = joined[:, :, -self.config.left_frames :]
        if everyone:
            cache.copy_(newest)
        else:
            cache[rows] = newest
        return joined

    def _run_chunked_layer(self, layer: EncoderLayer, x: Tensor, mask: Tensor) -> Tensor:
        h = layer.self_attn_layer_norm(x)
        attention, batch = layer.self_attn, x.shape[0]
        keys, values = (self._with_chunk_before(part) for part in attention.keys(h))
        queries = self._chunks(attention.queries(h)).flatten(0, 1)
        mixed = attention.read(queries, keys, values, mask)
        return layer.feed_forward(x + mixed.unflatten(0, (batch, -1)).flatten(1, 2))

    def _chunks(self, x: Tensor) -> Tensor:
        """[B, H, T, d] -> [B, T / left_frames, H, left_frames, d]."""
        return x.unflatten(2, (-1, self.config.left_frames)).transpose(1, 2)

    def _with_chunk_before(self, x: Tensor) -> Tensor:
        """[B, H, T, d] -> [B * chunks, H, 2 * left_frames, d]: every chunk, preceded by the previous one."""
        chunks = self._chunks(x)
        before = torch.cat([torch.zeros_like(chunks[:, :1]), chunks[:, :-1]], dim=1)
        return torch.cat([before, chunks], dim=3).flatten(0, 1)

    def _chunk_mask(self, chunks: int) -> Tensor:
        """What the frames of each chunk see of it and the chunk before: [chunks, 1, left, 2 * left]."""
        left, block = self.config.left_frames, self.config.block_frames
        exact_div(left, block)
        start = torch.arange(left)[:, None] // block * block
        key = torch.arange(-left, left)[None]
        seen = (key >= start - left) & (key < start + block)
        mask = seen.expand(chunks, 1, -1, -1).clone()
        mask[0] &= key >= 0
        return mask

    def _step_mask(self, frames: Tensor, block: int) -> Tensor:
        """What the frames of a slot see of the cache and themselves: [B, 1, 1, left + block]."""
        age = torch.arange(self.config.left_frames, 0, -1)
        cached = age[None] <= frames[:, None]
        own = torch.ones(len(frames), block, dtype=torch.bool)
        return torch.cat([cached, own], dim=1)[:, None, None]

    def _positions(self, frames: Tensor) -> Tensor:
        return self.encoder.positions[frames % self.config.cycle_frames]

    def _subsample(self, samples: Tensor) -> Tensor:
        return self.encoder.subsample(self.mel.streaming(samples), padding=0)
