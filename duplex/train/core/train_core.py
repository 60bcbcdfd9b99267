"""The recipe of the core on dialogues. The command is `duplex train core`.

This module decides which files a run reads and writes; the training itself is in `trainer`.
"""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import load_model, save_model

from configs.base import ConfigError
from configs.train.core_training import CoreTrainingConfig
from duplex.corpus.corpus import Corpus
from duplex.model.layouts.tdm.core import Core
from duplex.model.text.tokenizer import TextTokenizer
from duplex.train.core.trainer import train
from duplex.train.dialogue.dataset import DialogueBatch, DialogueDataset
from duplex.train.dialogue.retext import Retext
from duplex.train.dialogue.shards import Shard
from duplex.train.dialogue.tracks import TrackTable
from duplex.train.text.noise import Mishearing
from duplex.train.text.pretrain import DialogueSource, read_misheard, read_pairs
from duplex.train.text.vocabulary import TOKENIZER, word_list

WEIGHTS: Final = "core.safetensors"
CHECKPOINT: Final = "checkpoint.pt"


def run(
    config: CoreTrainingConfig,
    start: Path,
    shards: Sequence[Path],
    tracks: Path,
    out: Path,
    vocabulary: Path,
    pairs: Path | None = None,
) -> None:
    """Train the core on dialogues, starting from text pre-training; writes `core.safetensors` to `out`.

    Args:
        config: all settings of the run.
        start: weights of the text pre-training.
        shards: folders of simulated dialogues.
        tracks: the assistant's answers, slot by slot.
        out: folder of checkpoint and weights; an unfinished run is resumed from it.
        vocabulary: folder of a model, for its tokenizer.
        pairs: recognition errors written by `duplex train errors`.

    Raises:
        ConfigError: there is nothing to start from.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(config.seed)
    core = Core(config.text.core)
    if not start.exists():
        raise ConfigError(f"{start}: no weights to start from; run 'duplex train text' first")
    load_model(core, str(start))
    tokenizer = TextTokenizer.from_file(vocabulary / TOKENIZER)
    corpus = Corpus.build(config.text.corpus)
    mishearing = Mishearing(config.text.noise, word_list(corpus), read_pairs(pairs) if pairs else ())
    table = TrackTable.load(tracks)
    retext = Retext(config.retext, corpus, table.places)
    data = DialogueDataset(
        [Shard(folder) for folder in shards], table, tokenizer, config.data, mishearing, corpus.prompts()[0], retext
    )
    rng = random.Random(config.seed)
    _set_statistics(core, data.batch(rng.sample(range(len(data)), min(len(data), config.statistics_dialogues)), rng))
    heard = read_misheard(pairs) if pairs else ()
    text = DialogueSource(config.text, corpus, tokenizer, mishearing, heard).batches(0)
    train(core, config, config.text.schedule, _batches(data, config.dialogues, rng), text, out / CHECKPOINT)
    save_model(core, str(out / WEIGHTS))


def _batches(data: DialogueDataset, size: int, rng: random.Random) -> Iterator[DialogueBatch]:
    """Endless batches; every dialogue comes once before any is repeated."""
    while True:
        for ids in data.epoch(size, rng):
            yield data.batch(ids, rng)


def _set_statistics(core: Core, batch: DialogueBatch) -> None:
    """Set mean and deviation of the features per channel, so that the speech map reads normalised features."""
    features = batch.features.float().flatten(0, -2)
    core.user.mean.copy_(features.mean(0))
    core.user.deviation.copy_(features.std(0).clamp(min=1e-3))
