"""Detects the other side's voice in a channel: an echo in the microphone, a leak between the lines.

The method is ours: a maximum of the Pearson correlation of levels over delays (`CrosstalkConfig`). This module handles
powers by frame of both channels; it does not depend on turns.
"""

from dataclasses import dataclass

import numpy as np

from configs.eval.scoring import CrosstalkConfig
from duplex.eval.measures.band_levels import SILENCE, Array, BandPowers, Mask, decibels, power

_LOUD_QUANTILE = 0.95


@dataclass(frozen=True)
class Crosstalk:
    """A leak: `floor` [F, B], powers below which a channel may contain only the other side; `level`: dB."""

    floor: Array
    level: float


def crosstalk(own: BandPowers, other: BandPowers, config: CrosstalkConfig) -> Crosstalk | None:
    """The leak of `other` that must be expected in `own`; None if there is none.

    Both begin at the same moment and have the same bands.
    """
    count = min(len(own.powers), len(other.powers))
    mine, theirs = decibels(own.total[:count]), decibels(other.total[:count])
    sounding = theirs > decibels(SILENCE)
    if not sounding.any():
        return None
    loud = theirs > np.quantile(theirs[sounding], _LOUD_QUANTILE) - config.loud_db
    if loud.sum() < other.frames(config.least_s):
        return None
    delay, found = _delay(mine, theirs, loud, other, config)
    level = _gain(mine, theirs, loud, delay)
    if found < config.correlation or level > -config.below_db:
        return None
    return Crosstalk(_floor(own, other, loud, delay, config), level)


def _delay(mine: Array, theirs: Array, loud: Mask, bands: BandPowers, config: CrosstalkConfig) -> tuple[int, float]:
    """The delay in frames with the highest correlation of the levels, and that correlation (Pearson's)."""
    step = max(1, bands.frames(config.step_s))
    delays = range(-bands.frames(config.ahead_s), bands.frames(config.delay_s) + 1, step)
    scores = [(_correlation(*_pairs(mine, theirs, loud, delay), config), delay) for delay in delays]
    best, delay = max(scores)
    return delay, best


def _pairs(mine: Array, theirs: Array, loud: Mask, delay: int) -> tuple[Array, Array]:
    """Levels of loud frames of the other side, and of this side `delay` frames later."""
    at = np.flatnonzero(loud)
    at = at[(at + delay >= 0) & (at + delay < len(mine))]
    return mine[at + delay], theirs[at]


def _correlation(mine: Array, theirs: Array, config: CrosstalkConfig) -> float:
    if not len(mine):
        return 0.0
    difference = mine - theirs
    kept = difference <= np.median(difference) + config.robust_db
    mine, theirs = mine[kept], theirs[kept]
    if np.ptp(mine) == 0.0 or np.ptp(theirs) == 0.0:
        return 0.0
    return float(np.corrcoef(mine, theirs)[0, 1])


def _gain(mine: Array, theirs: Array, loud: Mask, delay: int) -> float:
    here, there = _pairs(mine, theirs, loud, delay)
    return float(np.median(here - there)) if len(here) else 0.0


def _floor(own: BandPowers, other: BandPowers, loud: Mask, delay: int, config: CrosstalkConfig) -> Array:
    """Floor per band: the leak of the other side and of its tail, plus the margin."""
    margin, early = power(config.margin_db), other.frames(config.ahead_s)
    count = min(len(own.powers), len(other.powers))
    source = np.clip(np.arange(len(own.powers)) - delay + early, 0, count - 1)
    out = np.zeros_like(own.powers)
    for band in range(own.powers.shape[1]):
        mine, theirs = decibels(own.powers[:count, band]), decibels(other.powers[:count, band])
        slope = config.fall_db_per_s * other.hop_s * np.arange(count)
        heard = np.maximum.accumulate(theirs + slope) - slope
        out[:, band] = (10 ** (heard / 10))[source] * power(_gain(mine, theirs, loud, delay)) * margin
    return out
