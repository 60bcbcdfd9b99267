"""The transmission between the microphone and the system: a telephone's band and code, and lost packets.

This module handles samples, whoever speaks.
"""

from io import BytesIO
from random import Random

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from configs.audio import AUDIO
from configs.base import exact_div
from configs.eval.conditions import ConditionsConfig, Loss
from configs.runtime.runtime import SlotBufferConfig
from duplex.eval.users.channel import Signal
from duplex.model.concealment import Concealer
from duplex.model.interface import Samples

RATE = AUDIO.input_rate
SLOT = AUDIO.slot_input_samples
PACKETS = AUDIO.packets_per_slot
PACKET = exact_div(SLOT, PACKETS)
_RAW = {"format": "RAW", "subtype": "ULAW"}
_FULL_SCALE = np.iinfo(np.int16).max + 1


class MuLaw:
    """Mu-law coding (ITU-T G.711) at 8 kHz, and back to 16 kHz.

    The filters have linear phase and no delay, so they look `context_ms` ahead. A clip that begins right after a slot
    is not known in that slot, so its pre-ringing there is left out.
    """

    def __init__(self, config: ConditionsConfig) -> None:
        self._rate = config.codec.rate
        self._context = config.context_samples
        self._before: Samples = np.zeros(self._context, np.float32)

    def step(self, signal: Signal, assistant: Samples) -> Signal:
        """The decoded slot."""
        known = np.concatenate([self._before, signal.now, signal.ahead[: self._context]])
        self._before = signal.now[-self._context :]
        narrow = soxr.resample(np.clip(known, -1.0, 1.0), RATE, self._rate)
        wide = soxr.resample(_code(narrow, self._rate), self._rate, RATE)
        return Signal(wide[self._context : self._context + SLOT], signal.ahead)


class PacketLoss:
    """Loses packets of 20 ms by Gilbert's model (1960); lost packets are concealed as in the live runtime."""

    def __init__(self, loss: Loss, rng: Random) -> None:
        """`rng`: draws which packets are lost."""
        self._loss = loss
        self._rng = rng
        self._lost = rng.random() < loss.rate
        self._concealer = Concealer(SlotBufferConfig().fade_samples)

    def step(self, signal: Signal, assistant: Samples) -> Signal:
        """The slot as it arrives, quantized to 16 bits."""
        missing = np.repeat([self._next() for _ in range(PACKETS)], PACKET)
        pcm = _to_int16(signal.now)
        pcm[missing] = 0
        self._concealer.fill(pcm, missing)
        return Signal(pcm.astype(np.float32) / np.float32(_FULL_SCALE), signal.ahead)

    def _next(self) -> bool:
        """Whether the next packet is lost."""
        lost = self._lost
        draw = self._rng.random()
        self._lost = draw >= self._loss.ends if lost else draw < self._loss.begins
        return lost


def _code(samples: Samples, rate: int) -> Samples:
    """Encode samples as 8-bit mu-law codes and decode them (ITU-T G.711)."""
    codes = BytesIO()
    soundfile.write(codes, samples, rate, **_RAW)
    codes.seek(0)
    decoded, _ = soundfile.read(codes, dtype="float32", channels=1, samplerate=rate, **_RAW)
    return np.asarray(decoded, np.float32)


def _to_int16(samples: Samples) -> NDArray[np.int16]:
    return np.clip(np.rint(samples * _FULL_SCALE), -_FULL_SCALE, _FULL_SCALE - 1).astype(np.int16)
