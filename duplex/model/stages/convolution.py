"""Residual block of a depth-wise convolution over time and an MLP (ConvNeXt, Liu et al. 2022), causal by default.

Tensors are [B, T, D]. The past of a causal block is an explicit argument.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_BRANCH_STD = 0.02


class ConvBlock(nn.Module):
    """x + MLP(norm(conv(x))) (ConvNeXt, Liu et al. 2022): `kernel` taps, `dilation` apart, `right` of them in the
    future."""

    def __init__(self, width: int, inner: int, kernel: int, dilation: int = 1, right: int = 0) -> None:
        super().__init__()
        self.width = width
        self.dilation = dilation
        self.right = right * dilation
        self.past = (kernel - 1 - right) * dilation
        self.taps = nn.Parameter(torch.randn(kernel, width) * kernel**-0.5)
        self.bias = nn.Parameter(torch.zeros(width))
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, inner)
        self.down = nn.Linear(inner, width)
        nn.init.normal_(self.down.weight, std=_BRANCH_STD)
        nn.init.zeros_(self.down.bias)

    def forward(self, x: Tensor, past: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Map [B, T, width] to [B, T, width]; also returns the past [B, self.past, width] for the next call.

        Without `past` zeros precede the input. Zeros also follow its end (if `right` > 0).
        """
        if past is None:
            past = x.new_zeros(x.shape[0], self.past, self.width)
        full = F.pad(torch.cat([past, x], 1), (0, 0, 0, self.right))
        y = self.bias.expand_as(x)
        for tap, weight in enumerate(self.taps):
            start = tap * self.dilation
            y = y + full[:, start : start + x.shape[1]] * weight
        y = x + self.down(F.gelu(self.up(self.norm(y))))
        return y, full[:, x.shape[1] : x.shape[1] + self.past]
