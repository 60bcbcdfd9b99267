"""Changes the rate of speech at the same pitch with libavfilter's `atempo` (WSOLA, Verhelst and Roelands 1993).

A time t of the speech moves to t / rate. The first and the last sample are exact; in between, sound is off by some
milliseconds (at most 15 ms in recorded speech), because windows are placed where they fit together. Sound that begins
after digital silence begins up to 25 ms / rate early.
"""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from av import AudioFrame
from av.error import BlockingIOError, EOFError
from av.filter import Graph

from configs.audio import AUDIO
from duplex.model.interface import Samples

RATE = AUDIO.input_rate

_DECLARED = RATE // 2
"""Sample rate given to the filter, whose windows have 2^n samples and at least 1/24 s. At 16 kHz these would be 64 ms,
which blurs the edges of speech; 32 ms still contain two periods of a deep voice."""

_REST = RATE // 4
"""Silence after the speech that flushes its last windows out of the filter, samples."""


def stretch_speech(samples: Samples, rate: float) -> Samples:
    """Stretch speech [n] at 16 kHz to [round(n / rate)] (WSOLA, Verhelst and Roelands 1993).

    Args:
        samples: -1..1.
        rate: 0.5 to 2; 1.25 is a quarter faster, 1 leaves the speech unchanged.
    """
    assert 0.5 <= rate <= 2.0, f"the rate of speech is 0.5 to 2, not {rate}"
    if rate == 1.0:
        return samples
    padded = np.concatenate([samples, np.zeros(_REST, np.float32)])
    whole = np.concatenate(list(_filter(padded, rate)))
    return whole[: round(len(samples) / rate)]


def _filter(samples: Samples, rate: float) -> Iterator[Samples]:
    graph = Graph()
    time_base = Fraction(1, _DECLARED)
    source = graph.add_abuffer(format="flt", sample_rate=_DECLARED, layout="mono", time_base=time_base)
    tempo, sink = graph.add("atempo", repr(rate)), graph.add("abuffersink")
    source.link_to(tempo)
    tempo.link_to(sink)
    graph.configure()
    frame = AudioFrame.from_ndarray(samples[None], format="flt", layout="mono")
    frame.sample_rate, frame.time_base, frame.pts = _DECLARED, time_base, 0
    graph.push(frame)
    graph.push(None)
    while True:
        try:
            yield graph.pull().to_ndarray()[0]
        except (BlockingIOError, EOFError):
            return
