"""Arithmetic on arrays of samples: conversion between 16-bit and float, levels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from duplex.model.interface import Samples

Pcm16 = NDArray[np.int16]

FULL_SCALE = 32768.0
SILENCE_DB = -100.0
"""Level assigned to digital silence, dB relative to full scale."""


def to_int16(samples: Samples) -> Pcm16:
    """Convert float samples -1..1 to 16-bit samples; values beyond are clipped, NaN becomes 0."""
    scaled = np.nan_to_num(np.asarray(samples, dtype=np.float32)) * FULL_SCALE
    return np.clip(np.rint(scaled), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def to_float(pcm: Pcm16) -> Samples:
    """Convert 16-bit samples to float samples -1..1."""
    return pcm.astype(np.float32) / np.float32(FULL_SCALE)


def level_db(pcm: NDArray[Any], full_scale: float = 1.0) -> float:
    """Root mean square level 20 log10(rms / full_scale), dB, at least `SILENCE_DB`."""
    power = float(np.mean(np.square(pcm.astype(np.float64) / full_scale))) if len(pcm) else 0.0
    return max(SILENCE_DB, 10.0 * float(np.log10(power))) if power > 0.0 else SILENCE_DB
