"""Simulates when the user's words reach the model: a transcriber's delays and errors, without a transcriber.

While speech continues, words come in batches and late; when a slot ends with silence, everything said so far is known
in the next one. At most a few text tokens enter per slot; the rest wait. Nothing here depends on the assistant.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from configs.audio import AUDIO
from configs.train.simulation import ArrivalConfig
from duplex.model.stages.fusion import ABSENT
from duplex.train.dialogue.scene import Scene, SceneSound, SceneTurn, SceneWord

Encode = Callable[[str], Sequence[int]]
Mishear = Callable[[Sequence[str], random.Random], Sequence[str]]

NEVER = 1 << 30
"""Slot of an event that does not happen within the dialogue."""

_SLOT = AUDIO.slot_seconds
_FRAME_MS = AUDIO.packet_ms


@dataclass(frozen=True)
class Arrivals:
    """User words as U receives them.

    Attributes:
        words: [T, K] text ids; `ABSENT` where there is none.
        known: for every turn, the slot in which its last word enters; `NEVER` if it does not.
    """

    words: NDArray[np.int64]
    known: list[int]


def find_voiced_frames(scene: Scene, slots: int, sounds: bool) -> NDArray[np.bool_]:
    """Mask [T * 10] of 20 ms frames with the user's voice in turns and, with `sounds`, also in backchannels."""
    frames = np.zeros(slots * AUDIO.packets_per_slot, np.bool_)
    spans = [span for turn in scene.turns for span in turn.spans]
    if sounds:
        spans += [(sound.start, sound.end) for sound in scene.sounds if sound.words]
    for start, end in spans:
        frames[int(start * 1000 / _FRAME_MS) : ceil(end * 1000 / _FRAME_MS - 1e-6)] = True
    return frames


class WordArrival:
    """Draws when and how the words of scenes arrive."""

    def __init__(self, config: ArrivalConfig, places: int, encode: Encode, mishear: Mishear) -> None:
        """`places`: tokens per slot. `encode`: ids of a word. `mishear`: words as a recognizer might write them."""
        self._config = config
        self._places = places
        self._encode = encode
        self._mishear = mishear
        self._ids: dict[str, tuple[int, ...]] = {}

    def draw(self, scene: Scene, slots: int, rng: random.Random) -> Arrivals:
        """Draw one way in which the words of a scene may arrive within `slots` slots."""
        closes = self._closes(scene, slots, rng)
        agreed, phase = rng.uniform(*self._config.agreed_after), rng.randrange(self._config.every_slots)
        words = np.full((slots, self._places), ABSENT, np.int64)
        known = [NEVER] * len(scene.turns)
        free, taken = 0, 0
        for turn, utterance in _utterances(scene):
            for word in self._recognise(utterance.words, rng):
                slot = self._slot(word.end, closes, agreed, phase)
                for token in self._tokens(word.text):
                    if slot > free or taken == self._places:
                        free, taken = max(slot, free + (taken == self._places)), 0
                    if free >= slots:
                        return Arrivals(words, known)
                    words[free, taken] = token
                    taken += 1
            if turn is not None:
                known[turn] = max(free, int(utterance.end / _SLOT))
        return Arrivals(words, known)

    def _closes(self, scene: Scene, slots: int, rng: random.Random) -> NDArray[np.int64]:
        """[T + 1]: for every slot, the first slot from it on that is recognised as ending with silence."""
        config = self._config
        tail = config.close_ms // _FRAME_MS
        frames = find_voiced_frames(scene, slots, sounds=True).reshape(slots, -1)
        noise = np.random.default_rng(rng.randrange(1 << 30))
        missed = 1.0 if rng.random() < config.deaf_share else config.missed_share
        closed = ~frames[:, -tail:].any(1) & (noise.random(slots) >= missed)
        places = np.where(closed, np.arange(slots), NEVER)
        return np.append(np.minimum.accumulate(places[::-1])[::-1], NEVER)

    def _slot(self, end: float, closes: NDArray[np.int64], agreed: float, phase: int) -> int:
        """The slot in which a word that ended at `end` becomes known."""
        said = min(int(end / _SLOT), len(closes) - 1)
        decoded = int((end + agreed) / _SLOT)
        decoded += (phase - decoded) % self._config.every_slots
        return min(int(closes[said]), decoded) + 1

    def _recognise(self, words: Sequence[SceneWord], rng: random.Random) -> list[SceneWord]:
        """Words as they are recognised; their end times follow the words that were said."""
        said = [word.text.lower() for word in words]
        heard = list(self._mishear(said, rng)) or said
        ratio = len(words) / max(len(heard), 1)
        return [
            SceneWord(text, words[min(int((i + 1) * ratio + 0.5), len(words)) - 1].end) for i, text in enumerate(heard)
        ]

    def _tokens(self, word: str) -> tuple[int, ...]:
        if word not in self._ids:
            self._ids[word] = tuple(self._encode(word))
        return self._ids[word]


def _utterances(scene: Scene) -> list[tuple[int | None, SceneTurn | SceneSound]]:
    """Everything with words, sorted by end time; turns with their number."""
    turns: list[tuple[int | None, SceneTurn | SceneSound]] = list(enumerate(scene.turns))
    sounds: list[tuple[int | None, SceneTurn | SceneSound]] = [(None, sound) for sound in scene.sounds if sound.words]
    return sorted(turns + sounds, key=lambda item: item[1].end)
