"""Reads any sound file as mono samples at the model's rate, with notes on what was changed."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr

from configs.audio import AUDIO
from duplex.io.sound_file import SoundFileError, is_silent, mix_to_one, read_sound_file
from duplex.model.interface import Samples
from runtime.errors import AudioError


@dataclass(frozen=True)
class LoadedAudio:
    """`samples`: [n] at 16 kHz, -1..1, n > 0. `notes`: what was changed to make it so, for the user."""

    samples: Samples
    notes: tuple[str, ...]


def load_audio(path: Path) -> LoadedAudio:
    """Read any sound file.

    Raises:
        AudioError: the file is missing, is not a sound file, is empty, or has values that are not numbers.
    """
    try:
        sound = read_sound_file(path)
    except SoundFileError as error:
        raise AudioError(str(error)) from None
    mono, mixed = mix_to_one(sound)
    notes = [*sound.notes, *mixed]
    if sound.rate != AUDIO.input_rate:
        notes.append(f"resampled from {sound.rate} to {AUDIO.input_rate} Hz")
        mono = soxr.resample(mono, sound.rate, AUDIO.input_rate).astype(np.float32)
    if not len(mono):
        raise AudioError(f"{path}: holds only {len(sound.samples)} samples; give a longer file")
    if is_silent(mono):
        notes.append("is silent")
    return LoadedAudio(mono, tuple(notes))
