"""Builds the parts of Whisper from its weights.

This module handles the names of the weights; it does not depend on their origin or on how the parts are used.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from configs.base import ConfigError
from configs.model.ears import WhisperShape
from duplex.model.stages.precision import choose_product_dtype
from duplex.model.stages.whisper_blocks import AudioEncoder, set_precision

_POSITIONS = "embed_positions.weight"


def load_audio_encoder(
    weights: Mapping[str, Tensor], shape: WhisperShape, dtype: torch.dtype | None = None
) -> AudioEncoder:
    """Build the encoder from `model.encoder.*`; matrix products run in `dtype`; None takes what suits the
    CPU. Positions are computed, not read.

    Raises:
        ConfigError: a weight is missing, unknown or of another shape.
    """
    encoder = AudioEncoder(shape)
    part = {name: value for name, value in _part(weights, "model.encoder.").items() if name != _POSITIONS}
    fill(encoder, part, "Whisper's encoder")
    set_precision(encoder, dtype or choose_product_dtype())
    return encoder.eval()


def fill(module: nn.Module, weights: Mapping[str, Tensor], name: str) -> None:
    """Copy every weight into `module`.

    Raises:
        ConfigError: a weight is missing, unknown or of another shape.
    """
    try:
        module.load_state_dict({key: value.float() for key, value in weights.items()}, strict=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise ConfigError(f"the weights do not fit {name}: {reason}; convert them again") from None
    module.requires_grad_(False)


def _part(weights: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in weights.items() if key.startswith(prefix)}
