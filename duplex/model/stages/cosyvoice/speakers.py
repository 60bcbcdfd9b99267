"""Loads voices: speaker embeddings (CAM++ x-vectors) by name, from a release's `spk2info.pt` or from safetensors.

This module handles files only.
"""

from pathlib import Path
from pickle import UnpicklingError
from typing import Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from configs.base import ConfigError

_KEY: Final = "embedding"

Speakers = dict[str, Tensor]


def load_speakers(path: Path, size: int) -> Speakers:
    """Load embeddings [size] by name: a `.pt` file that maps names to tensors or to mappings with the key `embedding`,
    or safetensors with one tensor per name.

    Raises:
        ConfigError: the file is missing or broken, or an embedding has the wrong size.
    """
    try:
        values = load_file(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, SafetensorError, UnpicklingError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(f"{path}: is not a readable file of voices ({reason}); check the path") from None
    if not isinstance(values, dict) or not values:
        raise ConfigError(f"{path}: holds no voices by name; take a spk2info.pt of CosyVoice")
    return {str(name): _embedding(value, size, f"{path}: voice '{name}'") for name, value in values.items()}


def _embedding(value: object, size: int, source: str) -> Tensor:
    found = value.get(_KEY) if isinstance(value, dict) else value
    if not isinstance(found, Tensor) or found.numel() != size:
        shape = list(found.shape) if isinstance(found, Tensor) else "missing"
        raise ConfigError(f"{source}: its embedding is {shape}, not {size} numbers; take one made for this model")
    return found.flatten().float()
