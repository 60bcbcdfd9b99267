"""What a model needs from the hub, fetched before anything is loaded: patience with an engine is for loading alone.

Knows names and descriptions; imports no torch.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from configs.model.turn_model import TurnModelConfig, find_description
from duplex.model.weights.hub import CHAT_FILES, DETOKENIZER_FILES, find_speakers, folder_of, is_hub_id


def fetch(model: str, changes: Mapping[str, Any]) -> None:
    """Fetch the repositories behind a name, as far as they are not there; `changes` as `DuplexModel.from_pretrained`.
    The small one comes first, so that missing voices are not found out after the large one.

    Raises:
        ConfigError: the hub does not give one, there are no voices, or a description or a change is wrong.
    """
    path = find_description(model)
    if path is None:
        _fetch(model, None)
        _fetch(changes.get("detokenizer"), DETOKENIZER_FILES)
        return
    config = TurnModelConfig.from_yaml(path).change(changes, model)
    voice = _fetch(config.detokenizer, DETOKENIZER_FILES)
    if voice is not None and config.speakers is None:
        find_speakers(voice)
    _fetch(config.checkpoint, CHAT_FILES)


def _fetch(source: str | None, patterns: Sequence[str] | None) -> Path | None:
    """Folder of a repository; None where it is none."""
    if source is None or not is_hub_id(source) or Path(source).is_dir():
        return None
    return folder_of(source, patterns)
