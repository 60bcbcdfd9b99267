"""The recipe `duplex train dialogues`: stages scenes and encodes them with the model's own speech encoder.

Each scene has its own seed, so a stopped run resumes where it was. Nothing here depends on training examples.
"""

import random
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import track

from configs.train.simulation import SimulationConfig
from duplex.model.interface import Samples
from duplex.model.stages.encoder import OfflineEncoder
from duplex.train.dialogue.director import Director
from duplex.train.dialogue.library import TRAINING, VALIDATION, open_library
from duplex.train.dialogue.shards import Features, ShardWriter, frames_of


def run(config: SimulationConfig, out: Path, bank: Path, encoder: OfflineEncoder, validation: bool = False) -> None:
    """Stage the scenes that the shard in `out` does not have yet.

    Args:
        config: how many dialogues and how they are staged.
        out: folder of the shard.
        bank: folder of the clip bank.
        encoder: the one that is used live.
        validation: whether to use the lines and voices that are held out of training.

    Raises:
        BankError: the bank lacks something that dialogues require.
    """
    director = Director(open_library(bank, config, VALIDATION if validation else TRAINING), config)
    frames = frames_of(config.stage.slots)
    writer = ShardWriter(out, frames, _dim(encoder))
    missing = range(writer.count, config.dialogues, config.batch)
    for first in track(missing, "dialogues", console=Console(stderr=True)):
        numbers = range(first, min(first + config.batch, config.dialogues))
        staged = [director.scene(f"{out.name}/{number}", _rng(config, out, number)) for number in numbers]
        writer.add(encode_channels(encoder, [samples for samples, _ in staged]), [scene for _, scene in staged])


def encode_channels(encoder: OfflineEncoder, channels: list[Samples]) -> Features:
    """Features [n, T, D] of channels of equal length."""
    with torch.inference_mode():
        features = encoder.encode(torch.from_numpy(np.stack(channels)))
    return features.to(torch.float16).numpy()


def _dim(encoder: OfflineEncoder) -> int:
    return int(encoder.encode(torch.zeros(1, 3200)).shape[-1])


def _rng(config: SimulationConfig, out: Path, number: int) -> random.Random:
    return random.Random(f"{config.seed}/{out.name}/{number}")
