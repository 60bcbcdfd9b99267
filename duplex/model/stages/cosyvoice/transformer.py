"""The flow's network: maps noisy frames and conditions to velocities; the past is kept as keys and values.

It is the DiT of the released model (Peebles and Xie 2023). Nothing here depends on tokens, solver times or
conversations.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from configs.model.cosyvoice import FlowConfig

_EPSILON = 1e-6


@dataclass(frozen=True)
class FramePositions:
    """Positions of frames: rotation `cosine`, `sine` [B, N, head]; mask [N, past + N], True where a frame sees."""

    cosine: Tensor
    sine: Tensor
    mask: Tensor | None


@dataclass(frozen=True)
class FramePast:
    """What a solver step remembers of earlier frames: `keys`, `values` [L, B, heads, past, head], and the inputs
    `near`, `far` [B, width, position_past] of the two convolutions."""

    keys: Tensor
    values: Tensor
    near: Tensor
    far: Tensor

    @classmethod
    def join(cls, pasts: "list[FramePast]") -> "FramePast":
        """Join pasts to one past of all rows, in order."""
        return cls(
            torch.cat([past.keys for past in pasts], 1),
            torch.cat([past.values for past in pasts], 1),
            torch.cat([past.near for past in pasts]),
            torch.cat([past.far for past in pasts]),
        )

    def rows(self, rows: slice) -> "FramePast":
        """Past of some rows."""
        return FramePast(self.keys[:, rows], self.values[:, rows], self.near[rows], self.far[rows])


@dataclass(frozen=True)
class FrameRecord:
    """What a call leaves: `FramePast` with its own frames appended, keys and values by block."""

    keys: list[Tensor]
    values: list[Tensor]
    near: Tensor
    far: Tensor

    def keep(self, seen: slice, near: slice) -> FramePast:
        """Copy the keys and values of the frames `seen` and the inputs `near` of the convolutions."""
        keys = torch.stack([block[:, :, seen] for block in self.keys])
        values = torch.stack([block[:, :, seen] for block in self.values])
        return FramePast(keys, values, self.near[..., near].clone(), self.far[..., near].clone())


class PositionEmbedding(nn.Module):
    """Two grouped causal convolutions over frames [B, width, N]."""

    def __init__(self, config: FlowConfig) -> None:
        super().__init__()
        sizes = (config.width, config.width, config.position_kernel)
        self.near = nn.Conv1d(*sizes, groups=config.position_groups)
        self.far = nn.Conv1d(*sizes, groups=config.position_groups)

    def forward(self, x: Tensor, near: Tensor, far: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Embedding [B, width, N], and the inputs of both convolutions [B, width, position_past + N], past included."""
        first = torch.cat([near, x], -1)
        second = torch.cat([far, F.mish(self.near(first))], -1)
        return F.mish(self.far(second)), first, second


class RotaryAttention(nn.Module):
    """Attention in which only the first head is rotated (Su et al. 2021, eq. 34), as the released model was trained."""

    def __init__(self, config: FlowConfig) -> None:
        super().__init__()
        self.heads, self.head_size = config.heads, config.head_size
        self.query = nn.Linear(config.width, config.attention)
        self.key = nn.Linear(config.width, config.attention)
        self.value = nn.Linear(config.width, config.attention)
        self.outward = nn.Linear(config.attention, config.width)

    def forward(self, x: Tensor, place: FramePositions, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """x [B, N, width] -> the same; keys and values [B, heads, past + N, head], past included."""
        query = self._split(_rotate(self.query(x), place))
        keys = torch.cat([keys, self._split(_rotate(self.key(x), place))], 2)
        values = torch.cat([values, self._split(self.value(x))], 2)
        seen = F.scaled_dot_product_attention(query, keys, values, attn_mask=place.mask)
        return self.outward(seen.transpose(1, 2).flatten(2)), keys, values

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, self.head_size)).transpose(1, 2)


class Block(nn.Module):
    """Attention and feed-forward, both shifted, scaled and gated by the solver's time (adaLN-Zero, Peebles and Xie
    2023)."""

    def __init__(self, config: FlowConfig) -> None:
        super().__init__()
        self.width = config.width
        self.attention = RotaryAttention(config)
        self.up = nn.Linear(config.width, config.inner_factor * config.width)
        self.down = nn.Linear(config.inner_factor * config.width, config.width)

    def forward(
        self, x: Tensor, modulation: Tensor, place: FramePositions, keys: Tensor, values: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Map x [B, N, width] with modulation [6, width]; returns x, keys and values as `RotaryAttention` does."""
        shift, scale, gate, shift_up, scale_up, gate_up = modulation
        seen, keys, values = self.attention(normalise(x, scale, shift), place, keys, values)
        x = x + gate * seen
        inner = self.up(normalise(x, scale_up, shift_up))
        return x + gate_up * self.down(F.gelu(inner, approximate="tanh")), keys, values


class FlowTransformer(nn.Module):
    """Maps frames, conditions and the past to velocities and the past for a later call."""

    rates: Tensor

    def __init__(self, config: FlowConfig) -> None:
        super().__init__()
        self.inward = nn.Linear(4 * config.mel, config.width)
        self.position = PositionEmbedding(config)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.outward = nn.Linear(config.width, config.mel)
        self.register_buffer("rates", 10_000.0 ** -(torch.arange(0, config.head_size, 2).float() / config.head_size))

    def place(self, positions: Tensor, mask: Tensor | None) -> FramePositions:
        """Rotation of frames at `positions` [B, N]."""
        angles = positions.to(self.rates.device)[..., None].float() * self.rates.float()
        angles = angles.repeat_interleave(2, -1)
        weight = self.inward.weight
        return FramePositions(angles.cos().to(weight.dtype), angles.sin().to(weight.dtype), mask)

    def forward(
        self, x: Tensor, modulations: Tensor, last: Tensor, place: FramePositions, past: FramePast
    ) -> tuple[Tensor, FrameRecord]:
        """Velocities [B, N, mel], and the past with these frames appended.

        Args:
            x: [B, N, 4 * mel] noisy frame, frame of a prompt, condition of the token, speaker.
            modulations, last: [L, 6, width], [2, width] of this solver step.
        """
        x = self.inward(x)
        embedded, near, far = self.position(x.transpose(1, 2), past.near, past.far)
        x = x + embedded.transpose(1, 2)
        record = FrameRecord([], [], near, far)
        for index, block in enumerate(self.blocks):
            x, keys, values = block(x, modulations[index], place, past.keys[index], past.values[index])
            record.keys.append(keys)
            record.values.append(values)
        return self.outward(normalise(x, last[0], last[1])), record


def normalise(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Layer norm without weights, then x (1 + scale) + shift (adaptive layer norm, Peebles and Xie 2023)."""
    return F.layer_norm(x, x.shape[-1:], eps=_EPSILON) * (1 + scale) + shift


def _rotate(x: Tensor, place: FramePositions) -> Tensor:
    """Rotate neighbouring pairs of the first head (Su et al. 2021, eq. 34) of x [B, N, heads * head]; other heads
    stay."""
    size = place.cosine.shape[-1]
    turned, rest = x[..., :size], x[..., size:]
    even, odd = turned[..., 0::2], turned[..., 1::2]
    swapped = torch.stack([-odd, even], -1).flatten(-2)
    return torch.cat([turned * place.cosine + swapped * place.sine, rest], -1)
