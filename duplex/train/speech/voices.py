"""User voices: a synthesizer's voice with a manner of its own, and the cast from which they are drawn.

This module handles voices, manners and which of them are held out; it does not depend on texts or dialogues.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import soxr

from configs.audio import AUDIO
from configs.train.speech_bank import CastConfig, MannerConfig
from duplex.model.interface import Samples
from duplex.train.speech.synthesizers import (
    EspeakSynthesizer,
    FestivalSynthesizer,
    FliteSynthesizer,
    HibariSynthesizer,
    KokoroSynthesizer,
    PiperSynthesizer,
    Synthesizer,
    SynthesizerMissingError,
)

Makers = Mapping[str, Callable[[], Synthesizer]]

ENGINES: Makers = {
    "hibari": HibariSynthesizer,
    "piper": PiperSynthesizer,
    "flite": FliteSynthesizer,
    "espeak": EspeakSynthesizer,
    "festival": FestivalSynthesizer,
    "kokoro": KokoroSynthesizer,
}

_ASSISTANT = "hibari/heart"
_AUDIBLE = 0.02
_EDGE_SECONDS = 0.02


@dataclass(frozen=True)
class Manner:
    """How one user speaks: pace, pitch with formants unchanged, and size (formants and pitch together)."""

    speed: float
    pitch: float
    size: float


class UserVoice:
    """One user: a synthesizer's voice spoken in one manner."""

    def __init__(self, name: str, synthesizer: Synthesizer, manner: Manner, level_rms: float) -> None:
        """`name` is `synthesizer/voice`; `level_rms` is the loudness of everything it says."""
        self.name = name
        self.manner = manner
        self._synthesizer = synthesizer
        self._level = level_rms

    def say(self, text: str, rng: random.Random) -> Samples:
        """Speak `text`: samples [N] float32 at 16 kHz without silence at the ends; empty if nothing was audible."""
        manner, variant = self.manner, self.name.partition("/")[2]
        pace = manner.speed / manner.size
        samples, rate = self._synthesizer.speak(text, variant, pace, manner.pitch, rng.randrange(1 << 30))
        if not len(samples):
            return samples
        resized = soxr.resample(samples, rate, AUDIO.input_rate / manner.size).astype(np.float32)
        return _set_level(_trim(resized), self._level)


class Cast:
    """All voices whose synthesizers are on this machine; `missing` says which are not and how to get them."""

    def __init__(self, config: CastConfig, manner: MannerConfig, makers: Makers = ENGINES) -> None:
        """`makers` builds synthesizers by the first part of a voice's name."""
        self.config = config
        self.missing: dict[str, str] = {}
        self._makers = makers
        self._manner = manner
        self._synthesizers: dict[str, Synthesizer] = {}

    def draw(self, shares: dict[str, float], rng: random.Random) -> UserVoice:
        """Draw a voice from those of `shares` that this machine has, by its share and in a manner of its own.

        Raises:
            SynthesizerMissingError: this machine has none of them.
        """
        left = dict(shares)
        while left:
            name = rng.choices(list(left), list(left.values()))[0]
            try:
                return self.voice(name, rng)
            except SynthesizerMissingError as error:
                self.missing[name.partition("/")[0]] = str(error)
                left.pop(name)
        raise SynthesizerMissingError("; ".join(self.missing.values()) or "the cast has no voices; name some")

    def voice(self, name: str, rng: random.Random) -> UserVoice:
        """The voice `synthesizer/name` in a manner drawn from `rng`.

        Raises:
            SynthesizerMissingError: its synthesizer is not on this machine.
        """
        kind = name.partition("/")[0]
        return UserVoice(name, self._synthesizer(kind), self._draw_manner(kind, rng), self._manner.level_rms)

    def assistant(self) -> UserVoice:
        """The assistant's own voice, unchanged."""
        return UserVoice(_ASSISTANT, self._synthesizer("hibari"), Manner(1.0, 1.0, 1.0), self._manner.level_rms)

    def _synthesizer(self, kind: str) -> Synthesizer:
        if kind in self.missing:
            raise SynthesizerMissingError(self.missing[kind])
        if kind not in self._synthesizers:
            self._synthesizers[kind] = self._load(kind)
        return self._synthesizers[kind]

    def _load(self, kind: str) -> Synthesizer:
        if kind not in self._makers:
            raise SynthesizerMissingError(f"there is no synthesizer '{kind}'; use one of {', '.join(self._makers)}")
        return self._makers[kind]()

    def _draw_manner(self, kind: str, rng: random.Random) -> Manner:
        config = self._manner
        speed, low = rng.uniform(*config.speed), rng.random() < config.low_voice_share
        if kind != "hibari":
            return Manner(speed, rng.uniform(*config.high_pitch), rng.uniform(*config.other_size))
        pitch, size = (config.low_pitch, config.low_size) if low else (config.high_pitch, config.high_size)
        return Manner(speed, rng.uniform(*pitch), rng.uniform(*size))


def _trim(samples: Samples) -> Samples:
    loud = np.flatnonzero(np.abs(samples) > _AUDIBLE * np.abs(samples).max(initial=0.0))
    if not len(loud):
        return samples[:0]
    edge = round(_EDGE_SECONDS * AUDIO.input_rate)
    return samples[max(loud[0] - edge, 0) : loud[-1] + edge]


def _set_level(samples: Samples, rms: float) -> Samples:
    if not len(samples):
        return samples
    return np.asarray(samples * (rms / (np.sqrt(np.mean(samples**2)) + 1e-6)), np.float32)
