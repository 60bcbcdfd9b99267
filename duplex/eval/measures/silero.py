"""Speech segments by Silero VAD, the detector that other benchmarks use, as a second result next to our own.

The model comes with faster-whisper (extra `eval`). Its edges lie on frames of 32 ms with padding around them, so they
are off by tens of milliseconds (Full-Duplex-Bench v1.5 uses them unchanged).
"""

from importlib.util import find_spec
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from configs.eval.scoring import SileroConfig
from duplex.eval.errors import EvaluationError
from duplex.eval.measures.activity import AudibleSegment

RATE = 16_000
_MS = 1000


def is_here() -> bool:
    """Whether the package with the model is installed."""
    return find_spec("faster_whisper") is not None


def silero_segments(samples: NDArray[Any], rate: int, config: SileroConfig) -> tuple[AudibleSegment, ...]:
    """Find segments of speech in one channel, `samples` [n] at `rate` Hz.

    Raises:
        EvaluationError: the model is not installed.
    """
    try:
        from faster_whisper.vad import VadOptions, get_speech_timestamps
    except ImportError as error:
        hint = "install it with: pip install 'duplex-voice[eval]'"
        raise EvaluationError(f"Silero VAD is not installed ({error}); {hint}") from None
    audio = np.asarray(samples if rate == RATE else soxr.resample(samples, rate, RATE), np.float32)
    options = VadOptions(
        threshold=config.threshold,
        min_speech_duration_ms=round(config.least_speech_s * _MS),
        min_silence_duration_ms=round(config.least_silence_s * _MS),
        speech_pad_ms=round(config.pad_s * _MS),
    )
    found = get_speech_timestamps(audio, options, sampling_rate=RATE)
    return tuple(AudibleSegment(one["start"] / RATE, one["end"] / RATE) for one in found)
