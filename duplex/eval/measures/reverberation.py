"""Detects reverberation: whether a channel is reverberant, and when speech in it really ends.

The method is blind and ours: the fastest falls of the level show the room's decay, because no voice in it can fall
faster. It works on powers by frame.
"""

import numpy as np

from configs.eval.scoring import ReverberationConfig
from duplex.eval.measures.band_levels import Array, BandPowers, FrameRun, Mask, decibels, join, runs, smooth


def decay_rate(bands: BandPowers, level: float, floor: float, config: ReverberationConfig) -> float | None:
    """How fast the channel decays, dB per second; None if it is dry or the decay cannot be determined.

    Args:
        level: level of the speech, dB. floor: levels below it are noise, dB.
    """
    times = _falls(decibels(bands.total), level, floor, bands, config)
    if len(times) < config.decays:
        return None
    middle = float(np.median(times))
    if middle <= config.median_s or np.quantile(times, config.quantile) <= config.quick_s:
        return None
    return config.drop_db / middle


def speaks(bands: BandPowers, rate: float, level: float, config: ReverberationConfig) -> Mask:
    """Mask [F] of frames with more sound than what decays from earlier at `rate` dB/s, in a channel with speech of
    `level` dB."""
    levels = decibels(smooth(bands.powers, bands.frames(config.smooth_s)))
    fresh = levels > _late(levels, rate, bands, config) + config.rise_db
    return np.asarray((fresh & (levels > level - config.range_db)).any(axis=1))


def _late(levels: Array, rate: float, bands: BandPowers, config: ReverberationConfig) -> Array:
    """Level [F, B] of the remaining decay of everything that was `lag_s` or longer ago."""
    slope = rate * bands.hop_s * np.arange(len(levels))[:, None]
    lag = max(1, bands.frames(config.lag_s))
    out = np.full(levels.shape, float(decibels(0.0)))
    out[lag:] = np.maximum.accumulate(levels + slope, axis=0)[:-lag] - slope[lag:]
    return out


def _falls(levels: Array, level: float, floor: float, bands: BandPowers, config: ReverberationConfig) -> Array:
    """Seconds that each fall of `drop_db` takes, from the last frame that is less than `from_db` below a peak."""
    longest, side = bands.frames(config.longest_s), bands.frames(config.side_s)
    bottom = config.from_db + config.drop_db
    times, after = [], 0
    for peak in _peaks(levels, side, max(level - config.peak_db, floor + bottom)):
        if peak < after:
            continue
        ahead = levels[peak + 1 : peak + longest]
        low = np.flatnonzero(ahead < levels[peak] - bottom)
        if not len(low) or ahead[: low[0]].max(initial=-np.inf) > levels[peak]:
            continue
        high = np.flatnonzero(ahead[: low[0]] >= levels[peak] - config.from_db)
        times.append((low[0] - (high[-1] if len(high) else -1)) * bands.hop_s)
        after = peak + int(low[0])
    return np.array(times)


def _peaks(levels: Array, side: int, least: float) -> list[int]:
    """Frames that are the loudest within `side` frames and at least as loud as `least`."""
    loud = np.flatnonzero(levels > least)
    return [int(at) for at in loud if levels[at] >= levels[max(0, at - side) : at + side].max()]


def without_tails(parts: list[FrameRun], fresh: Mask, bands: BandPowers, config: ReverberationConfig) -> list[FrameRun]:
    """Each run up to its last fresh frame, split where nothing is fresh for longer than `fill_s`; starts are kept."""
    out: list[FrameRun] = []
    for start, end in parts:
        inside = ((start + a, start + b) for a, b in runs(fresh[start:end]))
        pieces = join(inside, bands.frames(config.fill_s))
        if pieces:
            out += [(start, pieces[0][1]), *pieces[1:]]
    return out
