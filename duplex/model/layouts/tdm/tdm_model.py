"""A whole model: the stages and tables of one member of the family, ready to run. Holds no conversation.

    model = TdmModel.from_pretrained("mini")          # a shipped name, a folder, or a hub id

A checkpoint folder holds the files of `Ears`, `Mind` and `Voice`, or those of the papers' families
(`duplex.model.families.parts`): safetensors and configuration only.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Protocol, Self

import torch
from torch import Tensor

from configs.base import ConfigError
from configs.model.family import FamilyConfig
from configs.model.model import ModelConfig, ThinkingConfig
from duplex.model.families import parts as families
from duplex.model.layouts.tdm.core import Core
from duplex.model.layouts.tdm.ears import Ears
from duplex.model.layouts.tdm.mind import Mind
from duplex.model.layouts.tdm.voice import Voice
from duplex.model.layouts.tdm.writing import Moment, TextIds, Writing
from duplex.model.stages.detokenizer import Mouth
from duplex.model.stages.srh import RefinedHead
from duplex.model.stages.streaming import Stage
from duplex.model.stages.words import WordSource
from duplex.model.text.lexicon import Lexicon
from duplex.model.weights.hub import folder_of, is_hub_id

SHIPPED: Final = Path(__file__).parents[3] / "pretrained"
"""Folder of the models that lie in this package, by name."""


class Hearing(Protocol):
    """The ears of any family."""

    @property
    def encoder(self) -> Stage[Tensor, Tensor, Any]:
        """User audio -> features, or tokens of the user's speech."""
        ...

    @property
    def words(self) -> WordSource:
        """User audio -> words that became known."""
        ...


class Thinking(Protocol):
    """The mind of any family."""

    @property
    def config(self) -> ThinkingConfig:
        """Schedule, prompt and rows of a step."""
        ...

    @property
    def core(self) -> Core:
        """Both sides of a slot -> state, text, hidden vector."""
        ...

    @property
    def tokenizer(self) -> TextIds:
        """Text ids of both sides."""
        ...

    @property
    def never(self) -> tuple[int, ...]:
        """Ids that no answer contains."""
        ...

    def prompt(self, text: str) -> list[int]:
        """Ids of a system prompt."""
        ...

    def writing(self, moment: Moment) -> Writing:
        """A new answer."""
        ...


class Speaking(Protocol):
    """The voice of any family."""

    @property
    def head(self) -> RefinedHead:
        """Finished words and hidden vector -> speech tokens."""
        ...

    @property
    def detokenizer(self) -> Mouth[Any]:
        """Speech tokens -> audio."""
        ...


Parts = tuple[Hearing, Thinking, Speaking]


@dataclass(frozen=True)
class TdmModel:
    """Ears, mind and voice. `fingerprint` identifies weights and configuration; a replay needs the same one."""

    ears: Hearing
    mind: Thinking
    voice: Speaking
    fingerprint: str

    @classmethod
    def from_pretrained(cls, model: str | Path) -> Self:
        """Load a shipped model by name, a checkpoint folder, or a repository of the hub.

        Raises:
            ConfigError: there is no such model, or its files are missing, broken or do not belong together.
        """
        folder = checkpoint_folder(model)
        if (folder / families.CONFIG).exists():
            return cls(*families.load(folder), fingerprint(folder))
        return cls(Ears.load(folder), Mind.load(folder), Voice.load(folder), fingerprint(folder))

    @classmethod
    def random(cls, config: ModelConfig | FamilyConfig, seed: int = 0) -> Self:
        """A model with random weights and a toy vocabulary, for tests."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            parts: Parts = _fresh(config) if isinstance(config, ModelConfig) else families.fresh(config)
        said = f"{config.to_yaml()}{seed}"
        return cls(*parts, hashlib.sha256(said.encode()).hexdigest()[:16])

    @property
    def config(self) -> ThinkingConfig:
        """Schedule, prompt and rows of a step."""
        return self.mind.config

    @property
    def encoder(self) -> Stage[Tensor, Tensor, Any]:
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
    def tokenizer(self) -> TextIds:
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
    def srh(self) -> RefinedHead:
        """Finished words and hidden vector -> speech tokens."""
        return self.voice.head

    @property
    def detokenizer(self) -> Mouth[Any]:
        """Speech tokens -> audio."""
        return self.voice.detokenizer


def _fresh(config: ModelConfig) -> Parts:
    return Ears.fresh(config.ears), Mind.fresh(config.mind), Voice.fresh(config.voice, Lexicon({}))


def checkpoint_folder(model: str | Path) -> Path:
    """Folder of a shipped name, an existing folder, or a downloaded hub repository ("owner/name").

    Raises:
        ConfigError: it is none of these, or the hub could not give it.
    """
    if (SHIPPED / model).is_dir():
        return SHIPPED / model
    if not Path(model).is_dir() and not is_hub_id(model):
        shipped = ", ".join(sorted(path.name for path in SHIPPED.iterdir() if path.is_dir())) or "none"
        raise ConfigError(
            f"no model '{model}': not a folder, not owner/name of a hub, not shipped (shipped: {shipped})"
        )
    return folder_of(model)


def fingerprint(folder: Path) -> str:
    """First 16 hex digits of the sha256 over all files of a checkpoint folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix != ".md":
            digest.update(path.relative_to(folder).as_posix().encode())
            with path.open("rb") as file:
                while piece := file.read(_PIECE_BYTES):
                    digest.update(piece)
    return digest.hexdigest()[:16]


_PIECE_BYTES: Final = 1 << 24
