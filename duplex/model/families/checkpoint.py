"""TDM models of any family, from a checkpoint's folder or with random weights.

    model = load_tdm_model("mini")          # a shipped name, a folder, or a hub id

A folder holds the files of `EmbeddedEars`, `EmbeddedMind` and `EmbeddedVoice` (the embedded family), or those of the
papers' families (`duplex.model.families.parts`): safetensors and configuration only. Nothing here depends on
conversations.
"""

import hashlib
from pathlib import Path
from typing import Final

import torch

from configs.base import ConfigError
from configs.model.family import FamilyConfig
from configs.model.model import ModelConfig
from duplex.model.families import parts
from duplex.model.layouts.tdm import ears, mind, voice
from duplex.model.layouts.tdm.ears import EmbeddedEars
from duplex.model.layouts.tdm.mind import EmbeddedMind
from duplex.model.layouts.tdm.packing import pack
from duplex.model.layouts.tdm.tdm_model import Parts, TdmModel
from duplex.model.layouts.tdm.voice import EmbeddedVoice
from duplex.model.stages.packed_linear import is_supported
from duplex.model.text.lexicon import Lexicon
from duplex.model.weights.checkpoint_folder import checkpoint_folder, fingerprint

_EMBEDDED: Final = (ears.CONFIG, mind.CONFIG, voice.CONFIG)
"""By these files a model of the embedded family is known."""


def load_tdm_model(model: str | Path) -> TdmModel:
    """Load a shipped model by name, a checkpoint folder, or a hub repository, for inference (`packing`).

    Raises:
        ConfigError: there is no such model, or its files are missing, broken or do not belong together.
    """
    folder = checkpoint_folder(model)
    _check_kind(folder)
    if (folder / parts.CONFIG).exists():
        return TdmModel(*parts.load(folder), fingerprint(folder))
    own_ears = EmbeddedEars.load(folder, dtype=torch.float32 if is_supported() else None)
    own_mind, own_voice = EmbeddedMind.load(folder), EmbeddedVoice.load(folder)
    return TdmModel(own_ears, pack(own_ears, own_mind, own_voice), own_voice, fingerprint(folder))


def _check_kind(folder: Path) -> None:
    """Check that a folder is one of a model, complete or not.

    Raises:
        ConfigError: it has none of the files by which a model is known.
    """
    if not any((folder / name).exists() for name in (*_EMBEDDED, parts.CONFIG)):
        raise ConfigError(
            f"{folder}: is not the folder of a model; it has neither {', '.join(_EMBEDDED)}, nor {parts.CONFIG}, nor "
            "the config.json of Fun-Audio-Chat; choose another one with --model"
        )


def random_tdm_model(config: ModelConfig | FamilyConfig, seed: int = 0) -> TdmModel:
    """Make a model with random weights and a toy vocabulary, for tests."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made: Parts = _make_embedded(config) if isinstance(config, ModelConfig) else parts.fresh(config)
    said = f"{config.to_yaml()}{seed}"
    return TdmModel(*made, hashlib.sha256(said.encode()).hexdigest()[:16])


def _make_embedded(config: ModelConfig) -> Parts:
    return (
        EmbeddedEars.fresh(config.ears),
        EmbeddedMind.fresh(config.mind),
        EmbeddedVoice.fresh(config.voice, Lexicon({})),
    )
