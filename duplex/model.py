"""A whole model: the stages and tables of one member of the family, ready to run. Holds no conversation.

    model = DuplexModel.from_pretrained("mini")          # a shipped name, a folder, or a hub id

A checkpoint folder holds the files of `Ears`, `Mind` and `Voice`, safetensors and configuration only.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Self

import torch
from torch import Tensor

from configs.base import ConfigError
from configs.model import MindConfig, ModelConfig
from duplex.core import Core
from duplex.ears import Ears
from duplex.mind import Mind
from duplex.stages.detokenizer import Detokenizer
from duplex.stages.encoder import SpeechEncoder
from duplex.stages.srh import SpeechRefinedHead
from duplex.stages.words import WordSource
from duplex.text.lexicon import Lexicon
from duplex.text.tokenizer import TextTokenizer
from duplex.text.truecase import Truecase
from duplex.voice import Voice

SHIPPED: Final = Path(__file__).parent / "pretrained"
"""Folder of the models that lie in this package, by name."""


@dataclass(frozen=True)
class DuplexModel:
    """Ears, mind and voice. `fingerprint` identifies weights and configuration; a replay needs the same one."""

    ears: Ears
    mind: Mind
    voice: Voice
    fingerprint: str

    @classmethod
    def from_pretrained(cls, model: str | Path) -> Self:
        """Load a shipped model by name, a checkpoint folder, or a repository of the hub.

        Raises:
            ConfigError: there is no such model, or its files are missing, broken or do not belong together.
        """
        folder = checkpoint_folder(model)
        return cls(Ears.load(folder), Mind.load(folder), Voice.load(folder), fingerprint(folder))

    @classmethod
    def random(cls, config: ModelConfig, seed: int = 0) -> Self:
        """A model with random weights and a toy vocabulary, for tests."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            parts = Ears.fresh(config.ears), Mind.fresh(config.mind), Voice.fresh(config.voice, Lexicon({}))
        said = f"{config.to_yaml()}{seed}"
        return cls(*parts, hashlib.sha256(said.encode()).hexdigest()[:16])

    @property
    def config(self) -> MindConfig:
        """Schedule, prompt and rows of a step."""
        return self.mind.config

    @property
    def encoder(self) -> SpeechEncoder:
        """User audio -> features."""
        return self.ears.encoder

    @property
    def words(self) -> WordSource:
        """User audio -> words that became known."""
        return self.ears.words

    @property
    def core(self) -> Core:
        """Features, words and the assistant's own past -> state, text, hidden vector."""
        return self.mind.core

    @property
    def tokenizer(self) -> TextTokenizer:
        """Text ids of both sides."""
        return self.mind.tokenizer

    @cached_property
    def refusal_id(self) -> int | None:
        """First text id of the model's refusal, None where it has none."""
        ids = self.tokenizer.encode(self.config.refusal)
        return ids[0] if ids else None

    def cautious(self, logits: Tensor) -> Tensor:
        """Logits [..., V] of an answer's first token, with the model's bias towards its refusal."""
        if self.refusal_id is None or not self.config.refusal_bias:
            return logits
        bias = logits.new_tensor([self.config.refusal_bias])
        return logits.index_add(-1, torch.tensor([self.refusal_id]), bias.expand(*logits.shape[:-1], 1))

    @property
    def truecase(self) -> Truecase:
        """Case of the assistant's captions."""
        return self.mind.truecase

    @property
    def srh(self) -> SpeechRefinedHead:
        """Finished words and hidden vector -> speech tokens."""
        return self.voice.head

    @property
    def detokenizer(self) -> Detokenizer:
        """Speech tokens -> audio."""
        return self.voice.detokenizer


def checkpoint_folder(model: str | Path) -> Path:
    """Folder of a shipped name, an existing folder, or a downloaded hub repository ("owner/name").

    Raises:
        ConfigError: it is none of these, or the hub could not give it.
    """
    if (SHIPPED / model).is_dir():
        return SHIPPED / model
    if Path(model).is_dir():
        return Path(model)
    if str(model).count("/") != 1:
        shipped = ", ".join(sorted(path.name for path in SHIPPED.iterdir() if path.is_dir())) or "none"
        raise ConfigError(
            f"no model '{model}': not a folder, not owner/name of a hub, not shipped (shipped: {shipped})"
        )
    return _from_hub(str(model))


def fingerprint(folder: Path) -> str:
    """First 16 hex digits of the sha256 over all files of a checkpoint folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.suffix != ".md":
            digest.update(path.name.encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _from_hub(repository: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(repository))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(
            f"the hub did not give '{repository}' ({reason}); check the name, the network or HF_TOKEN"
        ) from None
