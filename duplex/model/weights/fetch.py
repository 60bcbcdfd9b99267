"""Fetches what a model needs from the hub before anything is loaded, because the engine's time limit covers only
loading.

This module handles names and descriptions, and does not import torch.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from configs.model.descriptions import describe_tdm, find_description
from configs.model.turn_model import TurnModelConfig
from duplex.model.weights.hub import CHAT_FILES, DETOKENIZER_FILES, find_speakers, folder_of, is_hub_id


def fetch(model: str, changes: Mapping[str, Any]) -> None:
    """Fetch the repositories behind a name that are not cached; `changes` as in `DuplexModel.from_pretrained`.
    The small one comes first, so that missing voices are noticed before the large one is fetched.

    Raises:
        ConfigError: a download failed, there are no voices, or a description or a change is wrong.
    """
    described = find_description(model)
    if not isinstance(described, TurnModelConfig):
        _fetch(describe_tdm(model).checkpoint, None)
        _fetch(changes.get("detokenizer"), DETOKENIZER_FILES)
        return
    config = described.change(changes, f"--set for {model}")
    voice = _fetch(config.detokenizer, DETOKENIZER_FILES)
    if voice is not None and config.speakers is None:
        find_speakers(voice)
    _fetch(config.checkpoint, CHAT_FILES)


def _fetch(source: str | None, patterns: Sequence[str] | None) -> Path | None:
    """Fetch a repository and return its folder; None if `source` is not a repository."""
    if source is None or not is_hub_id(source) or Path(source).is_dir():
        return None
    return folder_of(source, patterns)
