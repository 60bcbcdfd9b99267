"""The other side's voice in a channel: an echo in the microphone, a leak between the lines.

Knows powers by frame of both channels; knows nothing of turns.
"""

from dataclasses import dataclass

import numpy as np

from configs.scoring import CrosstalkConfig
from duplex.eval.measures.band_levels import SILENCE, Array, BandPowers, Mask, decibels, power

_LOUD_QUANTILE = 0.95


@dataclass(frozen=True)
class Crosstalk:
    """What leaks: `floor` [F, B], powers below which a channel may hold nothing but the other side; `level`: dB."""

    floor: Array
    level: float


def crosstalk(own: BandPowers, other: BandPowers, config: CrosstalkConfig) -> Crosstalk | None:
    """What of `other` must be expected in `own`; None where nothing of it is heard.

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
    """The delay in frames at which the levels correlate best, and how well."""
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
    """Per band: the loudest of the other side just before, as it leaks, and the margin."""
    margin, tail = power(config.margin_db), max(1, other.frames(config.tail_s))
    out = np.zeros(own.powers.shape)
    for band in range(min(own.powers.shape[1], other.powers.shape[1])):
        gain = power(_gain(decibels(own.powers[:, band]), decibels(other.powers[:, band]), loud, delay))
        leaked = _loudest(other.powers[:, band], tail) * gain * margin
        at = np.arange(len(out))
        source = np.clip(at - delay + tail // 4, 0, len(leaked) - 1)
        out[:, band] = leaked[source]
    return out


def _loudest(values: Array, frames: int) -> Array:
    """The largest of the last `frames` values at each place."""
    out, reach = values.copy(), 1
    while reach < frames:
        step = min(reach, frames - reach)
        out[step:] = np.maximum(out[step:], out[:-step])
        reach += step
    return out
