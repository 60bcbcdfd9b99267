"""Finds when somebody is audible: the energy gate of the assistant, the bounds of speech in a user's clip.

The gates are ours (`GateConfig`, `ClipConfig`). This module handles samples; it does not depend on turns.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from configs.audio import AUDIO
from configs.eval.evaluation import ClipConfig, GateConfig
from duplex.model.interface import Samples


@dataclass(frozen=True)
class AudibleSegment:
    """A stretch of sound from `start` to `end`, seconds."""

    start: float
    end: float

    def covers(self, time: float) -> bool:
        """Whether `time` lies within the segment."""
        return self.start <= time < self.end

    def overlaps(self, start: float, end: float) -> bool:
        """Whether part of it lies in (start, end)."""
        return self.start < end and start < self.end


def join(segments: Iterable[AudibleSegment], gap: float) -> list[AudibleSegment]:
    """Segments in order, with those at most `gap` seconds apart (or overlapping) merged."""
    out: list[AudibleSegment] = []
    for segment in sorted(segments, key=lambda one: (one.start, one.end)):
        if out and segment.start - out[-1].end <= gap:
            out[-1] = AudibleSegment(out[-1].start, max(out[-1].end, segment.end))
        else:
            out.append(segment)
    return out


class Gate:
    """Finds the assistant's runs of sound piece by piece; pieces give the same runs as the whole."""

    def __init__(self, config: GateConfig, rate: int = AUDIO.output_rate) -> None:
        self._floor = 10 ** (config.floor_db / 20)
        self._join = round(config.join_s * rate)
        self._heard = 0
        self.runs: list[tuple[int, int]] = []
        """(first, one after the last) loud sample of each run, including gaps up to `join_s`."""

    def add(self, samples: NDArray[Any]) -> None:
        """Add the next samples, [n]."""
        loud = np.flatnonzero(np.abs(samples) > self._floor) + self._heard
        self._heard += len(samples)
        if not len(loud):
            return
        breaks = np.flatnonzero(np.diff(loud) > self._join + 1)
        starts, ends = loud[np.r_[0, breaks + 1]], loud[np.r_[breaks, len(loud) - 1]] + 1
        fresh = [(int(a), int(b)) for a, b in zip(starts, ends, strict=True)]
        if self.runs and fresh[0][0] - self.runs[-1][1] <= self._join:
            fresh[0] = (self.runs.pop()[0], fresh[0][1])
        self.runs += fresh


def segments(samples: Samples, config: GateConfig, rate: int = AUDIO.output_rate) -> tuple[AudibleSegment, ...]:
    """Segments of speech in `samples` [n], exact to the sample."""
    gate = Gate(config, rate)
    gate.add(samples)
    least = config.shortest_s * rate
    return tuple(AudibleSegment(start / rate, end / rate) for start, end in gate.runs if end - start >= least)


def speech_bounds(samples: Samples, config: ClipConfig, rate: int = AUDIO.input_rate) -> tuple[int, int]:
    """The first sample of speech in a clip and the one after the last; the whole clip if it is silent."""
    frame = max(1, round(config.frame_s * rate))
    count = -(-len(samples) // frame)
    padded = np.zeros(count * frame, dtype=np.float64)
    padded[: len(samples)] = samples
    levels = np.sqrt(np.square(padded).reshape(count, frame).mean(axis=1))
    loud = np.flatnonzero(levels > levels.max(initial=0.0) * 10 ** (-config.range_db / 20))
    if not len(loud):
        return 0, len(samples)
    return int(loud[0]) * frame, min(len(samples), (int(loud[-1]) + 1) * frame)
