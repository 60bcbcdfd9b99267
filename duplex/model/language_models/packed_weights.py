"""Language models whose weights were rounded to 4 bits, as a GGUF file's (Q4_0, Q4_1), keep them so on CPUs.

An answer is written token by token, and each token reads all weights: in 4 bits they are an eighth of the memory
traffic of float32, which the voice beside it needs as well. Knows layers of torch; knows no files or conversations.
"""

from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from duplex.model.stages.matrices import Matrix
from duplex.model.weights.quantize import round_to_int8

BLOCK: Final = 32
"""Weights that share a step and an offset, in all formats of GGUF with 4 bits."""
_STEPS: Final = 15
_MIDDLE: Final = 8
_OUTPUTS: Final = 16
"""torch packs so many outputs together."""
_MANY_ROWS: Final = 16
"""Above so many rows, products with whole weights are faster."""
_CLOSE: Final = 0.01
"""How far a weight may lie from the grid, in steps: float16 steps and offsets leave 1e-3."""
_CAPABLE: Final = ("AVX2", "AVX512")
"""What torch must have found in the CPU for its 4-bit products to be fast."""


class FourBitLinear(nn.Module):
    """y = x W^T + b with W [out, in] on a grid of 4 bits. Few rows meet it in bfloat16, many rows the whole weights."""

    packed: Tensor
    grids: Tensor

    def __init__(self, linear: nn.Linear, steps: Tensor, grids: Tensor) -> None:
        """`steps` and `grids`: of `find_grid`. The weights of `linear` are kept for many rows."""
        super().__init__()
        self.weight, self.bias = linear.weight, linear.bias
        self.register_buffer("packed", torch._convert_weight_to_int4pack_for_cpu(steps, 1))
        self.register_buffer("grids", grids.transpose(0, 1).to(torch.bfloat16).contiguous())

    def forward(self, x: Tensor) -> Tensor:
        """x [..., in] -> [..., out], in the dtype of x."""
        rows = x.reshape(-1, x.shape[-1])
        if len(rows) > _MANY_ROWS:
            return F.linear(x, self.weight, self.bias)
        y = torch._weight_int4pack_mm_for_cpu(rows.to(torch.bfloat16), self.packed, BLOCK, self.grids)
        y = y.to(x.dtype) if self.bias is None else y.to(x.dtype) + self.bias
        return y.reshape(*x.shape[:-1], -1)


class EightBitLinear(nn.Module):
    """y = x W^T + b with W [out, in] rounded to 8 bits, one scale per output; for few rows."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.weight, self.bias = linear.weight, linear.bias
        self._matrix = Matrix(*round_to_int8(linear.weight), linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        """x [..., in] -> [..., out], in the dtype of x."""
        y: Tensor = self._matrix(x.reshape(-1, x.shape[-1]).float())
        return y.to(x.dtype).reshape(*x.shape[:-1], -1)


def is_fast() -> bool:
    """Whether this CPU multiplies weights of 4 bits faster than float32."""
    return torch.backends.cpu.get_cpu_capability() in _CAPABLE


def pack_weights(model: Any) -> None:
    """Replace the linear layers of a language model whose weights lie on a grid of 4 bits. If there are any, its output
    layer is rounded to 8 bits.

    Args:
        model: transformers' model, with float32 weights on the CPU.
    """
    linears = [(parent, name, layer) for parent in model.modules() for name, layer in _linears(parent)]
    output = model.get_output_embeddings()
    found = False
    for parent, name, layer in linears:
        if (grid := find_grid(layer.weight)) is not None:
            setattr(parent, name, FourBitLinear(layer, *grid))
            found = True
    if found and isinstance(output, nn.Linear) and model.get_output_embeddings() is output:
        model.set_output_embeddings(EightBitLinear(output))


def find_grid(weight: Tensor) -> tuple[Tensor, Tensor] | None:
    """The grid on which weights [out, in] lie: steps [out, in] from 0 to 15 (int32), and for each block of 32 its step
    and its middle [out, in / 32, 2], so that weight = (steps - 8) step + middle; None if they lie on none.
    """
    outputs, inputs = weight.shape
    if outputs % _OUTPUTS or inputs % BLOCK or (outputs > _OUTPUTS and find_grid(weight[:_OUTPUTS]) is None):
        return None
    blocks = weight.detach().float().reshape(outputs, -1, BLOCK)
    for find in (_of_ends, _of_largest):
        step, middle = find(blocks)
        places = (blocks - middle[..., None]).mul_(torch.where(step == 0, 1.0, 1 / step)[..., None]).add_(_MIDDLE + 0.5)
        steps = places.to(torch.int32)
        least, largest = torch.aminmax(places.frac_())
        if least > 0.5 - _CLOSE and largest < 0.5 + _CLOSE and steps.max() <= _STEPS:
            return steps.reshape(outputs, inputs), torch.stack([step, middle], -1)
    return None


def _of_ends(blocks: Tensor) -> tuple[Tensor, Tensor]:
    """Step and middle of Q4_1: the least weight of a block is step 0, the largest step 15."""
    least = blocks.amin(-1)
    step = (blocks.amax(-1) - least) / _STEPS
    return step, least + _MIDDLE * step


def _of_largest(blocks: Tensor) -> tuple[Tensor, Tensor]:
    """Step and middle of Q4_0: the weight of the largest magnitude is step 0, zero is step 8."""
    largest = blocks.gather(-1, blocks.abs().argmax(-1, keepdim=True)).squeeze(-1)
    return largest / -_MIDDLE, torch.zeros_like(largest)


def _linears(parent: nn.Module) -> list[tuple[str, nn.Linear]]:
    return [(name, layer) for name, layer in parent.named_children() if type(layer) is nn.Linear]
