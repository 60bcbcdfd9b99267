"""Conceals missing samples with a fading echo of what came before and a fade back into what follows.

This module takes 16-bit samples in order; it does not depend on rates or on why samples are missing. The method
(mirrored signal, raised-cosine fades) is ours and simpler than that of ITU-T G.711 Appendix I.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from duplex.model.interface import Samples

Spans = tuple[tuple[int, int], ...]
"""Spans [start, stop) of samples."""


class Concealer:
    """Fills the holes of a channel, block by block; a hole may continue in the next block."""

    def __init__(self, fade: int) -> None:
        """`fade`: length of the fades around a hole, samples."""
        self._fade = fade
        self._before: NDArray[np.int16] = np.zeros(fade, dtype=np.int16)
        self._open_hole = False

    def fill(self, pcm: NDArray[np.int16], missing: NDArray[np.bool_]) -> Spans:
        """Conceal in place the missing samples of the next block.

        Args:
            pcm: [n] samples, at least as many as a fade has; missing samples are 0.
            missing: [n] True where a sample is missing.

        Returns:
            The holes.
        """
        holes = find_spans(missing)
        self._conceal(pcm, holes)
        self._before = pcm[-self._fade :].copy()
        self._open_hole = bool(holes) and holes[-1][1] == len(pcm)
        return holes

    def _conceal(self, pcm: NDArray[np.int16], holes: Spans) -> None:
        fade = self._fade
        if self._open_hole and (not holes or holes[0][0] > 0):
            _fade_in(pcm[:fade])
        for start, stop in holes:
            before = pcm[max(0, start - fade) : start] if start else self._before
            if not (start == 0 and self._open_hole):
                echo = fading_echo(before, min(fade, stop - start))
                pcm[start : start + len(echo)] = np.rint(echo).astype(np.int16)
            _fade_in(pcm[stop : stop + fade])


def find_spans(mask: NDArray[np.bool_]) -> Spans:
    """The spans in which `mask`, [n], is True."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    return tuple((int(start), int(stop)) for start, stop in edges.reshape(-1, 2))


def falling(length: int) -> Samples:
    """Half a raised cosine (Hann) from 1 (excluded) to 0, [length]."""
    phase = np.arange(1, length + 1, dtype=np.float32) / max(length, 1)
    return (0.5 + 0.5 * np.cos(np.pi * phase)).astype(np.float32)


def rising(length: int) -> Samples:
    """Half a raised cosine (Hann) from 0 to 1 (excluded), [length]."""
    return falling(length)[::-1].copy()


def fading_echo(before: NDArray[Any], length: int) -> Samples:
    """Substitute for missing samples after `before`: its end, mirrored and faded to 0.

    It starts with the last sample of `before`, so that it does not click. It is shorter than `length` if `before` is.
    """
    mirrored = before[::-1][:length].astype(np.float32)
    return mirrored * falling(len(mirrored))


def _fade_in(pcm: NDArray[np.int16]) -> None:
    pcm[:] = np.rint(pcm * rising(len(pcm))).astype(np.int16)
