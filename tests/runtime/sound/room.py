"""A room in memory: a card whose microphone hears the user and an echo of the loudspeaker, on a manual clock."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from runtime.clock import ManualClock
from runtime.pcm import Pcm16

RATE = 48_000
BLOCK = 480


def room_response(
    seed: int = 0, delay_ms: float = 35.0, decay_s: float = 0.02, length_s: float = 0.06
) -> NDArray[np.float64]:
    """Impulse response of a loudspeaker in a room, [n] at 48 kHz: a delay, then decaying noise of gain 1."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(length_s * RATE)) / RATE
    tail = rng.standard_normal(len(time)) * np.exp(-time / decay_s)
    tail /= np.sqrt(np.sum(tail**2))
    return np.concatenate([np.zeros(round(delay_ms * RATE / 1000)), tail])


class RoomCard:
    """A `Card`: every `pass_time` records and plays 10 ms."""

    rate = RATE
    name = "room"
    delay_ms = 35.0

    def __init__(self, user: Callable[[int], Pcm16], clock: ManualClock, echo_gain: float = 0.0) -> None:
        """`user`: index of a block of 10 ms -> [480] samples of the user's voice."""
        self._user = user
        self._clock = clock
        self._response = echo_gain * room_response()
        self._played = np.zeros(len(self._response) + BLOCK - 1)
        self._out: list[Pcm16] = []
        self._near: list[Pcm16] = []
        self._far: list[Pcm16] = []
        self._block = 0
        self.speaker: list[Pcm16] = []
        self.faults: dict[str, int] = {"silence": 0}

    def pass_time(self) -> None:
        """10 ms of the room."""
        waiting = np.concatenate([np.zeros(0, dtype=np.int16), *self._out])
        short = max(0, BLOCK - len(waiting))
        self.faults["silence"] += short
        far = np.concatenate([waiting[:BLOCK], np.zeros(short, dtype=np.int16)])
        self._out = [waiting[BLOCK:]]
        self._played = np.concatenate([self._played, far])[-len(self._played) :]
        echo = np.convolve(self._played, self._response, mode="valid")
        near = self._user(self._block) + echo
        self._near.append(np.clip(near, -32768, 32767).astype(np.int16))
        self._far.append(far)
        self.speaker.append(far)
        self._block += 1
        self._clock.advance(BLOCK / RATE)

    def read(self) -> tuple[Pcm16, Pcm16]:
        near, far = np.concatenate(self._near), np.concatenate(self._far)
        self._near, self._far = [near[:0]], [far[:0]]
        return near, far

    def write(self, pcm: Pcm16) -> None:
        self._out.append(pcm)

    def close(self) -> None:
        """Nothing to free."""
