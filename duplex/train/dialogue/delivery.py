"""Delivers a user's turn: pieces with human-like pauses between and inside them, fading, breaths, fillers.

The pauses are like people's, not like synthesizers': a state head that has never met them takes the turn in every
second sentence. Nothing here depends on dialogues.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import soxr
from scipy.signal import butter, sosfilt

from configs.audio import AUDIO
from configs.train.simulation import DeliveryConfig, PauseConfig, SpreadConfig
from duplex.model.interface import Samples
from duplex.train.dialogue.scene import SceneWord, Span, time_words
from duplex.train.speech.bank import BankPart, Line, Piece

_RATE = AUDIO.input_rate
_FRAME = AUDIO.packet_input_samples
_CUT_FADE = 240
_BREATH = butter(2, [0.05, 0.5], "band", output="sos")
_LONG_ENOUGH_TO_PART = 1.2


@dataclass
class SpokenTurn:
    """A spoken turn: samples at 16 kHz, and each piece's words with their voiced stretch in seconds."""

    samples: Samples
    pieces: list[tuple[str, Span]]

    @property
    def seconds(self) -> float:
        """Length of the turn."""
        return len(self.samples) / _RATE

    @property
    def spans(self) -> tuple[Span, ...]:
        """Voiced stretches."""
        return tuple(span for _, span in self.pieces)

    @property
    def words(self) -> tuple[SceneWord, ...]:
        """Words with their ends."""
        return tuple(word for text, span in self.pieces for word in time_words(text, [span]))

    def after(self, other: "SpokenTurn", gap: float) -> "SpokenTurn":
        """This turn after `other` and a gap."""
        silence = np.zeros(int(gap * _RATE), np.float32)
        shift = other.seconds + len(silence) / _RATE
        moved = [(text, (start + shift, end + shift)) for text, (start, end) in self.pieces]
        return SpokenTurn(np.concatenate([other.samples, silence, self.samples]), other.pieces + moved)

    def last(self, seconds: float) -> "SpokenTurn":
        """The end of the turn, from the first piece that begins within its last `seconds`."""
        starts = [start for _, (start, _) in self.pieces if start >= self.seconds - seconds]
        first = starts[0] if starts else self.pieces[-1][1][0]
        kept = [(text, (a - first, b - first)) for text, (a, b) in self.pieces if a >= first]
        return SpokenTurn(self.samples[int(first * _RATE) :], kept)


@dataclass
class _Part:
    samples: Samples
    text: str
    pause: float = field(default=0.0)


def draw_seconds(spread: SpreadConfig, rng: random.Random) -> float:
    """A clipped log-normal draw, seconds."""
    return min(spread.high, max(spread.low, spread.median * math.exp(rng.gauss(0, spread.sigma))))


class Delivery:
    """Makes turns from clips."""

    def __init__(
        self, pauses: PauseConfig, delivery: DeliveryConfig, fillers: Sequence[tuple[BankPart, Piece]]
    ) -> None:
        self._pauses = pauses
        self._config = delivery
        self._fillers = fillers

    def say(self, bank: BankPart, line: Line, rng: random.Random, part_of_turn: bool = False) -> SpokenTurn:
        """Deliver one turn.

        Args:
            bank: contains the clips of `line`.
            line: what is said.
            rng: source of all draws.
            part_of_turn: whether to begin at any of the line's pieces.
        """
        pieces = [piece for piece in line.pieces if piece.length]
        if part_of_turn:
            pieces = pieces[rng.randrange(len(pieces)) :]
        parts: list[_Part] = []
        for place, piece in enumerate(pieces):
            last = place == len(pieces) - 1
            part = _Part(bank.samples(piece), piece.text, 0.0 if last else self._pause(piece.mark, rng))
            parts += self._part(part, len(pieces) == 1, rng)
        return self._join(parts, rng)

    def _pause(self, mark: str, rng: random.Random) -> float:
        config = self._pauses
        if mark in "sq":
            return draw_seconds(config.sentence, rng)
        if rng.random() < config.hesitation_share:
            return rng.uniform(*config.hesitation)
        if mark == "f":
            return draw_seconds(config.filler, rng)
        return draw_seconds(config.clause, rng) if rng.random() < config.clause_share else config.clause_without

    def _part(self, part: _Part, alone: bool, rng: random.Random) -> list[_Part]:
        """The part, or its halves with a hesitation between them."""
        config = self._pauses
        share = config.inside_line_share if alone else config.inside_turn_share
        if len(part.samples) < _LONG_ENOUGH_TO_PART * _RATE or rng.random() >= share:
            return [part]
        place = _quiet_place(part.samples, rng)
        first, second = _cut(part.samples, place)
        before, after = _part_words(part.text, place / len(part.samples))
        halves = [
            _Part(first, before, draw_seconds(config.inside_line if alone else config.inside, rng)),
            _Part(second, after, part.pause),
        ]
        if alone and self._fillers and rng.random() < config.filler_in_line_share:
            bank, filler = rng.choice(self._fillers)
            halves.insert(1, _Part(bank.samples(filler), filler.text, draw_seconds(config.filler, rng)))
        return halves

    def _join(self, parts: list[_Part], rng: random.Random) -> SpokenTurn:
        config = self._config
        fading = rng.random() < config.fading_share
        sounds: list[Samples] = []
        pieces: list[tuple[str, Span]] = []
        place = 0
        for part in parts:
            samples = part.samples * np.float32(10 ** (rng.uniform(*config.level_db) / 20))
            samples = self._fade(samples, rng) if fading else samples
            silence = self._silence(part.pause, rng)
            pieces.append((part.text, (place / _RATE, (place + len(samples)) / _RATE)))
            sounds += [samples, silence]
            place += len(samples) + len(silence)
        return self._stretch(SpokenTurn(np.concatenate(sounds[:-1]), pieces), rng)

    def _fade(self, samples: Samples, rng: random.Random) -> Samples:
        """Lower the level towards the end of a phrase, as voices do."""
        count = min(len(samples) // 2, int(rng.uniform(*self._config.fade_seconds) * _RATE))
        ramp = np.ones(len(samples), np.float32)
        ramp[len(samples) - count :] = np.linspace(1, rng.uniform(*self._config.fade_to), count)
        return samples * ramp

    def _silence(self, seconds: float, rng: random.Random) -> Samples:
        silence = np.zeros(int(seconds * _RATE), np.float32)
        if seconds > self._config.breath_from and rng.random() < self._config.breath_share:
            count = int(min(rng.uniform(0.12, 0.3), seconds) * _RATE)
            noise = np.random.default_rng(rng.randrange(1 << 30)).standard_normal(count)
            breath = sosfilt(_BREATH, noise * np.hanning(count)) * rng.uniform(*self._config.breath_level)
            silence[-count:] += breath.astype(np.float32)
        return silence

    def _stretch(self, said: SpokenTurn, rng: random.Random) -> SpokenTurn:
        """The same turn a little higher and faster, or lower and slower."""
        if rng.random() >= self._config.stretch_share:
            return said
        ratio = rng.uniform(*self._config.stretch)
        samples = soxr.resample(said.samples, _RATE, _RATE * ratio, quality="LQ").astype(np.float32)
        return SpokenTurn(samples, [(text, (a * ratio, b * ratio)) for text, (a, b) in said.pieces])


def _quiet_place(samples: Samples, rng: random.Random) -> int:
    """Pick one of the quietest places between one fifth and four fifths of the clip."""
    count = len(samples) // _FRAME
    energy = np.square(samples[: count * _FRAME]).reshape(count, _FRAME).mean(1)
    smooth = np.convolve(energy, np.ones(3) / 3, "same")
    low, high = count // 5, max(count // 5 + 1, count * 4 // 5)
    quietest = np.argsort(smooth[low:high])[:6] + low
    return int(quietest[rng.randrange(len(quietest))]) * _FRAME


def _cut(samples: Samples, place: int) -> tuple[Samples, Samples]:
    first, second = samples[:place].copy(), samples[place:].copy()
    ramp = np.linspace(1, 0, _CUT_FADE, dtype=np.float32)
    if len(first) > _CUT_FADE:
        first[-_CUT_FADE:] *= ramp
    if len(second) > _CUT_FADE:
        second[:_CUT_FADE] *= ramp[::-1]
    return first, second


def _part_words(text: str, share: float) -> tuple[str, str]:
    """Split words into those of which at least half was said before `share` of the clip, and the others."""
    words = text.split()
    total = sum(len(word) + 1 for word in words)
    said, before = 0, 0
    for word in words:
        if said + len(word) / 2 > share * total:
            break
        said += len(word) + 1
        before += 1
    return " ".join(words[:before]), " ".join(words[before:])
