"""Rooms and microphones: synthesized impulse responses, and colouring of a whole channel.

The reverberant tail is noise with an exponential decay (Polack 1988); early reflections and colouring are ours. Nothing
here depends on what is said in the room.
"""

import numpy as np
from numpy.random import Generator
from scipy.signal import butter, lfilter, oaconvolve, sosfilt

from configs.audio import AUDIO
from configs.train.simulation import RoomConfig
from duplex.model.interface import Samples

_RATE = AUDIO.input_rate
_DECAY_OF_60_DB = 6.9078


def impulse_response(rng: Generator, config: RoomConfig) -> Samples:
    """Direct sound first, then a few early reflections and an exponentially decaying tail (Polack 1988); the energy is
    1."""
    reverberation = rng.uniform(*config.rt60)
    time = np.arange(int(reverberation * _RATE)) / _RATE
    tail = rng.standard_normal(len(time)) * np.exp(-_DECAY_OF_60_DB * time / reverberation)
    tail = sosfilt(butter(1, rng.uniform(0.2, 0.9), output="sos"), tail)
    tail[: int(config.early_delay[0] * _RATE)] = 0
    for _ in range(config.early_reflections):
        place = min(int(rng.uniform(*config.early_delay) * _RATE), len(tail) - 1)
        tail[place] += rng.choice([-1, 1]) * rng.uniform(0.2, 1.0) * np.abs(tail).max()
    ratio = 10 ** (rng.uniform(*config.direct_to_reverb_db) / 20)
    response = tail / (np.sqrt(np.sum(tail**2)) + 1e-9)
    response[0] += ratio
    return np.asarray(response / np.sqrt(np.sum(response**2)), np.float32)


def in_room(samples: Samples, response: Samples) -> Samples:
    """The sound as it arrives in the room, at the same loudness and without delay."""
    heard = oaconvolve(samples, response)[: len(samples)]
    return np.asarray(heard * (samples.std() / (heard.std() + 1e-9)), np.float32)


def colour_by_microphone(samples: Samples, rng: Generator) -> Samples:
    """A random mixture of lost highs, lost lows and a tilt, at the same loudness."""
    heard = samples
    if rng.random() < 0.5:
        heard = sosfilt(butter(2, rng.uniform(0.35, 0.95), output="sos"), heard)
    if rng.random() < 0.4:
        heard = sosfilt(butter(1, rng.uniform(0.01, 0.05), "high", output="sos"), heard)
    if rng.random() < 0.5:
        heard = lfilter([1, -rng.uniform(-0.3, 0.8)], [1], heard)
    return np.asarray(heard * (samples.std() / (heard.std() + 1e-9)), np.float32)
