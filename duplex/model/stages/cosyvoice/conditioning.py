"""The solver's time steps, and the modulation of every transformer block at each of them.

The configuration fixes the times and hence the modulations: they are computed once when weights are loaded, and the
matrices that make them (two fifths of the released flow) need not stay in memory. Modulation by time is that of DiT
(Peebles and Xie 2023, adaLN-Zero).
"""

from dataclasses import dataclass
from itertools import pairwise
from math import log, pi

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from configs.model.cosyvoice import FlowConfig

_PERIODS = 10_000
_TIME_SCALE = 1000
PARTS = 6
"""Shift, scale and gate of the attention, then of the feed-forward layer."""


def solver_times(steps: int) -> tuple[list[float], list[float]]:
    """Time and length of each Euler step at t = 1 - cos(pi u / 2), u equally spaced (CosyVoice's cosine schedule, Du et
    al. 2024): short steps first. Sums are in float32 as in the reference."""
    span = 1 - torch.cos(torch.linspace(0, 1, steps + 1, device="cpu") * 0.5 * pi)
    times, lengths = [span[0]], [span[1] - span[0]]
    for _, end in pairwise(span[1:]):
        times.append(times[-1] + lengths[-1])
        lengths.append(end - times[-1])
    return [float(time) for time in times], [float(length) for length in lengths]


@dataclass(frozen=True)
class Modulations:
    """Modulations of S solver steps: `blocks` [S, L, 6, width] for L blocks; `last` [S, 2, width], final scale and
    shift."""

    blocks: Tensor
    last: Tensor


class Conditioner(nn.Module):
    """Maps times to modulations (adaLN-Zero, Peebles and Xie 2023). Its matrices are needed only while loading."""

    def __init__(self, config: FlowConfig) -> None:
        super().__init__()
        self.size = config.time_size
        self.inward = nn.Linear(config.time_size, config.width)
        self.outward = nn.Linear(config.width, config.width)
        self.blocks = nn.ModuleList(nn.Linear(config.width, PARTS * config.width) for _ in range(config.depth))
        self.last = nn.Linear(config.width, 2 * config.width)

    @torch.no_grad()
    def forward(self, times: list[float]) -> Modulations:
        """Modulations at `times`, each computed for two rows as in the reference, so that they are equal bit for
        bit."""
        steps = [self._embed(torch.tensor([time, time])) for time in times]
        blocks = [torch.stack([block(x)[0].view(PARTS, -1) for block in self.blocks]) for x in steps]
        return Modulations(torch.stack(blocks), torch.stack([self.last(x)[0].view(2, -1) for x in steps]))

    def _embed(self, times: Tensor) -> Tensor:
        """Sinusoidal embedding of times and an MLP: [n] -> [n, width]."""
        half = self.size // 2
        rates = torch.exp(torch.arange(half).float() * -(log(_PERIODS) / (half - 1)))
        angles = _TIME_SCALE * times[:, None] * rates
        x = torch.cat([angles.sin(), angles.cos()], -1).to(self.inward.weight)
        return F.silu(self.outward(F.silu(self.inward(x))))
