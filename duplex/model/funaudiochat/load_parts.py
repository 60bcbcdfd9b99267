"""Loads what a conversation with Fun-Audio-Chat needs: the model and its detokenizer, from a description or a
checkpoint.

This module handles names, folders and devices; it does not depend on turns.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from configs.base import ConfigError
from configs.model.cosyvoice import COSYVOICE3_TINY
from configs.model.descriptions import find_description
from configs.model.funaudiochat import FUNAUDIOCHAT_TINY
from configs.model.turn_model import TurnModelConfig
from duplex.model.funaudiochat.checkpoint import from_pretrained, is_checkpoint
from duplex.model.funaudiochat.model import FunAudioChat
from duplex.model.stages.cosyvoice.stage import CosyVoice
from duplex.model.weights.hub import DETOKENIZER_FILES, find_speakers, folder_of, is_hub_id

TINY: Final = FUNAUDIOCHAT_TINY.model_copy(update={"vocabulary": 610})
"""Name used if there is no checkpoint; most of that model's text tokens are made-up words."""


@dataclass(frozen=True)
class LoadedParts:
    """Model and detokenizer; the latter is None if answers are not to be heard."""

    chat: FunAudioChat
    detokenizer: CosyVoice | None


def describe(model: str) -> TurnModelConfig | None:
    """Find the description of a half-duplex model by its name, file, folder or hub id; None if `model` is of another
    kind.

    Raises:
        ConfigError: the download failed, or a description cannot be read.
    """
    described = find_description(model)
    if described is not None:
        return described if isinstance(described, TurnModelConfig) else None
    folder = folder_of(model) if is_hub_id(model) and not Path(model).is_dir() else Path(model)
    if not is_checkpoint(folder):
        return None
    return TurnModelConfig(name=model, kind="funaudiochat", checkpoint=str(folder))


def load_parts(config: TurnModelConfig, conversations: int = 1, heard: bool = True) -> LoadedParts:
    """Load a described model, and a detokenizer if answers are to be `heard`; the detokenizer is looked for first.

    Raises:
        ConfigError: files are missing or broken, or there is too little memory for so many conversations.
    """
    device, dtype = _device(config.device), getattr(torch, config.dtype)
    if config.checkpoint is None:
        stage = CosyVoice.random(COSYVOICE3_TINY) if heard else None
        return LoadedParts(FunAudioChat.random(TINY, 0, device, dtype), stage)
    folder = _detokenizer_folder(config) if heard else None
    chat = from_pretrained(config.checkpoint, device, dtype, conversations, config.turns)
    stage = None if folder is None else CosyVoice.load(folder, config.speakers, device=device, dtype=dtype)
    return LoadedParts(chat, stage)


def _detokenizer_folder(config: TurnModelConfig) -> Path:
    if config.detokenizer is None:
        raise ConfigError(f"{config.name} needs CosyVoice3 to be heard; give its folder or hub id with --detokenizer")
    folder = folder_of(config.detokenizer, DETOKENIZER_FILES)
    if config.speakers is None:
        find_speakers(folder)
    elif not config.speakers.is_file():
        raise ConfigError(f"{config.speakers}: no such file of voices; check --speakers")
    return folder


def _device(name: str) -> str:
    if name != "auto":
        return name
    return "cuda" if torch.cuda.is_available() else "cpu"
