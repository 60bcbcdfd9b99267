"""The entry point: loads any model by name, folder or hub id, ready to converse.

    model = DuplexModel.from_pretrained("mini")                             # shipped with the package
    model = DuplexModel.from_pretrained("FunAudioLLM/Fun-Audio-Chat-8B")    # from the hub
    generator = model.generator(rows=2)

This module knows which layout a name or folder belongs to, but not how a layout works.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.base import ConfigError
from configs.model.families import TWINS
from duplex.model.families.checkpoint import load_tdm_model, random_tdm_model
from duplex.model.funaudiochat.load_parts import describe
from duplex.model.interface import SlotGenerator
from duplex.model.layouts.tdm.tdm_generator import TdmGenerator
from duplex.model.layouts.tdm.tdm_model import TdmModel
from duplex.model.layouts.turns.load_turns import load_turns


@dataclass(frozen=True)
class DuplexModel:
    """A whole model, without conversations; `name` is the name it was requested by."""

    name: str
    make: Callable[[int, bool], SlotGenerator]

    @classmethod
    def from_pretrained(
        cls, model: str | Path, conversations: int = 1, changes: Mapping[str, Any] | None = None
    ) -> "DuplexModel":
        """Load a shipped model by name, a description (`configs.model.turn_model`), a checkpoint folder, or a hub id.

        Args:
            model: name, description, folder or hub id.
            conversations: how many run at once; the memory of large models is checked for them before anything is
                loaded.
            changes: values of a large model's description (`configs.model.turn_model`): device, dtype, detokenizer,
                speakers, live.policy, ...

        Raises:
            ConfigError: there is no such model, its files are missing or broken, or there is too little memory.
        """
        name, changes = str(model), dict(changes or {})
        if name in TWINS:
            return cls(name, _tdm(random_tdm_model(TWINS[name]), changes))
        description = describe(name)
        if description is None:
            return cls(name, _tdm(load_tdm_model(model), changes))
        return cls(name, load_turns(description.change(changes, name), conversations))

    def generator(self, rows: int, beside: bool = True) -> SlotGenerator:
        """Make `rows` conversations; `beside`: work that can run in parallel with the steps gets a thread of its
        own."""
        return self.make(rows, beside)


def load_generator(
    model: str, rows: int, beside: bool = True, changes: Mapping[str, Any] | None = None
) -> SlotGenerator:
    """Make conversations on a model; see `DuplexModel.from_pretrained`.

    Raises:
        ConfigError: there is no such model or its files are not usable.
    """
    return DuplexModel.from_pretrained(model, rows, changes).generator(rows, beside)


def _tdm(model: TdmModel, changes: Mapping[str, Any]) -> Callable[[int, bool], SlotGenerator]:
    if changes:
        raise ConfigError(
            f"'{', '.join(changes)}' cannot be set for {model.mind.config.name}; it runs as it is, on the CPU"
        )
    return lambda rows, beside: TdmGenerator(model, rows, beside)
