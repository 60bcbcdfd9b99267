"""Sounds made from clips: a pause inserted into a sentence, a talker who is not at the microphone.

The acoustics of other talkers follow Full-Duplex-Bench v1.5. Samples are at the model's input rate.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from configs.audio import AUDIO
from configs.eval.evaluation import SceneConfig
from duplex.eval.users.stretch import stretch_speech
from duplex.model.interface import Samples

RATE = AUDIO.input_rate
_EDGE_S = 0.005
_SHELF_ORDER = 4
_PASS_ORDER = 8


class Sound(Protocol):
    """What a simulated user plays."""

    @property
    def path(self) -> Path:
        """Path of its file."""
        ...

    @property
    def rate(self) -> float:
        """Its tempo; 1.25 is a quarter faster at the same pitch."""
        ...

    @property
    def exact(self) -> bool:
        """Whether it is known to be speech from its first sample to its last; otherwise energy decides."""
        ...

    def samples(self) -> Samples:
        """[n] at 16 kHz, -1..1.

        Raises:
            EvaluationError: its file cannot be used.
        """
        ...


@dataclass(frozen=True)
class WithPause:
    """A sound with a pause of `pause_s` after its first `at_s` seconds."""

    sound: Sound
    at_s: float
    pause_s: float
    rate: float = 1.0

    @property
    def path(self) -> Path:
        """As the sound itself."""
        return self.sound.path

    @property
    def exact(self) -> bool:
        """As the sound itself."""
        return self.sound.exact

    def samples(self) -> Samples:
        """[n] at 16 kHz; both edges of the pause are faded within 5 ms."""
        whole, at = self.sound.samples(), round(self.at_s * RATE)
        before, after = whole[:at], whole[at:]
        silence = np.zeros(round(self.pause_s * RATE), np.float32)
        held = np.concatenate([before * _fade_in(len(before))[::-1], silence, after * _fade_in(len(after))])
        return _at_rate(held, self.rate)


@dataclass(frozen=True)
class FarTalker:
    """A sound from elsewhere in the room: softer, duller, with reflections."""

    sound: Sound
    scene: SceneConfig
    rate: float = 1.0

    @property
    def path(self) -> Path:
        """As the sound itself."""
        return self.sound.path

    @property
    def exact(self) -> bool:
        """False: energy decides, because reflections outlast the sound."""
        return False

    def samples(self) -> Samples:
        """[n + longest reflection] at 16 kHz, filtered and reflected as the scene says (Full-Duplex-Bench v1.5)."""
        dry = _filter(_at_rate(self.sound.samples(), self.rate), self.scene)
        delays = [(round(ms * RATE / 1000), 10 ** (db / 20)) for ms, db in self.scene.reflections]
        wet = np.pad(dry, (0, max((delay for delay, _ in delays), default=0)))
        for delay, gain in delays:
            wet[delay : delay + len(dry)] += np.float32(gain) * dry
        level = self.scene.reference_rms * 10 ** (self.scene.level_db / 20)
        present = float(np.sqrt(np.mean(np.square(wet, dtype=np.float64))))
        return np.asarray(np.clip(wet * (level / max(present, 1e-9)), -1.0, 1.0), np.float32)


def _at_rate(samples: Samples, rate: float) -> Samples:
    return samples if rate == 1.0 else stretch_speech(samples, rate)


def _fade_in(count: int) -> Samples:
    """Gains of `count` samples that rise within 5 ms."""
    return np.minimum(np.arange(count, dtype=np.float32) / round(_EDGE_S * RATE), 1.0)


def _filter(samples: Samples, scene: SceneConfig) -> Samples:
    """Zero-phase low-pass filter (Butterworth magnitude, Butterworth 1930) and high shelf."""
    size = 2 * len(samples)
    frequency = np.fft.rfftfreq(size, 1 / RATE)
    shelf = scene.shelf_db / (1 + (scene.shelf_hz / np.maximum(frequency, 1e-9)) ** _SHELF_ORDER)
    gain = 10 ** (shelf / 20) / np.sqrt(1 + (frequency / scene.low_pass_hz) ** _PASS_ORDER)
    return np.asarray(np.fft.irfft(np.fft.rfft(samples, size) * gain, size)[: len(samples)], np.float32)
