"""What a report tells of the language model behind a generator: which one answered, and how it was asked. No key.

Knows configurations and generators; knows no files.
"""

import hashlib
from typing import Any, Final

from configs.model.language_models import PERSONA, LanguageModelConfig
from duplex.model.abilities import DelegatingGenerator
from duplex.model.interface import SlotGenerator

_NAMED: Final = frozenset({"source", "model", "answers", "system_prompt", "key_variable"})
"""Settings that have a place of their own, or change nothing."""
_DIGITS: Final = 12


def describe_llm(generator: SlotGenerator) -> dict[str, Any]:
    """Plain values under the name "llm"; nothing for a generator that answers by itself."""
    if not isinstance(generator, DelegatingGenerator):
        return {}
    return {"llm": describe_config(generator.llm, generator.llm_fingerprint)}


def describe_config(config: LanguageModelConfig, fingerprint: str) -> dict[str, Any]:
    """Plain values: where the model is, its name at a server, its fingerprint, what it answers, its system prompt
    ("default" or a hash), and the settings that are not the default ones."""
    name = {"model": config.model} if config.model else {}
    return {
        "source": config.source,
        **name,
        "fingerprint": fingerprint,
        "answers": config.answers,
        "system_prompt": _describe_prompt(config.system_prompt),
        "settings": _changed(config),
    }


def _describe_prompt(prompt: str) -> str:
    return (
        "default"
        if prompt == PERSONA
        else f"sha256:{hashlib.sha256(prompt.encode('utf-8', 'surrogatepass')).hexdigest()[:_DIGITS]}"
    )


def _changed(config: LanguageModelConfig) -> dict[str, Any]:
    default = LanguageModelConfig(source=config.source).model_dump(mode="json")
    values = config.model_dump(mode="json")
    return {key: value for key, value in values.items() if key not in _NAMED and value != default[key]}
