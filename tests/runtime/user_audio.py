"""User audio for tests: noise bursts where the user talks, near silence elsewhere."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import soundfile

from configs.audio import AUDIO
from duplex.model.interface import Samples

RATE = AUDIO.input_rate


def talking(seconds: float, spans: Iterable[tuple[float, float]], seed: int = 0) -> Samples:
    """Audio of `seconds` at 16 kHz in which the user talks in the given spans (seconds)."""
    rng = np.random.default_rng(seed)
    samples = 1e-4 * rng.standard_normal(round(seconds * RATE))
    for start, stop in spans:
        first, last = round(start * RATE), round(stop * RATE)
        samples[first:last] += 0.1 * rng.standard_normal(last - first)
    return samples.astype(np.float32)


def write_wav(path: Path, samples: Samples, rate: int = RATE) -> Path:
    """A 16-bit wav file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, subtype="PCM_16")
    return path


QUESTION = talking(3.0, [(0.6, 1.6)])
"""One turn; the fake assistant answers for 1.6 s."""
INTERRUPTION = talking(6.0, [(0.6, 1.6), (2.6, 3.6)])
"""A second turn that cuts the answer to the first one."""
