"""Clips that a simulated user plays: parts of sound files at the model's input rate."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile

from configs.audio import AUDIO
from duplex.eval.errors import EvaluationError
from duplex.eval.users.stretch import stretch_speech
from duplex.io.sound_file import SoundFileError, read_sound_file, resample_to_one
from duplex.model.interface import Samples


@dataclass(frozen=True)
class Clip:
    """Part of a sound file, read when it is needed.

    Attributes:
        path: the file.
        start_s, end_s: the part; `end_s` None means the file's end.
        rms: loudness to which it is scaled; None leaves it unchanged.
        exact: whether the clip is known to be speech from its first sample to its last; otherwise energy decides.
        rate: its tempo; 1.25 is a quarter faster at the same pitch, and times in it are divided by 1.25.
    """

    path: Path
    start_s: float = 0.0
    end_s: float | None = None
    rms: float | None = None
    exact: bool = False
    rate: float = 1.0

    def samples(self) -> Samples:
        """The clip, [n] at 16 kHz, -1..1.

        Raises:
            EvaluationError: the file is missing, is not a sound file, or has no audio in this part.
        """
        whole = read_sound(self.path)
        end = len(whole) if self.end_s is None else round(self.end_s * AUDIO.input_rate)
        part = whole[round(self.start_s * AUDIO.input_rate) : end]
        if not len(part):
            raise EvaluationError(f"{self.path}: holds no audio from {self.start_s} s on; choose another part")
        part = part if self.rms is None else _level(part, self.rms)
        return stretch_speech(part, self.rate)


def other_rates(paths: Iterable[Path]) -> dict[int, int]:
    """Number of these files whose sample rate differs from the model's input, by rate; they are resampled.

    Raises:
        EvaluationError: a file is missing or is not a sound file.
    """
    rates = Counter(_rate(path) for path in sorted(set(paths)))
    return {rate: count for rate, count in sorted(rates.items()) if rate != AUDIO.input_rate}


def _rate(path: Path) -> int:
    try:
        with path.open("rb") as file:
            return int(soundfile.info(file).samplerate)
    except (soundfile.LibsndfileError, OSError) as error:
        raise EvaluationError(f"{path}: cannot be read as sound ({error}); check the data folder") from None


@lru_cache(maxsize=16)
def read_sound(path: Path) -> Samples:
    """Read a sound file as one channel, [n] at 16 kHz.

    Raises:
        EvaluationError: the file is missing, is not a sound file, is empty, or is cut off.
    """
    try:
        sound = read_sound_file(path)
    except SoundFileError as error:
        raise EvaluationError(f"{error} (a file of the data folder)") from None
    if sound.cut_off:
        raise EvaluationError(f"{path}: {sound.notes[0]}; get this file of the data folder again")
    return resample_to_one(sound, AUDIO.input_rate)


def _level(samples: Samples, rms: float) -> Samples:
    present = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
    scaled = samples * (rms / max(present, 1e-9))
    return np.asarray(np.clip(scaled, -1.0, 1.0), np.float32)
