"""Tails of a room: is a channel reverberant, and until when does somebody speak in it.

Blind: the fastest falls of the level tell the room, since no voice in it can fall faster. Knows powers by frame.
"""

import numpy as np

from configs.eval.scoring import ReverberationConfig
from duplex.eval.measures.band_levels import Array, BandPowers, FrameRun, Mask, decibels, join, runs, smooth


def decay_rate(bands: BandPowers, level: float, floor: float, config: ReverberationConfig) -> float | None:
    """How fast the channel decays, dB per second; None where it is dry, or where that cannot be seen.

    Args:
        level: of the speech, dB. floor: levels below it are noise, dB.
    """
    times = _falls(decibels(bands.total), level, floor, bands, config)
    if len(times) < config.decays:
        return None
    middle = float(np.median(times))
    if middle <= config.median_s or np.quantile(times, config.quantile) <= config.quick_s:
        return None
    return config.drop_db / middle


def speaks(bands: BandPowers, rate: float, level: float, config: ReverberationConfig) -> Mask:
    """Frames [F] in which there is more than what decays at `rate` dB/s from before, and speech of `level` dB."""
    levels = decibels(smooth(bands.powers, bands.frames(config.smooth_s)))
    fresh = levels > _late(levels, rate, bands, config) + config.rise_db
    return np.asarray((fresh & (levels > level - config.range_db)).any(axis=1))


def _late(levels: Array, rate: float, bands: BandPowers, config: ReverberationConfig) -> Array:
    """Level [F, B] of what still sounds of all that was `lag_s` and longer ago."""
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
    """Frames that are the loudest of all within `side` frames, and at least `least`."""
    loud = np.flatnonzero(levels > least)
    return [int(at) for at in loud if levels[at] >= levels[max(0, at - side) : at + side].max()]


def without_tails(parts: list[FrameRun], fresh: Mask, bands: BandPowers, config: ReverberationConfig) -> list[FrameRun]:
    """Each run up to its last fresh frame, parted where nothing is fresh for longer than `fill_s`; starts are kept."""
    out: list[FrameRun] = []
    for start, end in parts:
        inside = ((start + a, start + b) for a, b in runs(fresh[start:end]))
        pieces = join(inside, bands.frames(config.fill_s))
        if pieces:
            out += [(start, pieces[0][1]), *pieces[1:]]
    return out
