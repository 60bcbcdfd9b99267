"""Arithmetic on samples: 16-bit and float, levels. Knows arrays only, no rates and no time."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from duplex.model.interface import Samples

Pcm16 = NDArray[np.int16]

FULL_SCALE = 32768.0
SILENCE_DB = -100.0
"""Level that stands for digital silence, dB relative to full scale."""


def to_int16(samples: Samples) -> Pcm16:
    """Float samples -1..1 as 16-bit samples; what lies beyond is clipped, what is not a number becomes 0."""
    scaled = np.nan_to_num(np.asarray(samples, dtype=np.float32)) * FULL_SCALE
    return np.clip(np.rint(scaled), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def to_float(pcm: Pcm16) -> Samples:
    """16-bit samples as float samples -1..1."""
    return pcm.astype(np.float32) / np.float32(FULL_SCALE)


def level_db(pcm: NDArray[Any], full_scale: float = 1.0) -> float:
    """Root mean square level, dB relative to `full_scale`, at least `SILENCE_DB`."""
    power = float(np.mean(np.square(pcm.astype(np.float64) / full_scale))) if len(pcm) else 0.0
    return max(SILENCE_DB, 10.0 * float(np.log10(power))) if power > 0.0 else SILENCE_DB
