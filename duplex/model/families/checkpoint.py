"""TDM models of any family, from a checkpoint's folder or with random weights.

    model = load_tdm_model("mini")          # a shipped name, a folder, or a hub id

A folder holds the files of `EmbeddedEars`, `EmbeddedMind` and `EmbeddedVoice` (the embedded family), or those of the
papers' families (`duplex.model.families.parts`): safetensors and configuration only. Nothing here depends on
conversations.
"""

import hashlib
from pathlib import Path

import torch

from configs.model.family import FamilyConfig
from configs.model.model import ModelConfig
from duplex.model.families import parts
from duplex.model.layouts.tdm.ears import EmbeddedEars
from duplex.model.layouts.tdm.mind import EmbeddedMind
from duplex.model.layouts.tdm.tdm_model import Parts, TdmModel
from duplex.model.layouts.tdm.voice import EmbeddedVoice
from duplex.model.text.lexicon import Lexicon
from duplex.model.weights.checkpoint_folder import checkpoint_folder, fingerprint


def load_tdm_model(model: str | Path) -> TdmModel:
    """Load a shipped model by name, a checkpoint folder, or a hub repository.

    Raises:
        ConfigError: there is no such model, or its files are missing, broken or do not belong together.
    """
    folder = checkpoint_folder(model)
    if (folder / parts.CONFIG).exists():
        return TdmModel(*parts.load(folder), fingerprint(folder))
    return TdmModel(
        EmbeddedEars.load(folder), EmbeddedMind.load(folder), EmbeddedVoice.load(folder), fingerprint(folder)
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
