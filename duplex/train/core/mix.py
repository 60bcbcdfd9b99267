"""Averages the weights of several cores that were trained one from another (model soups, Wortsman et al. 2022; for two
cores, DrVoice's Core-Cocktail merge M_r = alpha M_1 + (1 - alpha) M_0).

This module handles files of weights, whatever they contain.
"""

from collections.abc import Sequence
from math import isclose
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from configs.base import ConfigError


def run(weights: Sequence[Path], shares: Sequence[float], out: Path) -> None:
    """Write the weighted average, the sum of share_i * M_i, to `out` (Wortsman et al. 2022; Core-Cocktail in DrVoice).

    Args:
        weights: files of cores of one shape.
        shares: share of each file, with a sum of 1; empty for equal shares.
        out: the file to write.

    Raises:
        ConfigError: a file is missing, they differ in shape, or the shares do not fit.
    """
    shares = shares or [1 / len(weights)] * len(weights)
    if len(shares) != len(weights) or not isclose(sum(shares), 1.0):
        raise ConfigError(
            f"{len(weights)} files and the shares {list(shares)}: give one share per file, with a sum of 1"
        )
    if missing := [path for path in weights if not path.exists()]:
        raise ConfigError(f"{missing[0]}: no trained core; run 'duplex train core' first")
    cores = [load_file(path) for path in weights]
    shapes = [{name: tensor.shape for name, tensor in core.items()} for core in cores]
    for path, shape in zip(weights, shapes, strict=True):
        if shape != shapes[0]:
            raise ConfigError(
                f"{path} has a core of another shape than {weights[0]}; mix cores of one line of training"
            )
    mixed = {
        name: torch.stack([share * core[name].float() for share, core in zip(shares, cores, strict=True)]).sum(0)
        for name in shapes[0]
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.to(cores[0][name].dtype) for name, tensor in mixed.items()}, out)
