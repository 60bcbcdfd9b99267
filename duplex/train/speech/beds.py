"""Synthesizes continuous background sounds: coloured noise, hum, babble, music, a busy kitchen.

All have an RMS of 1, at 16 kHz. The recipes are ours. Nothing here depends on dialogues.
"""

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.signal import butter, lfilter, sosfilt

from configs.audio import AUDIO
from configs.train.simulation import NoiseConfig
from duplex.model.interface import Samples
from duplex.train.speech.short_noises import decay, event, unit

_RATE = AUDIO.input_rate
_CHORDS = ((0, 4, 7), (0, 3, 7), (0, 5, 9), (0, 4, 7, 11), (0, 3, 7, 10))


def colour_noise(rng: Generator, count: int) -> Samples:
    """Noise between white and brown, sometimes without its highs, sometimes slowly swelling: fans, streets, rooms."""
    noise = lfilter([1], [1, -rng.uniform(0, 0.99)], rng.standard_normal(count))
    if rng.random() < 0.4:
        noise = sosfilt(butter(2, rng.uniform(0.05, 0.6), output="sos"), noise)
    if rng.random() < 0.4:
        places = np.linspace(0, count, max(count // _RATE, 2))
        noise = noise * np.interp(np.arange(count), places, rng.uniform(0.3, 1.0, len(places)))
    return unit(noise)


def hum(rng: Generator, count: int) -> Samples:
    """Mains and motors: harmonics of a low tone over a little noise."""
    time = np.arange(count) / _RATE
    base = rng.choice([50.0, 60.0, rng.uniform(40, 220)])
    tone = sum(rng.uniform(0, 1) / k * np.sin(2 * np.pi * base * k * time + rng.uniform(0, 6)) for k in range(1, 9))
    return unit(unit(np.asarray(tone)) + rng.uniform(0.05, 0.5) * colour_noise(rng, count))


def busy(rng: Generator, count: int) -> Samples:
    """Activity nearby: random events over soft noise."""
    out = rng.uniform(0.02, 0.2) * colour_noise(rng, count).astype(np.float64)
    for start in rng.integers(0, count, rng.integers(3, 3 + count // _RATE * 2)):
        sound = event(rng)[: count - start]
        out[start : start + len(sound)] += sound * rng.uniform(0.1, 1.0)
    return unit(out)


def music(rng: Generator, count: int) -> Samples:
    """Chords of plucked or held tones, as from a radio."""
    out = np.zeros(count)
    length, root, ring = int(rng.uniform(0.3, 1.2) * _RATE), rng.uniform(110, 330), rng.uniform(0.15, 1.0)
    for start in range(0, count, length):
        size = min(length, count - start)
        time = np.arange(size) / _RATE
        tones = [root * 2 ** ((step + rng.integers(-5, 6)) / 12) for step in _CHORDS[rng.integers(len(_CHORDS))]]
        sound = sum(np.sin(2 * np.pi * f * k * time) / k**1.5 for f in tones for k in (1, 2, 3))
        out[start : start + size] += np.asarray(sound) * decay(size, ring)
    return unit(out + 0.02 * rng.standard_normal(count))


def babble(rng: Generator, count: int, clips: Sequence[Samples], voices: int) -> Samples:
    """Several people at once, far away. `clips` are spoken lines."""
    out = np.zeros(count)
    for _ in range(voices):
        place = -int(rng.integers(0, _RATE))
        while place < count:
            clip = clips[int(rng.integers(len(clips)))]
            heard = clip[max(-place, 0) : count - place]
            start = max(place, 0)
            out[start : start + len(heard)] += heard * rng.uniform(0.5, 1.0)
            place += len(clip) + int(rng.uniform(0, 0.8) * _RATE)
    return unit(sosfilt(butter(1, 0.4, output="sos"), out) + 0.002 * rng.standard_normal(count))


def bed(rng: Generator, config: NoiseConfig, clips: Sequence[Samples]) -> Samples:
    """Any of these sounds, `config.bed_seconds` long; babble only if there are clips."""
    count = int(config.bed_seconds * _RATE)
    kind = rng.random()
    if kind < 0.4:
        return colour_noise(rng, count)
    if kind < 0.5:
        return hum(rng, count)
    if kind < 0.7:
        return busy(rng, count)
    if kind < 0.8 or not clips:
        return music(rng, count)
    return babble(rng, count, clips, int(rng.integers(*config.babble_voices)))


def repeat_to_length(samples: NDArray[np.float32], count: int, rng: Generator) -> Samples:
    """`count` samples of an endless repetition that starts at a random place."""
    return np.resize(np.roll(samples, int(rng.integers(len(samples)))), count)
