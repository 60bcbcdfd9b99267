"""Dialogues with known edges: stretches of synthetic voices in two channels, and the paths that recordings take."""

from collections.abc import Sequence
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

Samples = NDArray[np.float64]
Span = tuple[float, float]
RATE = 16_000
PITCH, SYLLABLES = 140.0, 4.0
OPUS_RATE, OPUS_FRAME = 48_000, 960
MU = 255.0


def voice(seconds: float, rate: int = RATE, seed: int = 0) -> Samples:
    """A voice-like sound that is loud from its first to its last sample: harmonics, hiss, syllables of 12 dB."""
    time = np.arange(round(seconds * rate)) / rate
    hiss = np.random.default_rng(seed).standard_normal(len(time))
    harmonics = sum(np.cos(2 * np.pi * PITCH * k * time + k) / k for k in range(1, 20) if PITCH * k < rate / 2)
    swing = 0.625 + 0.375 * np.cos(2 * np.pi * SYLLABLES * time)
    return np.asarray(0.1 * swing * (harmonics + 0.3 * hiss))


def channel(spans: Sequence[Span], seconds: float, rate: int = RATE, level: float = 1.0) -> Samples:
    """Voices from start to end, digital silence between them."""
    out = np.zeros(round(seconds * rate))
    for number, (start, end) in enumerate(spans):
        part = voice(end - start, rate, number)[: len(out) - round(start * rate)]
        out[round(start * rate) : round(start * rate) + len(part)] += level * part
    return out


def stereo(path: Path, user: Sequence[Span], assistant: Sequence[Span], seconds: float, rate: int = RATE) -> Path:
    """A wav with both sides."""
    sides = [channel(spans, seconds, rate) for spans in (user, assistant)]
    soundfile.write(path, np.stack(sides, axis=1), rate, subtype="PCM_16")
    return path


def noisy(samples: Samples, below_db: float, seed: int = 0) -> Samples:
    """With white noise `below_db` dB below the voices."""
    loud = np.sqrt(np.mean(np.square(samples[samples != 0.0])))
    noise = np.random.default_rng(seed).standard_normal(len(samples))
    return np.asarray(samples + loud * 10 ** (-below_db / 20) * noise)


def through_opus(samples: Samples, rate: int = RATE, bits: int = 24_000) -> Samples:
    """Coded with Opus at 48 kHz and back at `rate`."""
    wide = _pad(soxr.resample(samples, rate, OPUS_RATE))
    file = BytesIO()
    with av.open(file, "w", format="ogg") as out:
        stream: Any = out.add_stream("libopus", rate=OPUS_RATE, layout="mono")
        stream.bit_rate = bits
        for place in range(0, len(wide), OPUS_FRAME):
            frame = av.AudioFrame.from_ndarray(wide[np.newaxis, place : place + OPUS_FRAME], "flt", "mono")
            frame.rate, frame.pts, frame.time_base = OPUS_RATE, place, Fraction(1, OPUS_RATE)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as coded:
        heard = np.concatenate([frame.to_ndarray().ravel() for frame in coded.decode(audio=0)])
    return np.asarray(soxr.resample(heard.astype(np.float64), OPUS_RATE, rate)[: len(samples)])


def through_mu_law(samples: Samples, rate: int = RATE) -> Samples:
    """Over a line of 8 kHz with eight bits (G.711), and back at `rate`."""
    narrow = np.clip(soxr.resample(samples, rate, 8_000), -1, 1)
    coded = np.round(np.sign(narrow) * np.log1p(MU * np.abs(narrow)) / np.log1p(MU) * 127) / 127
    heard = np.sign(coded) * np.expm1(np.abs(coded) * np.log1p(MU)) / MU
    return np.asarray(soxr.resample(heard, 8_000, rate)[: len(samples)])


def _pad(samples: Samples) -> NDArray[np.float32]:
    missing = -len(samples) % OPUS_FRAME
    return np.pad(samples, (0, missing)).astype(np.float32)
