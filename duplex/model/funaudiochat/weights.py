"""Loads the weights of a checkpoint folder from safetensors shards into a network, without a second copy in memory.

Before anything is read, the shards' headers are compared with what the network needs; then every tensor goes directly
to the device and data type wanted. Nothing here depends on configurations.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from configs.base import ConfigError
from duplex.io.whole_files import parse_json, write_text
from duplex.model.funaudiochat.keys import ParameterSlice, place_of

SINGLE: Final = "model.safetensors"
INDEX: Final = "model.safetensors.index.json"
_SHARD_BYTES: Final = 4 * 2**30
_SHOWN: Final = 3

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Shards:
    """Files of a checkpoint, and the shape of every tensor in each."""

    tensors: dict[Path, dict[str, Shape]]

    @classmethod
    def of(cls, folder: Path) -> Self:
        """Read the headers.

        Raises:
            ConfigError: there are no weights, or a shard is missing, truncated or not safetensors.
        """
        return cls({path: _header(path) for path in _files(folder)})

    def check(self, network: nn.Module) -> None:
        """Compare with what a network needs.

        Raises:
            ConfigError: tensors are missing, unexpected or have the wrong shape; the first few are named.
        """
        needed = {name: tuple(value.shape) for name, value in network.state_dict().items()}
        unexpected, wrong, pieces = [], [], dict.fromkeys(needed, 0)
        for key, shape, place in self._place():
            wanted = needed.get(place.parameter)
            if wanted is None:
                unexpected.append(key)
            elif _piece_shape(wanted, place) != shape:
                wrong.append(f"{key} is {list(shape)}, not {list(_piece_shape(wanted, place))}")
            else:
                pieces[place.parameter] += _numel(shape)
        missing = [name for name, shape in needed.items() if pieces[name] != _numel(shape)]
        folder = next(iter(self.tensors)).parent
        for what, names in (("unexpected", unexpected), ("of another shape", wrong), ("missing or not whole", missing)):
            if names:
                more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
                raise ConfigError(
                    f"{folder}: weights {what}: {', '.join(names[:_SHOWN])}{more}; they do not belong to the "
                    "configuration beside them, fetch both again"
                )

    def fill(self, network: nn.Module, device: torch.device, dtype: torch.dtype) -> None:
        """Give every parameter of a network (on the meta device) its values.

        Raises:
            ConfigError: a shard cannot be read completely.
        """
        for path, tensors in self.tensors.items():
            try:
                with safe_open(path, framework="pt", device=str(device)) as shard:
                    for key in tensors:
                        place = place_of(key)
                        if place is not None:
                            _put(network, place, shard.get_tensor(key), dtype)
            except (SafetensorError, OSError) as error:
                raise ConfigError(_describe_damage(path, error)) from None

    def _place(self) -> Iterator[tuple[str, Shape, ParameterSlice]]:
        for tensors in self.tensors.values():
            for key, shape in tensors.items():
                place = place_of(key)
                if place is not None:
                    yield key, shape, place


def save_weights(network: nn.Module, folder: Path, shard_bytes: int = _SHARD_BYTES) -> None:
    """Write all parameters under our names, in as many shards as needed."""
    shards: list[dict[str, Tensor]] = [{}]
    size = 0
    for name, value in network.state_dict().items():
        room = value.numel() * value.element_size()
        if shards[-1] and size + room > shard_bytes:
            shards.append({})
            size = 0
        shards[-1][name] = value.contiguous()
        size += room
    names = [SINGLE]
    if len(shards) > 1:
        names = [f"model-{index:05d}-of-{len(shards):05d}.safetensors" for index in range(1, len(shards) + 1)]
        index = {key: file for file, shard in zip(names, shards, strict=True) for key in shard}
        write_text(folder / INDEX, json.dumps({"weight_map": index}, indent=1) + "\n")
    for file, shard in zip(names, shards, strict=True):
        save_file(shard, folder / file, {"format": "pt"})


def _files(folder: Path) -> list[Path]:
    index = folder / INDEX
    if not index.exists():
        if not (folder / SINGLE).exists():
            raise ConfigError(f"{folder}: has neither {INDEX} nor {SINGLE}; fetch the weights")
        return [folder / SINGLE]
    try:
        names = sorted(set(parse_json(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise ConfigError(f"{index}: is not an index of shards ({type(error).__name__}); fetch it again") from None
    absent = [name for name in names if not (folder / name).exists()]
    if absent:
        raise ConfigError(f"{folder}: {len(absent)} of {len(names)} shards are missing: {absent[0]}; fetch them")
    return [folder / name for name in names]


def _header(path: Path) -> dict[str, Shape]:
    try:
        with safe_open(path, framework="pt") as shard:
            return {key: tuple(shard.get_slice(key).get_shape()) for key in shard.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ConfigError(_describe_damage(path, error)) from None


def _describe_damage(path: Path, error: Exception) -> str:
    return f"{path}: is cut short or damaged ({' '.join(str(error).split())}); fetch it again"


def _piece_shape(whole: Shape, place: ParameterSlice) -> Shape:
    if place.expert is None:
        return whole
    rows = whole[1] if place.part == "whole" else whole[1] // 2
    return (rows, *whole[2:])


def _numel(shape: Shape) -> int:
    return torch.Size(shape).numel()


def _put(network: nn.Module, place: ParameterSlice, value: Tensor, dtype: torch.dtype) -> None:
    module_name, _, name = place.parameter.rpartition(".")
    module = network.get_submodule(module_name)
    if place.expert is None:
        setattr(module, name, nn.Parameter(value.to(dtype), requires_grad=False))
        return
    whole = getattr(module, name)
    if whole.is_meta:
        whole = nn.Parameter(torch.empty(whole.shape, dtype=dtype, device=value.device), requires_grad=False)
        setattr(module, name, whole)
    half = whole.shape[1] // 2
    rows = {"whole": slice(None), "first half": slice(half), "second half": slice(half, None)}[place.part]
    whole[place.expert, rows] = value
