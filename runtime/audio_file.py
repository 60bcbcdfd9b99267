"""Sound files in: whatever they are, as mono samples at the model's rate, with a note of what was changed."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from configs.audio import AUDIO
from duplex.model.interface import Samples
from runtime.errors import AudioError


@dataclass(frozen=True)
class LoadedAudio:
    """`samples`: [n] at 16 kHz, -1..1. `notes`: what was done to make it so, for the user."""

    samples: Samples
    notes: tuple[str, ...]


def load_audio(path: Path) -> LoadedAudio:
    """Read any sound file.

    Raises:
        AudioError: it is missing, no sound file, empty, or holds values that are no numbers.
    """
    if not path.is_file():
        raise AudioError(f"{path}: there is no such file; check the path")
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, ValueError) as error:
        raise AudioError(f"{path}: is not a readable sound file ({error}); give a wav or flac file") from None
    if not len(samples):
        raise AudioError(f"{path}: holds no audio; give a file that is longer than 0 s")
    if not np.isfinite(samples).all():
        raise AudioError(f"{path}: holds values that are not numbers; write it again as 16-bit wav")
    return _fitted(samples, rate)


def _fitted(samples: Samples, rate: int) -> LoadedAudio:
    notes = []
    if samples.shape[1] > 1:
        notes.append(f"{samples.shape[1]} channels mixed to one")
    mono: Samples = samples.mean(axis=1, dtype=np.float32)
    if rate != AUDIO.input_rate:
        notes.append(f"resampled from {rate} to {AUDIO.input_rate} Hz")
        mono = soxr.resample(mono, rate, AUDIO.input_rate).astype(np.float32)
    return LoadedAudio(mono, tuple(notes))
