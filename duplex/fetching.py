"""What a model needs from the hub, fetched before anything is loaded: patience with an engine is for loading alone.

Knows names and descriptions; imports no torch.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from configs.turn_model import TurnModelConfig, described
from duplex.hub import CHAT_FILES, DETOKENIZER_FILES, folder_of, is_hub_id


def fetch(model: str, changes: Mapping[str, Any]) -> None:
    """Fetch the repositories behind a name, as far as they are not there; `changes` as `DuplexModel.from_pretrained`.

    Raises:
        ConfigError: the hub does not give one, or a description or a change is wrong.
    """
    for source, patterns in _sources(model, changes):
        if source is not None and is_hub_id(source) and not Path(source).is_dir():
            folder_of(source, patterns)


def _sources(model: str, changes: Mapping[str, Any]) -> list[tuple[str | None, Sequence[str] | None]]:
    path = described(model)
    if path is None:
        return [(model, None), (changes.get("detokenizer"), DETOKENIZER_FILES)]
    config = TurnModelConfig.from_yaml(path).changed(changes, model)
    return [(config.detokenizer, DETOKENIZER_FILES), (config.checkpoint, CHAT_FILES)]
