"""Matrix products with int8 weights: a quarter of the memory traffic, which determines the speed for a single row.

The packing is that of `duplex.model.weights.quantize`. Nothing here depends on models.
"""

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from duplex.model.stages.precision import choose_product_dtype
from duplex.model.weights.quantize import SCALE

_MANY_ROWS: Final = 16
"""From this many rows on, the product is limited by arithmetic, and widening the weights once is faster."""


class Matrix(nn.Module):
    """y = x W^T + b with W [out, in] as int8 and one scale per output, or as float32."""

    weight: Tensor
    scale: Tensor | None
    bias: Tensor | None

    def __init__(self, weight: Tensor, scale: Tensor | None, bias: Tensor | None) -> None:
        super().__init__()
        self.register_buffer("weight", weight.contiguous())
        self.register_buffer("scale", None if scale is None else scale.to(torch.bfloat16))
        self.register_buffer("bias", bias)

    def forward(self, x: Tensor) -> Tensor:
        """x [N, in] -> [N, out] float32; int8 weights meet x in bfloat16, or for many rows in what suits the CPU."""
        if self.scale is None:
            return F.linear(x, self.weight, self.bias)
        if len(x) > _MANY_ROWS:
            dtype = choose_product_dtype()
            y = F.linear(x.to(dtype), self.weight.to(dtype)).float() * self.scale.float()
        else:
            y = torch._weight_int8pack_mm(x.to(torch.bfloat16), self.weight, self.scale).float()
        return y if self.bias is None else y + self.bias


def matrix(weights: Mapping[str, Tensor], *names: str) -> Matrix:
    """Make one matrix from the packed or plain weights `names`, with their outputs concatenated.

    A name stands for `name.weight` and `name.bias`; a missing bias counts as zeros.
    """
    weight = torch.cat([weights[f"{name}.weight"] for name in names])
    scales = [weights[f"{name}.weight{SCALE}"] for name in names if f"{name}.weight{SCALE}" in weights]
    biases = [_bias(weights, name) for name in names]
    has_bias = any(f"{name}.bias" in weights for name in names)
    return Matrix(weight, torch.cat(scales) if scales else None, torch.cat(biases) if has_bias else None)


def _bias(weights: Mapping[str, Tensor], name: str) -> Tensor:
    rows = weights[f"{name}.weight"].shape[0]
    return weights.get(f"{name}.bias", torch.zeros(rows)).float()
