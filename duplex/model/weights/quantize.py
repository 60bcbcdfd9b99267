"""Stores weights at a quarter of their size: int8 with one scale per output channel, in safetensors.

Matrices and tensors of higher rank become int8 with float32 scales [rows] under `name + SCALE`; vectors and integers
are unchanged; tensors for which `keep` is True become float16. Rounding is symmetric, with scale max |w| / 127 per row
(as in Jacob et al. 2018, sec. 2.1, with zero point 0).
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

SCALE: Final = ".int8_scale"
_LARGEST: Final = 127

Weights = dict[str, Tensor]


class QuantizeError(ValueError):
    """Weights cannot be packed or read. The message says what, why and how to fix it, in one line."""


def _nothing(name: str) -> bool:
    return False


def pack(state: Mapping[str, Tensor], keep: Callable[[str], bool] = _nothing) -> Weights:
    """Pack a state dict; `keep(name)` True stores a tensor in float16 instead of int8.

    Raises:
        QuantizeError: a tensor holds infinities or NaN, or a name ends like a scale.
    """
    packed: Weights = {}
    for name, value in state.items():
        _check(name, value)
        if not value.is_floating_point() or value.dim() < 2:
            packed[name] = value.detach().clone().contiguous()
        elif keep(name):
            packed[name] = value.detach().to(torch.float16).contiguous()
        else:
            packed[name], packed[name + SCALE] = round_to_int8(value.detach().float())
    return packed


def unpack(packed: Mapping[str, Tensor]) -> Weights:
    """Unpack to a state dict; every floating-point tensor comes back as float32.

    Raises:
        QuantizeError: an int8 matrix has no scales.
    """
    state: Weights = {}
    for name, value in packed.items():
        if name.endswith(SCALE):
            continue
        if value.dtype is torch.int8 and value.dim() > 1:
            state[name] = _restore(name, value, packed)
        else:
            state[name] = value.float() if value.is_floating_point() else value
    return state


def save(
    state: Mapping[str, Tensor],
    path: Path,
    keep: Callable[[str], bool] = _nothing,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Pack `state` and write it to `path` (safetensors)."""
    save_file(pack(state, keep), path, dict(metadata or {}))


def load(path: Path) -> Weights:
    """Load the state dict of a file that `save` wrote.

    Raises:
        QuantizeError: the file is missing, is not safetensors, or lacks scales.
    """
    try:
        return unpack(load_file(path))
    except OSError as error:
        raise QuantizeError(f"{path}: cannot be read ({error.strerror or error}); check the path") from None
    except SafetensorError as error:
        raise QuantizeError(f"{path}: is not a safetensors file ({error}); fetch or export it again") from None


def round_to_int8(value: Tensor) -> tuple[Tensor, Tensor]:
    """Round [rows, ...] to int8 and scales [rows]: value[r] ~ scale[r] int8[r]; a row of zeros has scale 1."""
    largest = value.flatten(1).abs().amax(1)
    scale = torch.where(largest > 0, largest / _LARGEST, torch.ones_like(largest))
    return torch.round(value / _by_row(scale, value)).to(torch.int8), scale


def _restore(name: str, value: Tensor, packed: Mapping[str, Tensor]) -> Tensor:
    if name + SCALE not in packed:
        raise QuantizeError(f"'{name}' is int8 without '{name + SCALE}'; export the weights again")
    return value.float() * _by_row(packed[name + SCALE], value)


def _by_row(scale: Tensor, like: Tensor) -> Tensor:
    return scale.reshape(-1, *[1] * (like.dim() - 1))


def _check(name: str, value: Tensor) -> None:
    if name.endswith(SCALE):
        raise QuantizeError(f"'{name}' ends like a scale; rename the parameter")
    if value.is_floating_point() and not bool(torch.isfinite(value).all()):
        raise QuantizeError(f"'{name}' holds infinities or NaN; the training run that made it has diverged")
