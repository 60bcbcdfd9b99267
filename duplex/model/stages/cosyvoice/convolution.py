"""Causal convolutions [B, C, T] whose past is an explicit argument, and the residual block made of them.

Knows tensors; knows nothing of speech. A `StreamCache` goes through a network in the order of its calls: every layer
takes the past that it left in the call before and leaves its own.
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
        """What the layer that asks has kept; not at the very beginning."""
        return next(self._before)

    def keep(self, past: Tensor) -> None:
        """Leave `past` for the layer's next call."""
        self.after.append(past)

    def extend(self, x: Tensor, length: int, fresh: int | None = None) -> Tensor:
        """x [B, C, T] with the last `length` columns before it; at the very beginning `fresh` zeros (else `length`)."""
        padding = length if fresh is None else fresh
        past = x.new_zeros(*x.shape[:-1], padding) if self.fresh else self.take()
        full = torch.cat([past, x], -1)
        self.keep(full[..., full.shape[-1] - length :])
        return full


class CausalConv(nn.Conv1d):
    """Sees the past only: [B, C, T] -> [B, D, T]."""

    def __init__(self, inward: int, outward: int, kernel: int, dilation: int = 1) -> None:
        super().__init__(inward, outward, kernel, dilation=dilation)
        self.past = (kernel - 1) * dilation

    def step(self, x: Tensor, memory: StreamCache) -> Tensor:
        """The next T columns."""
        return super().forward(memory.extend(x, self.past) if self.past else x)


class RightConv(nn.Conv1d):
    """Sees `right` columns of the future and no past: [B, C, T + right] -> [B, D, T]."""

    def __init__(self, inward: int, outward: int, right: int) -> None:
        super().__init__(inward, outward, right + 1)


class Downsample(nn.Conv1d):
    """Every `stride` columns one, which sees one stride before and one behind: [B, C, stride * T] -> [B, D, T].

    The input begins with column 0 and from then on with the column behind the last one seen: at the very beginning it
    is one column longer.
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
    """x + sin^2(alpha * x) / alpha, one alpha a channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, T] -> [B, C, T]."""
        alpha = self.alpha[:, None]
        return x + torch.sin(x * alpha).square() / (alpha + _TINY)


class SnakeResidualBlock(nn.Module):
    """Pairs of convolutions, the first of each pair dilated, each pair added to its input."""

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
    """Every column `rate` times."""
    return F.interpolate(x, scale_factor=float(rate), mode="nearest")
