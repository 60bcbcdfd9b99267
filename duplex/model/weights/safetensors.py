"""Tensors of one safetensors file, for checkpoints that are small enough to be read at once. Knows files only."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from configs.base import ConfigError


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Tensors by name; usable outside inference mode too.

    Raises:
        ConfigError: the file is missing or broken.
    """
    try:
        with torch.inference_mode(False):
            return load_file(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror or error}); check the path") from None
    except SafetensorError as error:
        raise ConfigError(f"{path}: is not a safetensors file ({error}); fetch or export it again") from None
