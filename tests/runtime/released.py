"""Folders as they are published, of tiny random weights."""

from pathlib import Path

import torch

from configs.model.cosyvoice import COSYVOICE3_TINY
from duplex.model.stages.cosyvoice.random_weights import random_flow, random_vocoder

VOICES = ("anna", "ben")


def publish_voice(folder: Path) -> Path:
    """A CosyVoice3 release: flow.pt, hift.pt with its prefix, and voices."""
    folder.mkdir(parents=True)
    config = COSYVOICE3_TINY
    torch.save(random_flow(config), folder / "flow.pt")
    torch.save({f"generator.{name}": value for name, value in random_vocoder(config).items()}, folder / "hift.pt")
    torch.save({name: {"embedding": torch.ones(1, config.flow.speaker)} for name in VOICES}, folder / "spk2info.pt")
    (folder / "cosyvoice.yaml").write_text(config.to_yaml())
    return folder


def cut(path: Path, length: int) -> None:
    """Remove the last `length` bytes of a file."""
    path.write_bytes(path.read_bytes()[:-length])
