"""What the user's microphone picks up besides the user: the assistant's echo, the room, a bed of noise.

This module handles samples and levels; it does not depend on scripts or files.
"""

from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from configs.audio import AUDIO
from configs.base import exact_div
from configs.eval.conditions import ConditionsConfig, NoiseBedConfig, RoomResponseConfig
from configs.eval.evaluation import ClipConfig
from duplex.eval.users.channel import Signal
from duplex.model.interface import Samples

RATE = AUDIO.input_rate
SLOT = AUDIO.slot_input_samples

_Spectra = NDArray[np.complexfloating[Any, Any]]
_Past = tuple[Samples, _Spectra]
"""The last slot, and the spectra of earlier slots, latest first."""


class Echo:
    """Adds the assistant's own voice, quieter and later."""

    def __init__(self, level_db: float, config: ConditionsConfig) -> None:
        """`level_db`: level relative to the assistant's own sound."""
        self._gain = np.float32(10 ** (level_db / 20))
        self._context = config.context_samples
        before = exact_div((config.echo.delay_samples + self._context) * AUDIO.output_rate, RATE)
        self._said: Samples = np.zeros(before, np.float32)

    def step(self, signal: Signal, assistant: Samples) -> Signal:
        """Add the echo; for the next slot, as much of it as is known."""
        said = np.concatenate([self._said, assistant])
        self._said = said[len(assistant) :]
        echo = soxr.resample(said, AUDIO.output_rate, RATE)[self._context : -self._context] * self._gain
        known, ahead = echo[SLOT : 2 * SLOT], signal.ahead.copy()
        ahead[: len(known)] += known
        return Signal(signal.now + echo[:SLOT], ahead)


class Room:
    """Convolves with a room impulse response, in partitions of a slot (uniformly partitioned overlap-save; Kulp
    1988)."""

    def __init__(self, response: Samples, gain: float = 1.0) -> None:
        """`response`: [n], from the beginning of the direct sound on. `gain`: gain of the result."""
        parts = -(-len(response) // SLOT)
        padded = np.zeros(parts * SLOT, np.float32)
        padded[: len(response)] = response * gain
        self._spectra: _Spectra = np.fft.rfft(padded.reshape(parts, SLOT), 2 * SLOT)
        self._past: _Past = np.zeros(SLOT, np.float32), np.zeros_like(self._spectra)

    def step(self, signal: Signal, assistant: Samples) -> Signal:
        """The signal as heard in the room."""
        now, self._past = self._hear(signal.now, self._past)
        ahead, _ = self._hear(signal.ahead, self._past)
        return Signal(now, ahead)

    def _hear(self, slot: Samples, past: _Past) -> tuple[Samples, _Past]:
        last, spectra = past
        fresh = np.fft.rfft(np.concatenate([last, slot]))
        spectra = np.concatenate([fresh[None], spectra[:-1]])
        both = np.fft.irfft(np.einsum("pf,pf->f", spectra, self._spectra), 2 * SLOT)
        return both[SLOT:].astype(np.float32), (slot, spectra)


class Bed:
    """Adds endless noise: part of a recording, looped seamlessly."""

    def __init__(self, recording: Samples, level: float, config: NoiseBedConfig, rng: Random) -> None:
        """`recording`: [n], `least_s` or longer and not silent. `level`: RMS of the noise. `rng`: draws the part."""
        fade = round(config.fade_s * RATE)
        length = min(len(recording), round(config.loop_s * RATE) + fade)
        loop = _close_loop(_part(recording, length, rng), fade)
        self._loop = loop * np.float32(level / np.sqrt(np.mean(np.square(loop, dtype=np.float64))))
        self._next = rng.randrange(len(loop))

    def step(self, signal: Signal, assistant: Samples) -> Signal:
        """Add the noise."""
        places = np.arange(self._next, self._next + 2 * SLOT)
        noise = np.take(self._loop, places, mode="wrap")
        self._next += SLOT
        return Signal(signal.now + noise[:SLOT], signal.ahead + noise[SLOT:])


def speech_level(clips: Sequence[Samples], config: ClipConfig) -> float:
    """RMS of the speech in `clips`, that is, of the frames within `range_db` of each clip's loudest one; 0 if all are
    silent. The rule is ours."""
    powers = [_speech_powers(clip, config) for clip in clips]
    return float(np.sqrt(np.mean(np.concatenate(powers)))) if any(map(len, powers)) else 0.0


def direct_on(response: Samples, config: RoomResponseConfig) -> Samples:
    """Trim a room impulse response to begin with its direct sound (ISO 3382-1), so that the room adds no delay."""
    loud = np.abs(response) >= np.abs(response).max() * 10 ** (-config.onset_db / 20)
    return response[int(np.argmax(loud)) :]


def energy_gain(clips: Sequence[Samples], response: Samples) -> float:
    """Gain of a room's response that preserves the energy of `clips`, sqrt(dry / wet) of energies; 1 if they are
    silent. The formula is ours."""
    dry = wet = 0.0
    for clip in clips:
        size = 1 << (len(clip) + len(response) - 2).bit_length()
        heard = np.fft.irfft(np.fft.rfft(clip, size) * np.fft.rfft(response, size), size)
        dry += float(np.sum(np.square(clip, dtype=np.float64)))
        wet += float(np.sum(np.square(heard, dtype=np.float64)))
    return float(np.sqrt(dry / wet)) if wet else 1.0


def _speech_powers(clip: Samples, config: ClipConfig) -> NDArray[np.float64]:
    frame = round(config.frame_s * RATE)
    power = np.square(clip[: len(clip) // frame * frame], dtype=np.float64).reshape(-1, frame).mean(axis=1)
    return power[power > power.max(initial=0.0) * 10 ** (-config.range_db / 10)]


def _part(recording: Samples, length: int, rng: Random) -> Samples:
    """A random part of a recording, `length` samples, that contains sound."""
    while True:
        first = rng.randrange(len(recording) - length + 1)
        part = recording[first : first + length]
        if part.any():
            return part


def _close_loop(part: Samples, fade: int) -> Samples:
    """Make a loop [n - fade] whose end is crossfaded into its beginning at equal power."""
    rise = np.sin(np.linspace(0.0, np.pi / 2, fade, endpoint=False, dtype=np.float32))
    loop = part[: len(part) - fade].copy()
    loop[:fade] = loop[:fade] * rise + part[len(part) - fade :] * np.sqrt(1 - rise**2)
    return loop
