"""Recipe: records hours of the teacher voice with units and durations, in shards; only missing shards are made.

This module uses texts, units and the teacher; it does not depend on tokens or networks.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from configs.base import read_yaml
from configs.model.voice import VoiceConfig
from configs.recipes import RECIPES
from configs.train.voice_training import VoiceCorpusConfig
from duplex.model.text.lexicon import Lexicon
from duplex.model.text.phonemes import PUNCTUATION, SPACE, Unit
from duplex.train.voice.teacher_texts import Items, Patterns, natural_sentences, utterances

PATTERNS = RECIPES / "voice_corpus.yaml"
_SHORTEST_MEAN_S = 3.0


if TYPE_CHECKING:
    from duplex.train.voice.teacher import Teacher


@dataclass(frozen=True)
class Utterance:
    """One utterance of the teacher.

    Attributes:
        items: words and punctuation marks, in order.
        bands: [T, 98] float16.
        units: [n] indices in `UNITS`; START first, END last.
        stress: [n] 0 none, 1 primary, 2 secondary.
        owners: [n] index of the item a unit belongs to (START: 0; END: number of items).
        milliseconds: [n] durations.
        speed: speaking rate of the teacher, 1 is its usual one.
    """

    items: Items
    bands: NDArray[np.float16]
    units: NDArray[np.int64]
    stress: NDArray[np.int64]
    owners: NDArray[np.int64]
    milliseconds: NDArray[np.float32]
    speed: float


def run(
    voice: VoiceConfig, config: VoiceCorpusConfig, lexicon: Lexicon, out: Path, answers: Sequence[Items] = ()
) -> None:
    """Make shards of `config.hours` in `out`, and additional ones of all `answers` (the assistant's own texts)."""
    out.mkdir(parents=True, exist_ok=True)
    recorder = _Recorder(voice, config, lexicon, out)
    recorder.record("answers", answers, math.inf)
    recorder.record("corpus", list(_texts(config, lexicon)), config.hours * 3600)


def load(folder: Path) -> Iterator[Utterance]:
    """All utterances of the shards in `folder`, in the order of their file names."""
    for path in sorted(folder.glob("*_[0-9]*.npz")):
        with np.load(path) as shard:
            arrays = {key: shard[key] for key in shard.files}
        for index in range(len(arrays["speed"])):
            yield _utterance(arrays, index)


def units_of(items: Sequence[str], lexicon: Lexicon) -> tuple[list[Unit], list[int]]:
    """Units of words and punctuation with spaces between words, and for each the index of its item."""
    units: list[Unit] = []
    owners: list[int] = []
    previous = ""
    for index, item in enumerate(items):
        space = [Unit(SPACE)] if index and item not in PUNCTUATION else []
        following = items[index + 1] if index + 1 < len(items) else "."
        found = space + list(lexicon.units(item, previous, following))
        units += found
        owners += [index] * len(found)
        previous = previous if item in PUNCTUATION else item
    return units, owners


class _Recorder:
    """Writes shards of recorded texts; an existing shard is not made again."""

    def __init__(self, voice: VoiceConfig, config: VoiceCorpusConfig, lexicon: Lexicon, out: Path) -> None:
        self._voice, self._config, self._lexicon, self._out = voice, config, lexicon, out
        from duplex.train.voice.teacher import Teacher  # needs the train extra, which readers of shards may lack

        self._teacher = Teacher(voice.bands, out)

    def record(self, name: str, texts: Sequence[Items], seconds: float) -> None:
        """Write shards `name`_0000.npz, ... of the texts in order, until `seconds` are reached."""
        made, size = 0.0, self._config.shard_utterances
        with Progress() as progress:
            task = progress.add_task(name, total=len(texts))
            for shard, start in enumerate(range(0, len(texts), size)):
                if made >= seconds:
                    break
                path = self._out / f"{name}_{shard:04d}.npz"
                if not path.exists():
                    self._write(path, texts[start : start + size])
                made += _seconds(path, self._voice)
                progress.update(task, completed=start + size)

    def _write(self, path: Path, texts: Sequence[Items]) -> None:
        rng = random.Random(f"{self._config.seed} {path.stem}")
        spoken = [_speak(items, self._lexicon, self._teacher, rng.choice(self._config.speeds)) for items in texts]
        kept = [utterance for utterance in spoken if len(utterance.units) <= self._config.most_units]
        columns = {
            column: np.concatenate([getattr(utterance, column) for utterance in kept])
            for column in ("bands", "units", "stress", "owners", "milliseconds")
        }
        frames = np.cumsum([0, *(len(utterance.bands) for utterance in kept)])
        starts = np.cumsum([0, *(len(utterance.units) for utterance in kept)])
        items = np.array([" ".join(utterance.items) for utterance in kept])
        speed = np.array([utterance.speed for utterance in kept])
        partial = path.with_name(f"partial-{path.name}")
        np.savez(partial, allow_pickle=False, frames=frames, starts=starts, items=items, speed=speed, **columns)
        partial.rename(path)


def _texts(config: VoiceCorpusConfig, lexicon: Lexicon) -> Iterator[Items]:
    rng = random.Random(config.seed)
    patterns = Patterns(read_yaml(PATTERNS), list(lexicon.words()))
    natural = natural_sentences([path for path in config.texts if path.exists()])
    count = int(config.hours * 3600 / _SHORTEST_MEAN_S)
    yield from islice(utterances(natural, patterns, config.natural_share, rng), count)


def _speak(items: Items, lexicon: Lexicon, teacher: "Teacher", speed: float) -> Utterance:
    units, owners = units_of(items, lexicon)
    speech = teacher.speak(tuple(units), speed)
    return Utterance(
        items=items,
        bands=speech.bands.astype(np.float16),
        units=np.array([unit.place for unit in speech.units]),
        stress=np.array([unit.stress for unit in speech.units]),
        owners=np.array([0, *owners, len(items)]),
        milliseconds=speech.milliseconds,
        speed=speed,
    )


def _utterance(arrays: dict[str, NDArray[np.generic]], index: int) -> Utterance:
    frames = slice(arrays["frames"][index], arrays["frames"][index + 1])
    units = slice(arrays["starts"][index], arrays["starts"][index + 1])
    names = ("units", "stress", "owners", "milliseconds")
    columns = {name: arrays[name][units] for name in names}
    items = tuple(str(arrays["items"][index]).split())
    return Utterance(items, arrays["bands"][frames], speed=float(arrays["speed"][index]), **columns)  # type: ignore[arg-type]


def _seconds(path: Path, voice: VoiceConfig) -> float:
    with np.load(path) as shard:
        return float(shard["frames"][-1]) / voice.bands.frame_rate
