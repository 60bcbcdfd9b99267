"""Reads all tensors of a safetensors file, for checkpoints that are small enough to be read at once."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from configs.base import ConfigError


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read tensors by name; they can also be used outside inference mode.

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
