"""Linear layers and convolutions with weights of half the size, in which a row's result depends on no other row.

How fast weights are read determines the speed of a step. FBGEMM, torch's library for x86 CPUs, multiplies float32 rows
by float16 weights; weights that were rounded to int8 (`duplex.model.weights.quantize`) are whole numbers, which float16
holds exactly, so nothing more is rounded. Its kernels add in the same order for most numbers of rows. Which ones those
are is measured, rows are filled up to such a number, and so a conversation has the same bits whoever shares its steps.
Nothing here depends on models.
"""

from functools import cache
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from duplex.model.stages.precision import choose_product_dtype
from duplex.model.weights.quantize import round_to_int8

_MANY_ROWS: Final = 96
"""From this many rows on (whole clips), the product is limited by arithmetic, and widened weights are faster; whole
numbers are exact in bfloat16 too."""
_AT_ONCE: Final = 24
_CLOSE: Final = 1e-6
"""How far a weight may lie from whole numbers times its row's scale, of that row's largest weight: float32 rounding."""
_FLAT: Final = 2
_OUT, _IN = 40, 531
"""Shape of the matrix that numbers of rows are measured with; neither is a multiple of what a kernel takes at once."""


class PackedLinear(nn.Module):
    """y = (x Q^T) scale + b with Q [out, in] in float16; for inference."""

    whole: Tensor
    scale: Tensor | None
    bias: Tensor | None

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        """`weight` [out, in] float32, of which `is_packable` is True."""
        super().__init__()
        whole, scale = _on_grid(weight)
        self.register_buffer("whole", whole)
        self.register_buffer("scale", scale)
        self.register_buffer("bias", None if bias is None else bias.detach().float())
        self._packed = torch.ops.quantized.linear_prepack_fp16(whole.float(), None)
        self._product = torch.ops.quantized.linear_dynamic_fp16.default

    def forward(self, x: Tensor) -> Tensor:
        """x [..., in] float32 -> [..., out]."""
        shape = x.shape
        rows = x if len(shape) == _FLAT else x.reshape(-1, shape[-1])
        y = self._multiply(rows)
        if self.scale is not None and self.bias is not None:
            y = torch.addcmul(self.bias, y, self.scale)
        elif self.scale is not None:
            y = y * self.scale
        elif self.bias is not None:
            y = y + self.bias
        return y if len(shape) == _FLAT else y.view(*shape[:-1], -1)

    def _multiply(self, rows: Tensor) -> Tensor:
        count = rows.shape[0]
        if count > _MANY_ROWS:
            dtype = choose_product_dtype() if self.scale is not None else rows.dtype
            return F.linear(rows.to(dtype), self.whole.to(dtype)).float()
        if count > _AT_ONCE:
            return torch.cat([self._multiply(part) for part in rows.split(_AT_ONCE)])
        fill = _fills()[count]
        if fill:
            rows = torch.constant_pad_nd(rows, (0, 0, 0, fill))
        y: Tensor = self._product(rows, self._packed)
        return y[:count] if fill else y


class PackedConv(nn.Module):
    """A convolution over time as a `PackedLinear` on windows; for inference."""

    def __init__(self, conv: nn.Conv1d) -> None:
        super().__init__()
        (self._kernel,), (self._stride,) = conv.kernel_size, conv.stride
        self.linear = PackedLinear(conv.weight.detach().flatten(1), conv.bias)

    def forward(self, x: Tensor, padding: int) -> Tensor:
        """x [B, in, T] -> [B, out, T'], with `padding` zeros on each side."""
        windows = F.pad(x, (padding, padding)).unfold(2, self._kernel, self._stride)
        y: Tensor = self.linear(windows.transpose(1, 2).flatten(2))
        return y.transpose(1, 2)


def is_supported() -> bool:
    """Whether this CPU and this torch multiply packed weights."""
    return "fbgemm" in torch.backends.quantized.supported_engines


def has_equal_rows() -> bool:
    """Whether a row's result depends on no other row here, bit for bit."""
    return is_supported() and bool(_equal_counts())


def is_packable(weight: Tensor) -> bool:
    """Whether float32 weights [out, ...] were made from int8 or float16, so that packing them is exact."""
    return weight.dtype is torch.float32 and weight.device.type == "cpu" and _find_grid(weight) is not None


def pack_linears(module: nn.Module) -> bool:
    """Replace the linear layers and convolutions over time inside `module` that can be packed; returns whether all
    of them were."""
    complete = True
    for name, layer in list(module.named_children()):
        if isinstance(layer, nn.Linear | nn.Conv1d):
            if is_packable(layer.weight) and (isinstance(layer, nn.Linear) or _is_plain(layer)):
                packed = PackedConv(layer) if isinstance(layer, nn.Conv1d) else PackedLinear(layer.weight, layer.bias)
                setattr(module, name, packed)
            else:
                complete = False
        elif not isinstance(layer, PackedLinear | PackedConv):
            complete &= pack_linears(layer)
    return complete


def match_dtype(x: Tensor, layer: nn.Module) -> Tensor:
    """Convert x to the data type in which a linear layer or convolution, packed or not, computes."""
    weight = getattr(layer, "weight", None)
    return x.float() if weight is None else x.to(weight.dtype)


def _is_plain(conv: nn.Conv1d) -> bool:
    return (conv.padding, conv.dilation, conv.groups) == ((0,), (1,), 1)


def _on_grid(weight: Tensor) -> tuple[Tensor, Tensor | None]:
    grid = _find_grid(weight)
    assert grid is not None, "check is_packable first"
    return grid


@torch.no_grad()
def _find_grid(weight: Tensor) -> tuple[Tensor, Tensor | None] | None:
    """Whole numbers (int8) and scales [out], or the weights as float16 and None; None if they are neither."""
    weight = weight.detach()
    whole, scale = round_to_int8(weight.flatten(1))
    largest = weight.flatten(1).abs().amax(1, keepdim=True)
    if bool(((whole.float() * scale[:, None] - weight.flatten(1)).abs() <= _CLOSE * largest).all()):
        return whole, scale
    half = weight.to(torch.float16)
    return (half, None) if torch.equal(half.float(), weight) else None


@cache
def _fills() -> tuple[int, ...]:
    """How many rows are to be added to 0, 1, ... `_AT_ONCE` rows, so that the results are those of any other number."""
    return tuple(
        next((size for size in _equal_counts() if size >= count), count) - count for count in range(_AT_ONCE + 1)
    )


@cache
def _equal_counts() -> tuple[int, ...]:
    """Numbers of rows up to `_AT_ONCE` with which every row has the bits that it has among `_AT_ONCE`; empty if even
    its place among those matters."""
    draw = torch.Generator().manual_seed(0)
    packed = torch.ops.quantized.linear_prepack_fp16(torch.randn(_OUT, _IN, generator=draw), None)
    rows = torch.randn(_AT_ONCE, _IN, generator=draw)
    full = torch.ops.quantized.linear_dynamic_fp16(rows, packed)
    turned = torch.ops.quantized.linear_dynamic_fp16(rows.roll(1, 0), packed).roll(-1, 0)
    if not torch.equal(full, turned):
        return ()
    counts = range(1, _AT_ONCE + 1)
    return tuple(
        count
        for count in counts
        if torch.equal(torch.ops.quantized.linear_dynamic_fp16(rows[:count], packed), full[:count])
    )
