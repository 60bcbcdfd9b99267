"""A user without headphones: the assistant's voice comes back into the microphone. And an assistant with a voice."""

from collections.abc import Callable

import numpy as np
import soxr

from configs.audio import AUDIO
from duplex.model.interface import ConversationOptions, Samples
from runtime.converse import VirtualConversation
from tests.runtime.fakes import FakeGenerator, FakeRow

SLOT = AUDIO.slot_input_samples


def speechlike(seconds: float, rate: int, seed: int) -> Samples:
    """A hum with many harmonics whose pitch and loudness wander, and some hiss: broadband, and never the same twice."""
    rng = np.random.default_rng(seed)
    count = round(seconds * rate)
    knots = np.linspace(0, count, max(2, round(seconds * 6)))
    pitch = np.interp(np.arange(count), knots, rng.uniform(90, 240, len(knots)))
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    hum = sum(np.sin(n * phase + rng.uniform(0, 6)) / n for n in range(1, 25))
    loud = np.interp(np.arange(count), knots, rng.uniform(0.3, 1.0, len(knots)))
    sound = loud * (hum + 0.2 * rng.standard_normal(count))
    return (0.15 * sound / np.sqrt(np.mean(np.square(sound)))).astype(np.float32)


VOICE = speechlike(60.0, AUDIO.output_rate, seed=9)


class VoicedRow(FakeRow):
    """Speaks with a voice where the other one beeps."""

    def _pcm(self, speaks: bool, tail: bool) -> Samples:
        beep = super()._pcm(speaks, tail)
        start = (self.slot + 1) * AUDIO.slot_output_samples
        return np.where(beep != 0, VOICE[start : start + len(beep)], 0).astype(np.float32)


class VoicedGenerator(FakeGenerator):
    """The fake with a voice; it takes every loud slot for the user's, like a model that hears an echo."""

    def open(self, row: int, options: ConversationOptions) -> None:
        """See `SlotGenerator.open`."""
        self._rows[row] = VoicedRow(options)


def echoing(
    user: Samples, gain_db: float | None, delay_ms: float = 120.0, floor_db: float = -60.0
) -> Callable[[VirtualConversation], Samples | None]:
    """A `ReactiveUser` who says `user`, [n] at 16 kHz, and whose microphone hears the assistant (None: does not)."""
    noise = 10 ** (floor_db / 20) * np.random.default_rng(0).standard_normal(len(user))
    spoken = (user + noise).astype(np.float32)
    gain, delay = 0.0 if gain_db is None else 10 ** (gain_db / 20), round(delay_ms * AUDIO.input_rate / 1000)

    def next_slot(live: VirtualConversation) -> Samples | None:
        begin = live.slot * SLOT
        if begin + SLOT > len(spoken):
            return None
        played = soxr.resample(live.assistant, AUDIO.output_rate, AUDIO.input_rate)
        echo = np.concatenate([np.zeros(delay, np.float32), played])[begin : begin + SLOT]
        return np.asarray(spoken[begin : begin + SLOT] + gain * echo, dtype=np.float32)

    return next_slot
