"""Short-time power of a channel by frequency band, and helpers for runs of frames.

Powers are those of the short-time Fourier transform with a Hann window (periodogram, Welch 1967). Nothing here depends
on speech.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from configs.eval.scoring import BandsConfig

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
FrameRun = tuple[int, int]
"""(first, one after the last) frame."""

SILENCE = 1e-14
"""Power assigned to digital silence, so that it has a level: -140 dB."""

_CHUNK = 8192
_HANN_BANDWIDTH = 18.0 / 35.0
"""Effective share of independent values in a Hann window w of n samples: (sum w^2)^2 / (n sum w^4), which follows from
the variance of a weighted sum of squares."""
_LEAST_FREEDOM = 1.5


@dataclass(frozen=True)
class BandPowers:
    """Powers [F, B] of F frames in B bands, relative to full scale; frame f is centred at f * `hop_s`.

    `freedom`: [B] degrees of freedom of a band's power in noise (chi-square).
    """

    powers: Array
    freedom: Array
    hop_s: float
    window_s: float

    @property
    def total(self) -> Array:
        """Power over all bands, [F]."""
        return np.asarray(self.powers.sum(axis=1))

    def frames(self, seconds: float) -> int:
        """Number of hops in `seconds`."""
        return round(seconds / self.hop_s)


def band_powers(samples: NDArray[Any], rate: int, config: BandsConfig) -> BandPowers:
    """Compute the powers [F, B] of `samples` [n] at `rate` Hz (short-time Fourier transform, Hann window)."""
    width = max(2, round(config.window_s * rate))
    window = np.hanning(width + 2)[1:-1]
    window /= np.sqrt(np.square(window).sum())
    size = 1 << (width - 1).bit_length()
    bands = _bins(size, rate, config)
    padded = np.concatenate([np.zeros(width // 2), np.asarray(samples, np.float64), np.zeros(width)])
    starts = np.round(np.arange(int(len(samples) / rate / config.hop_s)) * config.hop_s * rate).astype(int)
    powers = np.zeros((len(starts), len(bands)))
    weights = np.full(size // 2 + 1, 2.0 / size)
    weights[[0, -1]] = 1.0 / size
    for first in range(0, len(starts), _CHUNK):
        part = starts[first : first + _CHUNK]
        spectrum = np.fft.rfft(padded[part[:, None] + np.arange(width)] * window, size)
        squares = np.square(np.abs(spectrum)) * weights
        powers[first : first + len(part)] = np.stack([squares[:, band].sum(axis=1) for band in bands], axis=1)
    widths = np.array([band.stop - band.start for band in bands]) * rate / size
    freedom = np.maximum(_LEAST_FREEDOM, 2 * widths * config.window_s * _HANN_BANDWIDTH)
    return BandPowers(powers, freedom, config.hop_s, config.window_s)


def _bins(size: int, rate: int, config: BandsConfig) -> list[slice]:
    count = size // 2 + 1
    firsts = [-(-round(edge * size) // rate) for edge in config.edges_hz if edge < rate / 2]
    return [slice(a, b) for a, b in zip(firsts, [*firsts[1:], count], strict=True) if a < b]


def decibels(power: Any) -> Array:
    """Level of a power, 10 log10(power), dB."""
    return np.asarray(10 * np.log10(np.maximum(power, SILENCE)))


def power(level: float) -> float:
    """Power of a level in dB, 10^(level / 10)."""
    return float(10 ** (level / 10))


def smooth(powers: Array, frames: int) -> Array:
    """Centred mean of `frames` frames, [F, B] -> [F, B]; the first and last frame are repeated beyond the ends."""
    count = max(1, frames)
    before, after = count // 2, count - 1 - count // 2
    padded = np.concatenate([np.repeat(powers[:1], before, 0), powers, np.repeat(powers[-1:], after, 0)])
    sums = np.concatenate([np.zeros((1, powers.shape[1])), np.cumsum(padded, axis=0)])
    return np.asarray((sums[count:] - sums[:-count]) / count)


def chi_square(freedom: Array, z: float) -> Array:
    """The value that chi-square noise of mean 1 reaches at `z` standard deviations: (1 - 2/(9k) + z sqrt(2/(9k)))^3 for
    k degrees of freedom (Wilson and Hilferty 1931)."""
    spread = 2 / (9 * freedom)
    return np.asarray(np.maximum(0.0, 1 - spread + z * np.sqrt(spread)) ** 3)


def runs(mask: Mask) -> list[FrameRun]:
    """Find the runs of true frames."""
    steps = np.diff(np.concatenate([[0], mask.astype(np.int8), [0]]))
    starts, ends = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    return [(int(a), int(b)) for a, b in zip(starts, ends, strict=True)]


def join(parts: Iterable[FrameRun], gap: int) -> list[FrameRun]:
    """Runs in order, with those at most `gap` frames apart merged."""
    out: list[FrameRun] = []
    for start, end in parts:
        if out and start - out[-1][1] <= gap:
            out[-1] = (out[-1][0], end)
        else:
            out.append((start, end))
    return out
