"""Flow matching: converts speech tokens to mel frames by a few Euler steps from fixed noise, chunk after chunk.

The network gives the velocity of a conditional flow (Lipman et al. 2023), with classifier-free guidance (Ho and
Salimans 2022, eq. 6); both as in CosyVoice (Du et al. 2024). A frame sees its own chunk and a bounded stretch before
it. A chunk is closed when all of its tokens are known: its keys, values and convolution inputs are kept for every
solver step and it is never computed again. The open chunk is recomputed with every call, from its first frame on, and
only new frames are returned.

This module handles tokens, frames and windows; it does not depend on samples or conversations.
"""

from dataclasses import dataclass, field
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from configs.model.cosyvoice import AttentionWindowConfig, FlowConfig
from duplex.model.stages.cosyvoice.conditioning import Modulations, solver_times
from duplex.model.stages.cosyvoice.convolution import CausalConv, Past, RightConv, StreamCache
from duplex.model.stages.cosyvoice.randomness import flow_noise
from duplex.model.stages.cosyvoice.transformer import FlowTransformer, FramePast, FrameRecord

BRANCHES = 2
"""Two branches: with the conditions and, for guidance, without them."""


@dataclass
class FlowState:
    """State of B utterances in the same phase. Frames 0..closed are in `past`, one entry per solver step.

    `speaker` [B, mel]. `waiting` [B, n, mel]: embedded tokens whose look-ahead is not complete. `condition`
    [B, m, mel]: frames of the open chunk, the first `emitted` of which have been returned. `seen`: past of the
    look-ahead layer.
    """

    speaker: Tensor
    waiting: Tensor
    condition: Tensor
    past: list[FramePast]
    closed: list[int]
    seen: Past | None = None
    emitted: int = 0

    @property
    def phase(self) -> tuple[bool, bool, int, int, int, int]:
        """States with equal phases can be joined."""
        lengths = self.waiting.shape[1], self.condition.shape[1], self.past[0].keys.shape[3]
        return self.seen is None, self.closed[0] == 0, self.emitted, *lengths

    @classmethod
    def join(cls, states: list[Self]) -> Self:
        """Join states to one state of all rows, in order."""
        if len(states) == 1:
            return states[0]
        seen = [state.seen for state in states if state.seen is not None]
        return cls(
            torch.cat([state.speaker for state in states]),
            torch.cat([state.waiting for state in states]),
            torch.cat([state.condition for state in states]),
            [FramePast.join(list(pasts)) for pasts in zip(*(state.past for state in states), strict=True)],
            [closed for state in states for closed in state.closed],
            [torch.cat(parts) for parts in zip(*seen, strict=True)] if seen else None,
            states[0].emitted,
        )

    def split(self) -> list[Self]:
        """Split into one state per row."""
        if len(self.speaker) == 1:
            return [self]
        return [self._row(slice(row, row + 1)) for row in range(len(self.speaker))]

    def _row(self, row: slice) -> Self:
        return type(self)(
            self.speaker[row],
            self.waiting[row],
            self.condition[row],
            [past.rows(slice(BRANCHES * row.start, BRANCHES * row.stop)) for past in self.past],
            self.closed[row],
            None if self.seen is None else [kept[row] for kept in self.seen],
            self.emitted,
        )


@dataclass(frozen=True)
class _Layout:
    """Frames of a call: `count` in all, `closing` of which belong to complete chunks."""

    count: int
    closing: int
    mask: Tensor | None = field(repr=False)


class LookaheadLayer(nn.Module):
    """Maps embedded tokens [B, T + lookahead, mel] to conditions [B, T, mel]."""

    def __init__(self, config: FlowConfig) -> None:
        super().__init__()
        self.inward = RightConv(config.mel, config.lookahead_channels, config.lookahead)
        self.outward = CausalConv(config.lookahead_channels, config.mel, 3)

    def step(self, x: Tensor, memory: StreamCache) -> Tensor:
        """Conditions of the next T tokens."""
        inner = F.leaky_relu(self.inward(x.transpose(1, 2)))
        out = self.outward.step(inner, memory).transpose(1, 2)
        return out + x[:, : out.shape[1]]


class Flow(nn.Module):
    """Token embedding, look-ahead layer, transformer and Euler solver (flow matching, Lipman et al. 2023;
    CosyVoice)."""

    noise: Tensor
    modulations: Tensor
    last_modulations: Tensor

    def __init__(self, config: FlowConfig, modulations: Modulations) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocabulary, config.mel)
        self.speaker = nn.Linear(config.speaker, config.mel)
        self.lookahead = LookaheadLayer(config)
        self.transformer = FlowTransformer(config)
        self.times, self.lengths = solver_times(config.steps)
        self.register_buffer("modulations", modulations.blocks, persistent=False)
        self.register_buffer("last_modulations", modulations.last, persistent=False)
        self.register_buffer("noise", flow_noise(config), persistent=False)

    def round_to(self, dtype: torch.dtype) -> Self:
        """Weights and modulations in `dtype`; noise, rotations and the solver stay in float32."""
        for weight in self.parameters():
            weight.data = weight.data.to(dtype)
        self.modulations, self.last_modulations = self.modulations.to(dtype), self.last_modulations.to(dtype)
        return self

    def voice(self, embedding: Tensor) -> Tensor:
        """Convert speaker embeddings [B, speaker] (x-vectors) to the input [B, mel] of `init_state`."""
        return self.speaker(F.normalize(embedding.to(self.speaker.weight), dim=1))

    def init_state(self, voice: Tensor) -> FlowState:
        """State before the first token; `voice` [B, mel]."""
        nothing = voice.new_zeros(len(voice), 0, self.config.mel)
        return FlowState(voice, nothing, nothing, [self._no_past(len(voice))] * self.config.steps, [0] * len(voice))

    def step(
        self, tokens: Tensor, state: FlowState, window: AttentionWindowConfig, final: bool, lookahead: int
    ) -> Tensor:
        """Take the next tokens [B, T]; returns the new mel frames [B, mel, n]. `final`: no more tokens will come.

        Without `final` the last `lookahead` tokens wait; if that is fewer than the layer sees, zeros replace the rest,
        as at the end of an utterance.
        """
        state.waiting = torch.cat([state.waiting, self.embedding(tokens)], 1)
        ready = state.waiting.shape[1] - (0 if final else lookahead)
        if ready > 0:
            self._condition(ready, state)
        layout = self._layout(state, window)
        if layout.count == state.emitted:
            return state.waiting.new_zeros(len(tokens), self.config.mel, 0)
        frames = self._solve(state, layout, window)[:, state.emitted :]
        state.closed = [closed + layout.closing for closed in state.closed]
        state.condition = state.condition[:, layout.closing :]
        state.emitted = layout.count - layout.closing
        return frames.transpose(1, 2)

    def _condition(self, ready: int, state: FlowState) -> None:
        """Conditions of the next `ready` tokens."""
        memory = StreamCache(state.seen)
        missing = max(0, ready + self.config.lookahead - state.waiting.shape[1])
        inward = F.pad(state.waiting, (0, 0, 0, missing))
        new = self.lookahead.step(inward, memory).repeat_interleave(self.config.frames_per_token, 1)
        state.condition = torch.cat([state.condition, new], 1)
        state.seen, state.waiting = memory.after, state.waiting[:, ready:]

    def _layout(self, state: FlowState, window: AttentionWindowConfig) -> _Layout:
        per_token = self.config.frames_per_token
        count, closed = state.condition.shape[1], state.closed[0]
        end = window.start((closed + count) // per_token) * per_token
        mask = _mask(closed, count, state.past[0].keys.shape[3], window, per_token)
        return _Layout(count, max(0, end - closed), None if mask.all() else mask.to(self.noise.device))

    def _solve(self, state: FlowState, layout: _Layout, window: AttentionWindowConfig) -> Tensor:
        """Solve all frames of the open chunks, [B, count, mel]; keeps the past of the frames that close."""
        rows, config = len(state.condition), self.config
        places = torch.tensor(state.closed)[:, None] + torch.arange(layout.count)
        x = self.noise.t()[places.to(self.noise.device) % config.noise_frames].float()
        place = self.transformer.place(places.repeat_interleave(BRANCHES, 0), layout.mask)
        given = self._compute_given(state)
        for step, length in enumerate(self.lengths):
            noisy = x.to(given.dtype)[:, None].expand(-1, BRANCHES, -1, -1)
            velocity, record = self.transformer(
                torch.cat([noisy, given], -1).flatten(0, 1),
                self.modulations[step],
                self.last_modulations[step],
                place,
                state.past[step],
            )
            if layout.closing:
                state.past[step] = self._keep(record, layout, window)
            guided, plain = velocity.float().unflatten(0, (rows, BRANCHES)).unbind(1)
            x = x + length * ((1 + config.guidance) * guided - config.guidance * plain)
        return x

    def _compute_given(self, state: FlowState) -> Tensor:
        """Inputs that are equal in all steps, [B, branch, count, 3 * mel]: prompt (none), condition, speaker."""
        condition = state.condition
        speaker = state.speaker[:, None].expand_as(condition)
        given = torch.cat([torch.zeros_like(condition), condition, speaker], -1)
        return torch.stack([given, torch.zeros_like(given)], 1)

    def _keep(self, record: FrameRecord, layout: _Layout, window: AttentionWindowConfig) -> FramePast:
        """Past after the frames that close, as far back as the window reaches."""
        behind = record.keys[0].shape[2] - layout.count + layout.closing
        left = behind if window.left is None else min(behind, window.left * self.config.frames_per_token)
        near = slice(layout.closing, layout.closing + self.config.position_past)
        return record.keep(slice(behind - left, behind), near)

    def _no_past(self, batch: int) -> FramePast:
        config, weight = self.config, self.speaker.weight
        rows = BRANCHES * batch
        nothing = weight.new_zeros(config.depth, rows, config.heads, 0, config.head_size)
        before = weight.new_zeros(rows, config.width, config.position_past)
        return FramePast(nothing, nothing, before, before)


def _mask(first: int, count: int, kept: int, window: AttentionWindowConfig, per_token: int) -> Tensor:
    """Mask [count, kept + count], True where a frame sees: from `left` before its chunk to the end of its chunk."""
    frames = torch.arange(first - kept, first + count)
    starts = torch.tensor([window.start(frame // per_token) * per_token for frame in range(first, first + count)])
    chunk = torch.tensor([window.start(int(frame) // per_token) * per_token for frame in frames.clamp(min=0)])
    before = frames[None] < starts[:, None]
    inside = chunk[None] == starts[:, None]
    if window.left is None:
        return before | inside
    return inside | (before & (frames[None] >= starts[:, None] - window.left * per_token))
