"""A small causal network from encoder features to spelling, with a class for every word piece and a blank class.

Its outputs are those of connectionist temporal classification (Graves et al. 2006). A piece that ends a word ends with
a space, so the pieces in sequence are the text. Nothing here depends on words or conversations.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from string import ascii_lowercase
from typing import Final

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from configs.base import ConfigError
from configs.model.ears import CtcConfig
from duplex.io.whole_files import parse_json
from duplex.model.stages.convolution import ConvBlock
from duplex.model.weights.quantize import save, unpack

BLANK: Final = 0
"""The blank class; piece k of the vocabulary has class k + 1."""
LETTERS: Final = (" ", "'", *ascii_lowercase)

_PIECES: Final = "pieces"

Past = list[Tensor]


class CtcNetwork(nn.Module):
    """Maps features [B, T, D] to CTC logits [B, T / stride, pieces + 1] (Graves et al. 2006)."""

    def __init__(self, config: CtcConfig, feature_dim: int, pieces: Sequence[str]) -> None:
        super().__init__()
        self.config = config
        self.pieces = tuple(pieces)
        self.inward = nn.Sequential(nn.LayerNorm(feature_dim), nn.Linear(feature_dim, config.width))
        self.join = nn.Linear(config.stride * config.width, config.width)
        self.blocks = nn.ModuleList(
            ConvBlock(config.width, config.inner, config.kernel, dilation) for dilation in config.dilations
        )
        self.norm = nn.LayerNorm(config.width)
        self.outward = nn.Linear(config.width, len(self.pieces) + 1)

    def forward(self, features: Tensor, past: Past | None = None) -> tuple[Tensor, Past]:
        """Logits, and the past for the next call; without `past` the conversation begins."""
        hidden, after = self.compute_hidden(features, past)
        return self.outward(hidden), after

    def compute_hidden(self, features: Tensor, past: Past | None = None) -> tuple[Tensor, Past]:
        """Input [B, T / stride, width] of the output layer, and the past for the next call."""
        assert features.shape[1] % self.config.stride == 0, f"frames must fill whole steps, not {features.shape}"
        x = self.join(nn.functional.gelu(self.inward(features)).unflatten(1, (-1, self.config.stride)).flatten(2))
        after: Past = []
        for index, block in enumerate(self.blocks):
            x, kept = block(x, None if past is None else past[index])
            after.append(kept)
        return self.norm(x), after

    def rest(self, batch: int) -> Past:
        """The past at the beginning of `batch` conversations."""
        blocks = [block for block in self.blocks if isinstance(block, ConvBlock)]
        return [torch.zeros(batch, block.past, block.width) for block in blocks]


def save_ctc(network: CtcNetwork, path: Path) -> None:
    """Write weights (int8) and pieces to one safetensors file."""
    save(network.state_dict(), path, metadata={_PIECES: json.dumps(network.pieces)})


def load_ctc(config: CtcConfig, feature_dim: int, path: Path) -> CtcNetwork:
    """The network that `save_ctc` wrote, ready to run.

    Raises:
        ConfigError: the file is missing, is of another kind, or does not fit `config`.
    """
    try:
        with torch.inference_mode(False), safe_open(path, "pt") as file:
            pieces = parse_json((file.metadata() or {})[_PIECES])
            weights = unpack({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118 (not a mapping)
    except OSError as error:
        hint = "make it with 'duplex train ctc', or choose another words.source"
        raise ConfigError(f"{path}: cannot be read ({error.strerror or error}); {hint}") from None
    except (SafetensorError, KeyError, ValueError) as error:
        raise ConfigError(f"{path}: holds no CTC ears ({error}); make it with 'duplex train ctc'") from None
    network = CtcNetwork(config, feature_dim, pieces)
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise ConfigError(f"{path} does not fit words.ctc: {reason}; make both together") from None
    return network.eval().requires_grad_(False)
