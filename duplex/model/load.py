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
from configs.model.descriptions import describe_tdm
from configs.model.families import TWINS
from configs.model.language_models import LanguageModelConfig, take_llm
from duplex.model.families.checkpoint import load_tdm_model, random_tdm_model
from duplex.model.funaudiochat.load_parts import describe
from duplex.model.interface import SlotGenerator
from duplex.model.language_models.load_llm import LoadLlm, load_answers, load_llm
from duplex.model.layouts.tdm.answered_generator import AnsweredGenerator
from duplex.model.layouts.tdm.mind import EmbeddedMind
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
        cls,
        model: str | Path,
        conversations: int = 1,
        changes: Mapping[str, Any] | None = None,
        llm: LanguageModelConfig | None = None,
        load_llm: LoadLlm = load_llm,
    ) -> "DuplexModel":
        """Load a shipped model by name, a description (`configs.model.descriptions`), a checkpoint folder, or a hub id.

        Args:
            model: name, description, folder or hub id.
            conversations: how many run at once; the memory of large models is checked for them before anything is
                loaded.
            changes: values of a large model's description (`configs.model.turn_model`): device, dtype, detokenizer,
                speakers, live.policy, ...; or of a language model: llm.source, llm.temperature, ...
            llm: writes the answers of a TDM model that knows the user's words; in place of the one that a description
                names.
            load_llm: loads the language model (`LlmBeside` where it has begun to).

        Raises:
            ConfigError: there is no such model, its files are missing or broken, or there is too little memory.
            LlmError: the language model cannot be used.
        """
        name, changes = str(model), dict(changes or {})
        tdm = describe_tdm(name)
        llm = take_llm(changes, llm or tdm.llm)
        if tdm.checkpoint in TWINS:
            return cls(name, _tdm(random_tdm_model(TWINS[tdm.checkpoint]), changes, llm, load_llm))
        description = describe(tdm.checkpoint)
        if description is None:
            return cls(name, _tdm(load_tdm_model(tdm.checkpoint), changes, llm, load_llm))
        if llm is not None:
            raise ConfigError(f"{name} answers by itself; a language model (--llm) goes with mini")
        return cls(name, load_turns(description.change(changes, f"--set for {name}"), conversations))

    def generator(self, rows: int, beside: bool = True) -> SlotGenerator:
        """Make `rows` conversations; `beside`: work that can run in parallel with the steps gets a thread of its
        own."""
        return self.make(rows, beside)


def load_generator(
    model: str,
    rows: int,
    beside: bool = True,
    changes: Mapping[str, Any] | None = None,
    load_llm: LoadLlm = load_llm,
) -> SlotGenerator:
    """Make conversations on a model; see `DuplexModel.from_pretrained`.

    Raises:
        ConfigError: there is no such model or its files are not usable.
    """
    return DuplexModel.from_pretrained(model, rows, changes, load_llm=load_llm).generator(rows, beside)


def _tdm(
    model: TdmModel, changes: Mapping[str, Any], llm: LanguageModelConfig | None, load_llm: LoadLlm
) -> Callable[[int, bool], SlotGenerator]:
    if changes:
        raise ConfigError(
            f"'{', '.join(changes)}' cannot be set for {model.mind.config.name}; it runs as it is, on the CPU: "
            "leave --set out"
        )
    return lambda rows, beside: make_generator(model, rows, beside, llm, load_llm)


def make_generator(
    model: TdmModel,
    rows: int,
    beside: bool = True,
    llm: LanguageModelConfig | None = None,
    load_llm: LoadLlm = load_llm,
) -> TdmGenerator:
    """Conversations on a TDM model whose answers are its own, or written by a language model.

    Raises:
        ConfigError: the model does not know the user's words. LlmError: the language model cannot be used.
    """
    if llm is None:
        return TdmGenerator(model, rows, beside)
    if not isinstance(model.mind, EmbeddedMind):
        raise ConfigError(f"{model.mind.config.name} does not know the user's words; a language model goes with mini")
    return AnsweredGenerator(model, load_answers(llm, rows, load_llm), rows, beside)
