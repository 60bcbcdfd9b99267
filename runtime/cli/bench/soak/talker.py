"""A client whose clock drifts, and what its slots tell about lag and punctuality."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from configs.audio import AUDIO
from runtime.cli.bench.soak.samples import SessionSample
from runtime.cli.bench.spoken import repeat
from runtime.clock import Clock, DriftingClock
from runtime.pcm import Pcm16
from runtime.webrtc.client import Received, VoiceClient
from tdm.slots import State

_LATE: Final = "late"
"""How the slot log calls a slot that was answered after its deadline."""


class SlotCounter:
    """Counts the slots of one session from the server's messages."""

    def __init__(self) -> None:
        self._first: int | None = None
        self._last = -1
        self._seen = self._late = 0

    def count(self, messages: Sequence[Received], began: float) -> SessionSample:
        """Take the messages since the last call, in order; returns the session's figures.

        `began`: when the client sent its first packet, seconds on its own clock, as are the messages' times.
        """
        slots = [one for one in messages if one.message["type"] == "slot"]
        for one in slots:
            self._take(one.message["t"], one.message["degraded"])
        asked = 0 if self._first is None else self._last - self._first + 1
        return SessionSample(
            _median_lag(slots, began, State.MUTE), _median_lag(slots, began, State.SPEAK),
            asked, self._late, asked - self._seen,
        )  # fmt: skip

    def _take(self, slot: int, degraded: Sequence[str]) -> None:
        self._first = slot if self._first is None else self._first
        self._last = max(self._last, slot)
        self._seen += 1
        self._late += _LATE in degraded


class Talker:
    """A `VoiceClient` that repeats a recording by a clock that is off."""

    def __init__(self, audio: Pcm16, place: float, clock: Clock, ppm: float) -> None:
        """
        Args:
            audio: [n] user audio at 24 kHz, repeated.
            place: where in `audio` it starts, 0..1.
            clock: the machine's clock.
            ppm: how much slower the client's clock is, parts per million: its packets are 20 ms * (1 + ppm * 1e-6)
                apart.
        """
        self.ppm = ppm
        self.ended: str | None = None
        """Why the server ended the session; None while it lasts, as far as `sample` has seen."""
        self._source, self._counter = repeat(audio, place), SlotCounter()
        self._began: float | None = None
        self._seen = 0
        self.client = VoiceClient(self._speak, DriftingClock(clock, ppm))

    def sample(self) -> SessionSample:
        """The session's figures now. The assistant's audio since the last call is dropped, to bound memory."""
        fresh = self.client.messages[self._seen :]
        self._seen += len(fresh)
        self.client.heard.clear()
        for one in fresh:
            if one.message["type"] == "ended":
                self.ended = str(one.message["message"])
        return self._counter.count(fresh, self._began or 0.0)

    def _speak(self, now: float) -> Pcm16:
        if self._began is None:
            self._began = now
        return self._source(now)


def _median_lag(slots: Sequence[Received], began: float, state: State) -> float | None:
    lags = [
        1000 * (one.at - began - (one.message["t"] + 1) * AUDIO.slot_seconds)
        for one in slots
        if one.message["state"] == state.name
    ]
    return round(float(np.median(lags)), 3) if lags else None
