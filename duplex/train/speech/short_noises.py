"""Synthesizes short noises that occur in a room: coughs, knocks, clinks, clicks, breaths and the like.

Every function takes a generator and returns samples at 16 kHz with an RMS of 1. The recipes are ours. Nothing here
depends on dialogues.
"""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from configs.audio import AUDIO
from duplex.model.interface import Samples

_RATE = AUDIO.input_rate
_NYQUIST_SHARE = 0.98


def unit(samples: NDArray[np.floating]) -> Samples:
    """Scale a sound to an RMS of 1."""
    return np.asarray(samples / (np.sqrt(np.mean(np.square(samples))) + 1e-9), np.float32)


def seconds(rng: Generator, low: float, high: float) -> int:
    """A random length in samples."""
    return int(rng.uniform(low, high) * _RATE)


def band(samples: NDArray[np.floating], low: float, high: float) -> NDArray[np.float64]:
    """Band-pass filter from `low` to `high` Hz."""
    nyquist = _RATE / 2
    edges = [max(low / nyquist, 0.002), min(high / nyquist, _NYQUIST_SHARE)]
    return np.asarray(sosfilt(butter(2, edges, "band", output="sos"), samples))


def decay(count: int, time: float) -> NDArray[np.float64]:
    """Exponential decay over `count` samples with a time constant in seconds."""
    return np.exp(-np.arange(count) / (time * _RATE))


def string_together(rng: Generator, sounds: list[NDArray[np.float64]], gap: tuple[float, float]) -> Samples:
    """Sounds one after the other with gaps between their starts (seconds), each at a level of its own."""
    starts = np.cumsum([0, *(seconds(rng, *gap) for _ in sounds[1:])])
    out = np.zeros(max(start + len(sound) for start, sound in zip(starts, sounds, strict=True)))
    for start, sound in zip(starts, sounds, strict=True):
        out[start : start + len(sound)] += sound * rng.uniform(0.4, 1.0)
    return unit(out)


def cough(rng: Generator) -> Samples:
    """One to three bursts: a hard onset, then breath noise and a hint of voice."""

    def burst() -> NDArray[np.float64]:
        count = seconds(rng, 0.12, 0.35)
        noise = band(rng.standard_normal(count), rng.uniform(200, 600), rng.uniform(2000, 5500))
        voice = np.sin(2 * np.pi * np.cumsum(np.linspace(rng.uniform(150, 300), 110, count)) / _RATE) ** 5
        attack = np.minimum(np.arange(count) / (0.008 * _RATE), 1)
        return (noise / noise.std() + rng.uniform(0, 1.2) * voice) * attack * decay(count, rng.uniform(0.04, 0.12))

    return string_together(rng, [burst() for _ in range(rng.integers(1, 4))], (0.2, 0.5))


def throat(rng: Generator) -> Samples:
    """Clearing one's throat: rough, low, once or twice."""

    def rasp() -> NDArray[np.float64]:
        count = seconds(rng, 0.2, 0.5)
        rough = 0.5 + 0.5 * np.sign(np.sin(2 * np.pi * rng.uniform(22, 60) * np.arange(count) / _RATE))
        return band(rng.standard_normal(count) * rough, 150, rng.uniform(900, 2200)) * np.hanning(count) ** 0.4

    return string_together(rng, [rasp() for _ in range(rng.integers(1, 3))], (0.3, 0.6))


def knock(rng: Generator) -> Samples:
    """Knuckles on wood, or something put down on a table."""
    tones = rng.uniform(70, 700, 4)

    def hit() -> NDArray[np.float64]:
        count = seconds(rng, 0.06, 0.18)
        time = np.arange(count) / _RATE
        body = sum(np.sin(2 * np.pi * tone * time) * decay(count, rng.uniform(0.01, 0.04)) for tone in tones)
        return np.asarray(body + rng.standard_normal(count) * decay(count, 0.004))

    return string_together(rng, [hit() for _ in range(rng.integers(1, 6))], (0.1, 0.35))


def clink(rng: Generator) -> Samples:
    """Dishes, glasses, keys: inharmonic partials that ring."""

    def ring() -> NDArray[np.float64]:
        count = seconds(rng, 0.08, 0.5)
        time = np.arange(count) / _RATE
        partials = rng.uniform(1200, 7200, rng.integers(3, 9))
        return np.asarray(sum(np.sin(2 * np.pi * f * time) * decay(count, rng.uniform(0.01, 0.12)) for f in partials))

    return string_together(rng, [ring() for _ in range(rng.integers(1, 6))], (0.04, 0.4))


def typing(rng: Generator) -> Samples:
    """Keys, a mouse, a pen: a series of clicks."""

    def click() -> NDArray[np.float64]:
        count = seconds(rng, 0.006, 0.03)
        return band(rng.standard_normal(count), rng.uniform(500, 2500), 7000) * decay(count, 0.004)

    return string_together(rng, [click() for _ in range(rng.integers(1, 14))], (0.04, 0.28))


def breath(rng: Generator) -> Samples:
    """Breathing in or out, or a sigh."""
    count = seconds(rng, 0.2, 1.0)
    return unit(band(rng.standard_normal(count), rng.uniform(200, 900), rng.uniform(2500, 6500)) * np.hanning(count))


def scrape(rng: Generator) -> Samples:
    """A chair, a drawer, paper or cloth: noise that comes and goes."""
    count = seconds(rng, 0.3, 1.5)
    swell = np.interp(np.arange(count), np.linspace(0, count, 12), rng.uniform(0, 1, 12) ** 2)
    low = rng.uniform(100, 2500)
    return unit(band(rng.standard_normal(count), low, low * rng.uniform(1.5, 6)) * swell * np.hanning(count) ** 0.3)


def bark(rng: Generator) -> Samples:
    """A dog or a bird: short calls with a bent pitch and harmonics."""
    pitch, bend = rng.uniform(250, 1800), rng.uniform(0.6, 1.5)

    def call() -> NDArray[np.float64]:
        count = seconds(rng, 0.08, 0.3)
        phase = 2 * np.pi * np.cumsum(pitch * np.linspace(1, bend, count)) / _RATE
        tone = sum(np.sin(k * phase) / k for k in range(1, 5))
        return np.asarray((tone + 0.3 * rng.standard_normal(count)) * np.hanning(count))

    return string_together(rng, [call() for _ in range(rng.integers(1, 5))], (0.2, 0.6))


def beep(rng: Generator) -> Samples:
    """A telephone, an oven, a message: one to four tones."""

    def tone() -> NDArray[np.float64]:
        count = seconds(rng, 0.08, 0.4)
        time = np.arange(count) / _RATE
        return np.sin(2 * np.pi * rng.uniform(400, 3000) * time) * np.hanning(count) ** 0.2

    return string_together(rng, [tone() for _ in range(rng.integers(1, 5))], (0.12, 0.5))


def bump(rng: Generator) -> Samples:
    """The microphone or the table is touched: a thump of low frequencies."""
    count = seconds(rng, 0.1, 0.4)
    return unit(band(rng.standard_normal(count), 25, rng.uniform(80, 300)) * decay(count, rng.uniform(0.03, 0.1)))


MAKERS: tuple[Callable[[Generator], Samples], ...] = (
    *(cough, throat, knock, clink, typing, breath, scrape, bark, beep, bump),
)


def event(rng: Generator) -> Samples:
    """Any of these noises."""
    return MAKERS[rng.integers(len(MAKERS))](rng)
