"""Resamples streams from one rate to another with a Kaiser-windowed sinc, one filter per phase.

Streaming in any portions gives the same samples as the whole. Source: Crochiere and Rabiner 1983, polyphase
structures; Kaiser 1974, the window.
"""

from dataclasses import dataclass
from math import gcd
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_HALF: Final = 24
_BETA: Final = 9.0
_PASSED: Final = 0.95


@dataclass
class ResamplerState:
    """`past` [B, P]: the newest samples of B streams."""

    past: Tensor

    def reset(self, rows: Tensor) -> None:
        """Put silence before the first sample in the rows that are True in `rows [B]`."""
        self.past[rows] = 0


class Resampler(nn.Module):
    """A windowed-sinc resampler with `_HALF` zero crossings on each side; samples come in portions that fill whole
    output samples."""

    taps: Tensor

    def __init__(self, inward: int, outward: int) -> None:
        super().__init__()
        common = gcd(inward, outward)
        self.inward, self.up, self.down = inward, outward // common, inward // common
        self._late = _reach(self.up, self.down) + 1
        self.register_buffer("taps", self._design(), persistent=False)

    @property
    def delay_ms(self) -> float:
        """Half the filter's length, ms."""
        return self._late * 1000 / self.inward

    def init_state(self, batch: int) -> ResamplerState:
        """Fresh state for `batch` streams."""
        return ResamplerState(self.taps.new_zeros(batch, self.taps.shape[2] - self.down))

    def step(self, pcm: Tensor, state: ResamplerState, active: Tensor) -> Tensor:
        """Resample pcm [B, T] -> [B, T * outward / inward]; zeros where a row is inactive."""
        assert pcm.shape[1] % self.down == 0, f"portions must be multiples of {self.down} samples, not {pcm.shape}"
        out = pcm.new_zeros(pcm.shape[0], pcm.shape[1] * self.up // self.down)
        full = torch.cat([state.past[active], pcm[active]], 1)
        state.past[active] = full[:, full.shape[1] - state.past.shape[1] :]
        out[active] = F.conv1d(full[:, None], self.taps, stride=self.down).mT.flatten(1)
        return out

    def _design(self) -> Tensor:
        """[up, 1, K]: weights of the input samples in each of the `up` output samples of a group."""
        scale = min(1.0, self.up / self.down) * _PASSED
        reach = _reach(self.up, self.down)
        size = 2 * reach + 1 + self.down
        phase = torch.arange(self.up, dtype=torch.float64)[:, None] * self.down / self.up
        distance = phase - self._late - torch.arange(size) + size - self.down
        inside = (distance / reach).clamp(-1, 1)
        window = torch.special.i0(_BETA * (1 - inside.square()).sqrt()) / torch.special.i0(torch.tensor(_BETA))
        taps = scale * torch.sinc(scale * distance) * window
        return (taps / taps.sum(1, keepdim=True)).float()[:, None]


def _reach(up: int, down: int) -> int:
    return -(-_HALF * max(up, down) // up)
