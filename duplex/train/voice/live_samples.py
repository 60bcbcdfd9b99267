"""Simulates utterances as the live head meets them: text arrives slot by slot, is held back, stalls, runs dry.

The live `Pointer` walks over the teacher's durations; every token and every unit it enters becomes one training
sample, so training sees exactly the same numbers as speaking. Nothing here depends on networks.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from configs.audio import AUDIO
from configs.model.voice import BandConfig, SrhConfig
from configs.train.voice_training import SrhTraining
from duplex.model.stages.bands import silence
from duplex.model.stages.pointer import Pointer
from duplex.model.text.phonemes import PUNCTUATION, SPACE, UNITS, Unit
from duplex.train.voice.batch import HOLD
from duplex.train.voice.teacher_shards import Utterance

_EDGE_FRAMES = 2
_TRAILING_SLOTS = 1


@dataclass
class Track:
    """Samples of one utterance.

    Attributes:
        bands: [15 * slots, 98] what sounds, including pauses for late text.
        tokens: (window units, window stress, scalars, token index) where speech has begun.
        units: (window units, window stress, scalars, (class now, class next or -1)) for every unit entered.
        text: per slot, the index of the text token that enters, the number of tokens for the end mark, or `HOLD`.
    """

    bands: NDArray[np.float32]
    tokens: list[tuple[list[int], list[int], list[float], int]] = field(default_factory=list)
    units: list[tuple[list[int], list[int], list[float], tuple[int, int]]] = field(default_factory=list)
    text: list[int] = field(default_factory=list)


class LiveSamples:
    """Simulates one utterance after the other; all randomness comes from `rng`."""

    def __init__(
        self,
        srh: SrhConfig,
        bands: BandConfig,
        config: SrhTraining,
        rng: random.Random,
        pieces: Callable[[str], int] | None = None,
    ) -> None:
        """`pieces`: number of text tokens of a word or mark; without it the number is drawn."""
        self._srh, self._bands, self._config, self._rng = srh, bands, config, rng
        self._count = pieces
        self._quiet = silence(bands).numpy()

    def track(self, utterance: Utterance) -> Track:
        """Samples and target bands of one utterance."""
        walk, text = _Walk(self._srh, utterance), _Text()
        late = self._config.late_chance if self._rng.random() < self._config.late_share else 0.0
        words = self._pieces(utterance)
        trailing = 0
        while trailing <= _TRAILING_SLOTS:
            arrives = walk.pointer.queued < self._config.hold_units and self._rng.random() >= late
            if arrives:
                self._arrive(words, walk)
            text.slot(arrives, walk.pointer.finished)
            walk.slot()
            trailing += walk.pointer.exhausted
        return Track(self._sound(utterance, walk), walk.tokens, walk.units, text.entering)

    def _arrive(self, words: Iterator[tuple[Unit, ...] | None], walk: "_Walk") -> None:
        """Take one text token: the last piece of an item completes it; after the last item the text ends."""
        try:
            item = next(words)
        except StopIteration:
            walk.pointer.close()
            return
        if item is not None:
            walk.push(item)

    def _pieces(self, utterance: Utterance) -> Iterator[tuple[Unit, ...] | None]:
        """For each text token of the utterance, the item it completes, or None in the middle of a word."""
        for index, word in enumerate(utterance.items):
            for _ in range(self._extra_pieces(word)):
                yield None
            yield _item(utterance, index)

    def _extra_pieces(self, word: str) -> int:
        if self._count is not None:
            return self._count(word) - 1
        if word in PUNCTUATION or self._rng.random() >= self._config.long_word_share:
            return 0
        return self._rng.randint(1, 1 + len(word) // 4)

    def _sound(self, utterance: Utterance, walk: "_Walk") -> NDArray[np.float32]:
        rate = self._bands.frame_rate / 1000
        slots = round(walk.pointer.slot_ms / AUDIO.slot_ms)
        frames = np.tile(self._quiet, (slots * self._bands.frames_per_slot, 1))
        for start_ms, end_ms, source_ms in walk.stretches():
            start, source = round(start_ms * rate), round(source_ms * rate)
            piece = utterance.bands[source : source + round((end_ms - start_ms) * rate)].astype(np.float32)
            frames[start : start + len(piece)] = _soft(piece, self._quiet)
        return frames


class _Text:
    """Records which text token entered in which slot."""

    def __init__(self) -> None:
        self.entering: list[int] = []
        self._entered = 0
        self._over = False

    def slot(self, arrives: bool, finished: bool) -> None:
        """Take one slot; `finished`: the text has ended after it, so that the first such slot has the end mark."""
        self.entering.append(self._entered if arrives and not self._over else HOLD)
        self._entered += arrives
        self._over = finished


class _Walk:
    """Runs the live pointer over the teacher's durations and records the inputs of the networks."""

    def __init__(self, config: SrhConfig, utterance: Utterance) -> None:
        self.pointer = Pointer(config)
        self.tokens: list[tuple[list[int], list[int], list[float], int]] = []
        self.units: list[tuple[list[int], list[int], list[float], tuple[int, int]]] = []
        self._config = config
        self._teacher = utterance.milliseconds.tolist()
        self._pace = utterance.speed
        self._told = 0
        self._starts: list[tuple[float, float]] = []
        self._ends: list[float] = []

    def push(self, item: tuple[Unit, ...]) -> None:
        """Give the pointer the next item."""
        self.pointer.push(item, len(item) == 1 and item[0].symbol in PUNCTUATION)

    def slot(self) -> None:
        """Run one slot of five tokens."""
        pointer, first = self.pointer, round(self.pointer.slot_ms / AUDIO.token_ms)
        pointer.open_slot()
        for place in range(AUDIO.tokens_per_slot):
            centre = pointer.slot_ms + (place + 0.5) * AUDIO.token_ms
            self._advance(centre)
            if pointer.begun:
                self.tokens.append((*pointer.window(), pointer.scalars(centre, self._pace), first + place))
        pointer.close_slot()

    def stretches(self) -> Iterator[tuple[float, float, float]]:
        """(start, end, start in the teacher's audio) in ms of each stretch of speech between waits."""
        for (start, source), end in zip(self._starts, self._ends, strict=True):
            yield start, end, source

    def _advance(self, centre: float) -> None:
        pointer = self.pointer
        was_waiting = pointer.waiting
        while pointer.enter_next(centre):
            if was_waiting:
                self._starts.append((pointer.entered_ms, sum(self._teacher[: self._told])))
                was_waiting = False
            self._tell()
        if pointer.waiting and not was_waiting:
            self._ends.append(pointer.entered_ms)

    def _tell(self) -> None:
        """Record the inputs of the duration network, and set the teacher's durations."""
        pointer, now = self.pointer, self._teacher[self._told]
        following = self._teacher[self._told + 1] if pointer.queued else 0.0
        asked = (*pointer.window(), pointer.duration_scalars(self._pace))
        self.units.append((*asked, (self._class(now), self._class(following) if pointer.queued else -1)))
        pointer.set_durations(now, following)
        self._told += 1

    def _class(self, milliseconds: float) -> int:
        steps = round(milliseconds / self._config.duration_ms)
        return min(max(steps, 1), self._config.duration_classes) - 1


def _item(utterance: Utterance, index: int) -> tuple[Unit, ...]:
    """Units of one item, without the space before it and without START and END."""
    inner = slice(1, len(utterance.units) - 1)
    places = np.flatnonzero(utterance.owners[inner] == index) + 1
    units = [Unit(UNITS[utterance.units[place]], int(utterance.stress[place])) for place in places]
    spaced = index > 0 and utterance.items[index] not in PUNCTUATION and units[:1] == [Unit(SPACE)]
    return tuple(units[1:] if spaced else units)


def _soft(frames: NDArray[np.float32], quiet: NDArray[np.float32]) -> NDArray[np.float32]:
    """Fade the ends of a stretch of speech to silence over two frames each."""
    count = min(_EDGE_FRAMES, len(frames) // 2)
    weight = np.ones(len(frames), np.float32)
    weight[:count] = (np.arange(count) + 1) / (count + 1)
    weight[len(frames) - count :] = weight[:count][::-1]
    mixed = np.asarray(frames * weight[:, None] + quiet * (1 - weight[:, None]), np.float32)
    mixed[:, -2] = frames[:, -2]
    return mixed
