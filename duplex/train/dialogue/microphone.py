"""Simulates the microphone on the user's side: room, colouring, noise bed, gain, noise floor.

This module works on a whole channel of samples, whatever it contains.
"""

import random

import numpy as np

from configs.train.simulation import ChannelConfig
from duplex.model.interface import Samples
from duplex.train.dialogue.library import Library
from duplex.train.speech.beds import repeat_to_length
from duplex.train.speech.rooms import colour_by_microphone, in_room


def record(samples: Samples, library: Library, config: ChannelConfig, rng: random.Random) -> Samples:
    """The channel [N] as the microphone records it; everything is drawn once for the whole dialogue."""
    noise = np.random.default_rng(rng.randrange(1 << 30))
    heard = samples
    if rng.random() < config.room_share:
        heard = in_room(heard, rng.choice(library.rooms))
    if rng.random() < config.microphone_share:
        heard = colour_by_microphone(heard, noise)
    if rng.random() < config.bed_share:
        below = 10 ** (-rng.uniform(*config.bed_below_speech_db) / 20)
        heard = heard + repeat_to_length(rng.choice(library.beds), len(heard), noise) * np.float32(
            config.speech_rms * below
        )
    gain = np.float32(10 ** (rng.uniform(*config.gain_db) / 20))
    floor = np.float32(10 ** rng.uniform(*config.floor_log10))
    return np.clip(heard * gain + noise.standard_normal(len(heard), np.float32) * floor, -1, 1)
