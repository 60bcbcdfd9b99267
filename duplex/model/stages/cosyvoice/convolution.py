"""Causal convolutions on [B, C, T] whose past is an explicit argument, and a residual block of them.

A `StreamCache` passes through a network in the order of its calls: every layer takes the past that it left in the
previous call and leaves its own.
"""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Past = list[Tensor]
_TINY = 1e-9


class StreamCache:
    """Past of every layer: `before` from the last call (None at the very beginning), `after` for the next."""

    def __init__(self, before: Past | None = None) -> None:
        self.fresh = before is None
        self.after: Past = []
        self._before: Iterator[Tensor] = iter(before or ())

    def take(self) -> Tensor:
        """The past that the calling layer has kept; not available at the very beginning."""
        return next(self._before)

    def keep(self, past: Tensor) -> None:
        """Leave `past` for the layer's next call."""
        self.after.append(past)

    def extend(self, x: Tensor, length: int, fresh: int | None = None) -> Tensor:
        """Prepend the last `length` columns to x [B, C, T]; at the very beginning prepend `fresh` zeros (default:
        `length`)."""
        padding = length if fresh is None else fresh
        past = x.new_zeros(*x.shape[:-1], padding) if self.fresh else self.take()
        full = torch.cat([past, x], -1)
        self.keep(full[..., full.shape[-1] - length :])
        return full


class CausalConv(nn.Conv1d):
    """Convolution that sees only the past: [B, C, T] -> [B, D, T]."""

    def __init__(self, inward: int, outward: int, kernel: int, dilation: int = 1) -> None:
        super().__init__(inward, outward, kernel, dilation=dilation)
        self.past = (kernel - 1) * dilation

    def step(self, x: Tensor, memory: StreamCache) -> Tensor:
        """The next T columns."""
        return super().forward(memory.extend(x, self.past) if self.past else x)


class RightConv(nn.Conv1d):
    """Convolution that sees `right` future columns and no past: [B, C, T + right] -> [B, D, T]."""

    def __init__(self, inward: int, outward: int, right: int) -> None:
        super().__init__(inward, outward, right + 1)


class Downsample(nn.Conv1d):
    """Convolution with a stride; an output sees one stride before and one after: [B, C, stride * T] -> [B, D, T].

    The first input begins with column 0, every later one with the column after the last one seen; therefore the first
    input is one column longer.
    """

    def __init__(self, inward: int, outward: int, stride: int) -> None:
        super().__init__(inward, outward, 2 * stride if stride > 1 else 1, stride=stride)
        self.step_size = stride

    def step(self, x: Tensor, memory: StreamCache) -> Tensor:
        """The next T columns."""
        if self.step_size == 1:
            return super().forward(x)
        return super().forward(memory.extend(x, self.step_size, fresh=self.step_size - 1))


class Snake(nn.Module):
    """Snake activation x + sin^2(alpha x) / alpha (Ziyin et al. 2020), with one alpha per channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, T] -> [B, C, T]."""
        alpha = self.alpha[:, None]
        return x + torch.sin(x * alpha).square() / (alpha + _TINY)


class SnakeResidualBlock(nn.Module):
    """Pairs of convolutions, the first of each pair dilated, each pair added to its input (HiFi-GAN, sec. 2.2)."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.first = nn.ModuleList(CausalConv(channels, channels, kernel, dilation) for dilation in dilations)
        self.second = nn.ModuleList(CausalConv(channels, channels, kernel) for _ in dilations)
        self.first_snake = nn.ModuleList(Snake(channels) for _ in dilations)
        self.second_snake = nn.ModuleList(Snake(channels) for _ in dilations)

    def step(self, x: Tensor, memory: StreamCache) -> Tensor:
        """The next T columns: [B, C, T] -> [B, C, T]."""
        for first, second, snake, other in zip(
            self.first, self.second, self.first_snake, self.second_snake, strict=True
        ):
            assert isinstance(first, CausalConv)
            assert isinstance(second, CausalConv)
            x = x + second.step(other(first.step(snake(x), memory)), memory)
        return x


def upsample(x: Tensor, rate: int) -> Tensor:
    """Repeat every column `rate` times."""
    return F.interpolate(x, scale_factor=float(rate), mode="nearest")
