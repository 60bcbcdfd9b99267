"""Recipe `duplex train ctc`: trains CTC ears (Graves et al. 2006) on the features of the live encoder. The targets are
byte pairs; an auxiliary loss on letters helps.

This module handles segments, targets and steps; `ctc_streams` makes the segments.
"""

import random
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.trainers import BpeTrainer
from torch import Tensor, nn
from torch.nn import functional as F

from configs.model.model import EarsConfig
from configs.train.ctc_training import CtcTrainingConfig
from duplex.io.whole_files import write_text
from duplex.model.layouts.tdm.ears import CONFIG, CTC, VOCABULARY, WEIGHTS, EmbeddedEars
from duplex.model.stages.ctc_network import BLANK, LETTERS, CtcNetwork, save_ctc
from duplex.train.ears.ctc_streams import FeatureStore, LabelledSegment, prepare
from duplex.train.training_loop import Loop, Optimization, cosine

CHECKPOINT: Final = "checkpoint.pt"
PIECES: Final = "pieces.json"
_END_OF_WORD: Final = "</w>"


@dataclass(frozen=True)
class Spelled:
    """A segment with its targets: classes of its pieces and of its letters."""

    segment: LabelledSegment
    pieces: list[int]
    letters: list[int]


@dataclass(frozen=True)
class Batch:
    """Segments of similar length.

    Attributes:
        features: [B, T, D], zeros after the end of a segment.
        frames: [B] number of frames of each segment.
        rows: what is said in them.
    """

    features: Tensor
    frames: Tensor
    rows: list[Spelled]


def run(config: CtcTrainingConfig, bank: Path, model: Path, out: Path) -> None:
    """Train CTC ears for the encoder in the folder `model`, configured by its words.ctc; resumes an unfinished run in
    `out`.

    Afterwards `out` is a folder of ears with `ctc` as the source of words; its `ctc.safetensors` fits `model`.

    Raises:
        BankError: the clip bank lacks something that is required.
        ConfigError: the encoder cannot be read.
    """
    ears = EmbeddedEars.load(model, "none")
    store = prepare(config.streams, config.seed, bank, ears.encoder, out / "streams")
    network = train(config, ears.config, store, out)
    save_ctc(network, out / CTC)
    export(ears.config, model, out)


def export(ears: EarsConfig, model: Path, out: Path) -> None:
    """Make `out` a folder of ears: configuration with the source `ctc`, and the files of the encoder."""
    words = ears.words.model_copy(update={"source": "ctc"})
    write_text(out / CONFIG, ears.model_copy(update={"words": words}).to_yaml())
    for name in (WEIGHTS, VOCABULARY):
        shutil.copyfile(model / name, out / name)


def train(config: CtcTrainingConfig, ears: EarsConfig, store: FeatureStore, out: Path) -> CtcNetwork:
    """Train on the segments in `store`; the vocabulary and checkpoints go to `out`."""
    speller = Speller(out / PIECES, config.pieces, [segment.text for segment in store.segments])
    torch.manual_seed(config.seed)
    network = CtcNetwork(ears.words.ctc, ears.encoder.shape.dim, speller.pieces)
    learner = Learner(network, config)
    how = Optimization(config.rate, config.decay, config.average)
    loop = Loop(learner, how, config.steps, out / CHECKPOINT, "ctc")
    batches = Batches(config, store, [speller.spell(segment) for segment in store.segments]).endless(loop.first)
    for _ in loop.steps(cosine(config.warmup, config.steps)):
        with torch.autocast("cpu", torch.bfloat16):
            loss = learner(next(batches))
        loop.update(loss)
    return network.eval()


class Speller:
    """Converts texts to classes; byte pairs are learnt from `texts` unless the file at `path` has them."""

    def __init__(self, path: Path, size: int, texts: Iterable[str]) -> None:
        if not path.exists():
            _byte_pairs(size, texts).save(str(path))
        self._tokenizer = Tokenizer.from_file(str(path))
        tokens = [self._tokenizer.id_to_token(index) or "" for index in range(self._tokenizer.get_vocab_size())]
        self.pieces = [token.replace(_END_OF_WORD, " ") for token in tokens]

    def spell(self, segment: LabelledSegment) -> Spelled:
        """The segment with its targets."""
        pieces = [number + 1 for number in self._tokenizer.encode(segment.text).ids]
        letters = [LETTERS.index(letter) + 1 for word in segment.text.split() for letter in f"{word} "]
        return Spelled(segment, pieces, letters)


class Batches:
    """Batches of segments, epoch after epoch, in a new order each time."""

    def __init__(self, config: CtcTrainingConfig, store: FeatureStore, rows: Sequence[Spelled]) -> None:
        self._config, self._rows, self._frames = config, rows, store.frames()

    def endless(self, step: int) -> Iterator[Batch]:
        """Endless batches from `step` on; a resumed run does not repeat the order of the previous one."""
        rng = random.Random(f"{self._config.seed}/{step}")
        while True:
            rows = rng.sample(self._rows, len(self._rows))
            for first in range(0, len(rows), self._config.pool):
                yield from self._pool(rows[first : first + self._config.pool], rng)

    def _pool(self, rows: list[Spelled], rng: random.Random) -> Iterator[Batch]:
        rows.sort(key=lambda row: row.segment.frames)
        size = self._config.batch
        groups = [rows[first : first + size] for first in range(0, len(rows), size)]
        for group in rng.sample(groups, len(groups)):
            yield self.batch(group)

    def batch(self, rows: list[Spelled]) -> Batch:
        """Make a batch of the rows."""
        frames = [row.segment.frames for row in rows]
        features = torch.zeros(len(rows), max(frames), self._frames.shape[1])
        for place, row in enumerate(rows):
            span = self._frames[row.segment.first : row.segment.first + row.segment.frames]
            features[place, : len(span)] = torch.from_numpy(np.asarray(span, np.float32))
        return Batch(features, torch.tensor(frames), rows)


class Learner(nn.Module):
    """The network with a second head that spells by letters in every frame; returns the loss of a batch."""

    def __init__(self, network: CtcNetwork, config: CtcTrainingConfig) -> None:
        super().__init__()
        self.network = network
        self.config = config
        self._stride = network.config.stride
        self.letters = nn.Linear(network.config.width, self._stride * (len(LETTERS) + 1))

    def forward(self, batch: Batch) -> Tensor:
        """CTC loss (Graves et al. 2006) per target piece, plus the weighted loss on letters."""
        config = self.config
        hidden, _ = self.network.compute_hidden(F.dropout(self._mask(batch), config.dropout))
        pieces, letters = self.network.outward(hidden), self.letters(hidden).unflatten(2, (self._stride, -1))
        loss = _ctc(pieces, batch.frames // self._stride, [row.pieces for row in batch.rows])
        return loss + config.letter_weight * _ctc(letters.flatten(1, 2), batch.frames, [r.letters for r in batch.rows])

    def _mask(self, batch: Batch) -> Tensor:
        features, longest = batch.features.clone(), self.config.mask_frames
        for row, frames in enumerate(batch.frames.tolist()):
            for _ in range(self.config.masks):
                first = int(torch.randint(frames, ()))
                features[row, first : first + int(torch.randint(longest + 1, ()))] = 0
        return features


def _ctc(logits: Tensor, steps: Tensor, targets: list[list[int]]) -> Tensor:
    """CTC loss (Graves et al. 2006) per target class; a segment that is too short for its text counts as 0."""
    counts = torch.tensor([len(target) for target in targets])
    together = torch.tensor([number for target in targets for number in target], dtype=torch.long)
    logs = logits.float().log_softmax(-1).transpose(0, 1)
    loss = F.ctc_loss(logs, together, steps, counts, BLANK, reduction="sum", zero_infinity=True)
    return loss / max(1, len(together))


def _byte_pairs(size: int, texts: Iterable[str]) -> Tokenizer:
    """Byte pairs of the words; every letter is a piece, both within a word and at its end."""
    counts = Counter(word for text in texts for word in text.split())
    letters = [letter for letter in LETTERS if letter != " "]
    tokenizer = Tokenizer(BPE(end_of_word_suffix=_END_OF_WORD))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    trainer = BpeTrainer(
        vocab_size=size, initial_alphabet=letters, end_of_word_suffix=_END_OF_WORD, show_progress=False
    )
    words = [word for word, count in sorted(counts.items()) for _ in range(count)]
    tokenizer.train_from_iterator([*letters, *words], trainer)
    return tokenizer
