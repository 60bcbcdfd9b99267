"""The recipe `duplex train mind`: writes the trained mind as it ships, weights and text tables in one folder."""

from pathlib import Path

from safetensors.torch import load_model

from configs.base import ConfigError
from configs.model.model import MindConfig
from duplex.model.layouts.tdm.core import Core
from duplex.model.layouts.tdm.mind import TOKENIZER, TRUECASE, EmbeddedMind
from duplex.model.text.tokenizer import TextTokenizer
from duplex.model.text.truecase import Truecase


def run(config: MindConfig, weights: Path, vocabulary: Path, out: Path) -> None:
    """Write `mind.yaml`, `core.safetensors`, the tokenizer and the truecasing table to `out`.

    Raises:
        ConfigError: there are no trained weights, or the vocabulary is missing.
    """
    if not weights.exists():
        raise ConfigError(f"{weights}: no trained core; run 'duplex train core' first")
    core = Core(config.core)
    load_model(core, str(weights))
    tokenizer = TextTokenizer.from_file(vocabulary / TOKENIZER, config.text)
    EmbeddedMind(config, core.eval(), tokenizer, Truecase.from_file(vocabulary / TRUECASE)).save(out)
