"""Finds when somebody speaks in a channel of a recording, however loud, noisy or coded it is.

The method is ours: an energy gate per frequency band. A frame is speech if it is above what would be there without
speech (noise, fluctuations of the noise, the other side's voice, the tail of a room) and within some range of the
channel's own speech level. A run of such frames counts if enough of it is nearly as loud as that level. Edges are found
in the waveform.

Every number is in `configs.eval.scoring.ActivityConfig`. Nothing here depends on turns.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from configs.eval.scoring import ActivityConfig, FloorConfig
from duplex.eval.measures.activity import AudibleSegment
from duplex.eval.measures.band_levels import (
    Array,
    BandPowers,
    FrameRun,
    Mask,
    band_powers,
    chi_square,
    decibels,
    join,
    power,
    runs,
    smooth,
)
from duplex.eval.measures.crosstalk import Crosstalk, crosstalk
from duplex.eval.measures.reverberation import decay_rate, speaks, without_tails


@dataclass(frozen=True)
class SpeechActivity:
    """The result for a channel.

    Attributes:
        segments: segments of speech, in order.
        level: level of the speech, dB relative to full scale; None without speech.
        noise: level without speech, dB.
        leak: level of the other side's voice in this channel relative to that side's, dB; None if it is not heard.
        reverberant: whether reverberant tails were removed.
    """

    segments: tuple[AudibleSegment, ...] = ()
    level: float | None = None
    noise: float = float(decibels(0.0))
    leak: float | None = None
    reverberant: bool = False


@dataclass(frozen=True)
class _Threshold:
    """The thresholds of a frame and of a run of speech.

    `bands`: [B] powers. `excess`: dB above them that some band must reach. `loud`: total power that a run must reach.
    `noise`: total power without speech.
    """

    bands: Array
    excess: float
    loud: float
    noise: float


def speech(samples: NDArray[Any], rate: int, config: ActivityConfig) -> tuple[AudibleSegment, ...]:
    """Segments of speech in one channel, `samples` [n] at `rate` Hz; gaps up to `fill_s` are part of them."""
    centred = _centre(samples)
    return _Channel(centred, rate, band_powers(centred, rate, config.bands), None, config).activity().segments


def speech_of_both(
    first: NDArray[Any], second: NDArray[Any], rate: int, config: ActivityConfig
) -> tuple[SpeechActivity, SpeechActivity]:
    """Speech in both channels of a dialogue, each without the leak from the other.

    Args:
        first, second: [n] at `rate` Hz, on one clock.
    """
    sides = [_centre(first), _centre(second)]
    bands = [band_powers(side, rate, config.bands) for side in sides]
    leaks = [crosstalk(bands[0], bands[1], config.crosstalk), crosstalk(bands[1], bands[0], config.crosstalk)]
    found = [_Channel(*one, config).activity() for one in zip(sides, (rate, rate), bands, leaks, strict=True)]
    return found[0], found[1]


def _centre(samples: NDArray[Any]) -> Array:
    """Remove the offset, the median, which is that of silence if somebody speaks less than half of the time."""
    wide = np.asarray(samples, np.float64)
    return wide - np.median(wide) if len(wide) else wide


class _Channel:
    """One channel and the results for it so far."""

    def __init__(
        self, samples: Array, rate: int, bands: BandPowers, leak: Crosstalk | None, config: ActivityConfig
    ) -> None:
        self._samples, self._rate, self._bands, self._leak, self._config = samples, rate, bands, leak, config
        self._powers, self._total = bands.powers, bands.total
        self._floor = _noise(bands, config.floor)
        self._audible = (
            self._floor * chi_square(bands.freedom, config.floor.false_alarm_z) * power(config.floor.margin_db)
        )

    def activity(self) -> SpeechActivity:
        """Everything about the channel."""
        noise, leak = float(decibels(self._floor.sum())), self._leak.level if self._leak else None
        sounding = self._above(self._audible) & (self._total > power(self._config.quiet_db))
        level = self._first_level(sounding)
        for _ in range(2):
            cores = self._cores(sounding, level)
            if not cores:
                return SpeechActivity(noise=noise, leak=leak)
            level = float(np.quantile(self._inside(cores), self._config.level_quantile))
        threshold = self._threshold(cores, level)
        if level < max(threshold.noise, self._floor.sum()) * power(self._config.contrast_db):
            return SpeechActivity(noise=noise, leak=leak)
        parts = self._parts(threshold)
        level_db, room = float(decibels(level)), self._config.reverberation
        rate = decay_rate(self._bands, level_db, float(decibels(threshold.noise)), room)
        if rate is not None:
            parts = without_tails(parts, speaks(self._bands, rate, level_db, room), self._bands, room)
        edges = _Edges(self._samples, self._rate, self._config, level, threshold, self._bands.hop_s)
        return SpeechActivity(tuple(edges.segment(part) for part in parts), level_db, noise, leak, rate is not None)

    def _above(self, limits: Array) -> Mask:
        """Frames that are above `limits` [B], and above the leak, in some band."""
        if self._leak is not None:
            limits = np.maximum(limits, self._leak.floor)
        return np.asarray((self._powers > limits).any(axis=1))

    def _first_level(self, sounding: Mask) -> float:
        config = self._config
        count = max(config.top_s / self._bands.hop_s, config.top_share * float(sounding.sum()))
        loudest = np.sort(self._total[sounding])[::-1]
        return float(loudest[min(int(count), len(loudest) - 1)]) if len(loudest) else 0.0

    def _core_db(self, level: float) -> float:
        above = float(decibels(level) - decibels(self._floor.sum()))
        return float(np.clip(above - self._config.swing_db, self._config.core_db, self._config.deepest_core_db))

    def _cores(self, sounding: Mask, level: float) -> list[FrameRun]:
        """Runs that are certainly speech."""
        if level < power(self._config.quiet_db):
            return []
        return self._lasting(sounding & (self._total > level * power(-self._core_db(level))))

    def _lasting(self, mask: Mask) -> list[FrameRun]:
        least = self._bands.frames(self._config.least_s)
        found = join(runs(mask), self._bands.frames(self._config.fill_s))
        return [(start, end) for start, end in found if mask[start:end].sum() >= least]

    def _inside(self, parts: list[FrameRun]) -> Array:
        return np.concatenate([self._total[start:end] for start, end in parts])

    def _find_silence(self, cores: list[FrameRun]) -> Mask:
        """Frames that are certainly neither speech nor leak."""
        apart = self._bands.frames(self._config.floor.apart_s)
        out = np.ones(len(self._total), dtype=bool)
        for start, end in cores:
            out[max(0, start - apart) : end + apart] = False
        if self._leak is not None:
            out &= ~(self._leak.floor > self._audible).any(axis=1)
        return out

    def _threshold(self, cores: list[FrameRun], level: float) -> _Threshold:
        config, floor = self._config, self._config.floor
        bands = np.maximum(self._audible, level * power(-config.range_db))
        loud = level * power(-config.weak_db)
        beside = self._find_silence(cores)
        if beside.sum() < self._bands.frames(floor.least_s):
            return _Threshold(bands, 0.0, loud, float(self._floor.sum()))
        quiet, depth = self._powers[beside], power(-floor.depth_db)
        total = self._total[beside]
        swings = _upper(decibels(np.maximum(quiet, bands * depth)), floor.band_spreads, floor)
        bands = np.maximum(bands, 10 ** (swings / 10))
        joint = np.maximum(decibels(quiet / bands).max(axis=1), -floor.depth_db)
        excess = max(0.0, float(_upper(joint, floor.joint_spreads, floor)))
        swing = float(_upper(decibels(np.maximum(total, loud * depth)), floor.loud_spreads, floor))
        loud = min(max(loud, power(swing)), level * power(-self._core_db(level)))
        return _Threshold(bands, excess, loud, float(np.median(total)))

    def _parts(self, threshold: _Threshold) -> list[FrameRun]:
        """Runs of speech, each with the release of a final stop."""
        config, bands = self._config, self._bands
        above = self._above(threshold.bands * power(threshold.excess))
        out: list[FrameRun] = []
        for start, end in join(runs(above), bands.frames(config.fill_s)):
            if (self._total[start:end] > threshold.loud).sum() >= bands.frames(config.least_s):
                out.append((start, end))
            elif out and self._is_release(start, end, out[-1][1], threshold):
                out[-1] = (out[-1][0], end)
        return out

    def _is_release(self, start: int, end: int, after: int, threshold: _Threshold) -> bool:
        config, bands = self._config, self._bands
        if end - start < bands.frames(config.release_s) or start - after > bands.frames(config.after_s):
            return False
        least = threshold.bands * power(threshold.excess + config.release_db)
        return bool((self._powers[start:end] > least).any())


class _Edges:
    """Finds the exact time of an edge near a frame."""

    def __init__(
        self, samples: Array, rate: int, config: ActivityConfig, level: float, threshold: _Threshold, hop_s: float
    ) -> None:
        self._squares, self._rate, self._config, self._hop_s = np.square(samples), rate, config.edges, hop_s
        self._least = max(level * power(-config.range_db), threshold.noise * power(config.edges.above_db))
        above = decibels(threshold.bands / level) + threshold.excess + config.range_db
        self._masked_db = max(0.0, float(np.median(above)))

    def segment(self, part: FrameRun) -> AudibleSegment:
        """The run's start and end in seconds."""
        config = self._config
        start = self._edge(part[0] * self._hop_s, self._squares) - self._mask(config.masked_onset_s_per_db)
        length = len(self._squares) / self._rate
        end = length - self._edge(length - (part[1] - 1) * self._hop_s, self._squares[::-1])
        end += self._mask(config.masked_offset_s_per_db)
        return AudibleSegment(max(0.0, start), min(length, max(start, end)))

    def _mask(self, per_db: float) -> float:
        return min(self._config.masked_s, per_db * self._masked_db)

    def _edge(self, near: float, squares: Array) -> float:
        """Time at which the energy of the last `window_s` first passes the threshold around `near`, or else `near`;
        seconds."""
        config = self._config
        width, reach = max(2, round(config.window_s * self._rate)), round(config.near_s * self._rate)
        first = round(near * self._rate) - reach - width
        part = np.pad(squares[max(0, first) : first + 2 * reach + width], (1 + max(0, -first), 0))
        sums = np.cumsum(part)
        means = (sums[width:] - sums[:-width]) / width
        passed = np.flatnonzero(means > self._least)
        if not len(passed) or means.max() < self._least * power(config.clear_db) or passed[0] == 0:
            return near
        return (first + int(passed[0]) + width - 1) / self._rate


def _noise(bands: BandPowers, config: FloorConfig) -> Array:
    """Power [B] of steady noise: a low quantile of smoothed powers, scaled to the mean (of a chi-square
    distribution)."""
    frames = bands.frames(config.smooth_s)
    levels = smooth(bands.powers, frames)
    kept = levels[_tells_of_noise(levels.sum(axis=1), frames, config)]
    if len(kept) <= frames:
        return np.zeros(bands.powers.shape[1])
    freedom = bands.freedom * frames * bands.hop_s / bands.window_s
    return np.asarray(np.quantile(kept, config.quantile, axis=0) / chi_square(freedom, config.quantile_z))


def _tells_of_noise(total: Array, frames: int, config: FloorConfig) -> Mask:
    """Mask of frames in which noise would be audible.

    Between stretches of digital silence, noise can only be measured around and within the speech. A stretch of sound
    whose level hardly varies is speech throughout and shows no noise.
    """
    live = total > power(config.digital_db)
    if (~live).sum() <= frames:
        return live
    for start, end in runs(live):
        part = total[start:end]
        if part.max() < np.quantile(part, config.quantile) * power(config.trusted_db):
            live[start:end] = False
    return live


def _upper(levels: Array, spreads: float, config: FloorConfig) -> Array:
    """Level that levels [n] or [n, B] hardly exceed: their median plus `spreads` times the spread of the upper half,
    dB."""
    middle, high = np.quantile(levels, (0.5, config.upper), axis=0)
    return np.asarray(middle + spreads * (high - middle) / config.upper_z)
