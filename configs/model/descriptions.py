"""Descriptions of models: where the shipped ones are, which kinds there are, and how one is found and read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from configs.base import ConfigError, read_yaml
from configs.model.language_models import LLM, LanguageModelConfig, take_llm
from configs.model.tdm_model import TdmModelConfig
from configs.model.turn_model import TurnModelConfig

MODELS = Path(__file__).parents[1] / "models"
"""Folder of the shipped descriptions."""
_KINDS: Mapping[str, type[TdmModelConfig] | type[TurnModelConfig]] = {
    "tdm": TdmModelConfig,
    "funaudiochat": TurnModelConfig,
    "scripted": TurnModelConfig,
}


def find_description(name: str) -> TdmModelConfig | TurnModelConfig | None:
    """A shipped description by its name or, in the turn layout, by its checkpoint's hub id; one given by its path;
    otherwise None.

    Raises:
        ConfigError: the file is no description.
    """
    if name.endswith((".yaml", ".yml")) and Path(name).is_file():
        return read_description(Path(name))
    for path in sorted(MODELS.glob("*.yaml")):
        found = read_description(path)
        if name == path.stem or (isinstance(found, TurnModelConfig) and name == found.checkpoint):
            return found
    return None


def read_description(path: Path) -> TdmModelConfig | TurnModelConfig:
    """Read a description of any kind.

    Raises:
        ConfigError: the file cannot be read, its kind is unknown, or a key or value is wrong.
    """
    values = read_yaml(path)
    kind = values.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ConfigError(f"{path}: 'kind' must be {' or '.join(_KINDS)}; see docs/models.md")
    if "llm" in values and kind != "tdm":
        raise ConfigError(f"{path}: a model of kind {kind} answers by itself; remove 'llm', or describe a kind: tdm")
    return _KINDS[kind].from_mapping(values, str(path))


def describe_tdm(name: str) -> TdmModelConfig:
    """The description of a TDM model; one that is named without a description is its own checkpoint.

    Raises:
        ConfigError: see `find_description`.
    """
    found = find_description(name)
    return found if isinstance(found, TdmModelConfig) else TdmModelConfig(name=name, kind="tdm", checkpoint=name)


def find_llm(name: str, changes: Mapping[str, Any]) -> LanguageModelConfig | None:
    """The language model behind a model: that of its description, with the values of `changes` that concern it.

    Raises:
        ConfigError: the model answers by itself, no language model is named, or a key or value is wrong.
    """
    if any(key.startswith(LLM) for key in changes) and isinstance(find_description(name), TurnModelConfig):
        raise ConfigError(f"{name} answers by itself; a language model (--llm) goes with mini")
    return take_llm(dict(changes), describe_tdm(name).llm)
