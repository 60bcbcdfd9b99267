"""The recipe `duplex train dialogues`: stages scenes and encodes them with the model's own speech encoder.

Each scene has its own seed, so a stopped run resumes where it was. Nothing here depends on training examples.
"""

import random
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor

from configs.train.simulation import SimulationConfig
from duplex.train.dialogue.director import Director
from duplex.train.dialogue.library import TRAINING, VALIDATION, open_library
from duplex.train.dialogue.shards import Features, ShardWriter, frames_of
from duplex.train.speech.short_noises import Samples


class Ear(Protocol):
    """The offline form of the speech encoder."""

    def encode(self, pcm: Tensor) -> Tensor:
        """Encode samples [B, N] at 16 kHz -> features [B, T, D], ten frames per slot."""
        ...


def run(config: SimulationConfig, out: Path, bank: Path, ear: Ear, validation: bool = False) -> None:
    """Stage the scenes that the shard in `out` does not have yet.

    Args:
        config: how many dialogues and how they are staged.
        out: folder of the shard.
        bank: folder of the clip bank.
        ear: the encoder that is used live.
        validation: whether to use the lines and voices that are held out of training.

    Raises:
        BankError: the bank lacks something that dialogues require.
    """
    director = Director(open_library(bank, config, VALIDATION if validation else TRAINING), config)
    frames = frames_of(config.stage.slots)
    writer = ShardWriter(out, frames, _dim(ear))
    missing = range(writer.count, config.dialogues, config.batch)
    for first in track(missing, "dialogues", console=Console(stderr=True)):
        numbers = range(first, min(first + config.batch, config.dialogues))
        staged = [director.scene(f"{out.name}/{number}", _rng(config, out, number)) for number in numbers]
        writer.add(encode_channels(ear, [samples for samples, _ in staged]), [scene for _, scene in staged])


def encode_channels(ear: Ear, channels: list[Samples]) -> Features:
    """Features [n, T, D] of channels of equal length."""
    with torch.inference_mode():
        features = ear.encode(torch.from_numpy(np.stack(channels)))
    return features.to(torch.float16).numpy()


def _dim(ear: Ear) -> int:
    return int(ear.encode(torch.zeros(1, 3200)).shape[-1])


def _rng(config: SimulationConfig, out: Path, number: int) -> random.Random:
    return random.Random(f"{config.seed}/{out.name}/{number}")
