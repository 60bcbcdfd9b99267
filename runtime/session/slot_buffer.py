"""The user's audio, placed by sample position and cut into slots.

A slot closes when it is complete, or at its deadline: what did not arrive is concealed and marked, what arrives
later is dropped and counted, so that lag never accumulates. Pure: positions and time are arguments.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from configs.audio import AUDIO
from configs.runtime.runtime import SlotBufferConfig
from duplex.model.concealment import Concealer
from runtime.pcm import Pcm16
from runtime.records import UserSlot

SLOT = AUDIO.slot_input_samples


@dataclass(frozen=True)
class SlotBufferStatistics:
    """Counts since the session's start, in samples at 16 kHz but for `slots` and `resyncs`.

    `placed`: arrived in time. `duplicate`: came twice. `late`: came after their slot was closed.
    `ahead`: did not fit the session's clock. `concealed`: made up. `resyncs`: how often the clock was moved.
    """

    slots: int = 0
    placed: int = 0
    duplicate: int = 0
    late: int = 0
    ahead: int = 0
    concealed: int = 0
    resyncs: int = 0


class NetworkDelay:
    """Clock time of sample position 0, by the fastest audio of the last seconds; follows a drifting sender."""

    def __init__(self, window_s: float) -> None:
        self._window = window_s
        self._minima: deque[tuple[float, float]] = deque()

    def update(self, origin: float, now: float) -> None:
        """Audio arrived at `now` as if the position 0 had been at `origin` (both seconds)."""
        while self._minima and self._minima[-1][1] >= origin:
            self._minima.pop()
        self._minima.append((now, origin))
        while self._minima[0][0] < now - self._window:
            self._minima.popleft()

    def restart(self) -> None:
        """Forget everything: the positions have a new origin."""
        self._minima.clear()

    @property
    def origin(self) -> float | None:
        """Best estimate in seconds, None before any audio."""
        return self._minima[0][1] if self._minima else None


class SlotBuffer:
    """Samples in by position, slots out in order; holds at most `max_ahead_slots` slots."""

    def __init__(self, config: SlotBufferConfig) -> None:
        self.config = config
        self._length = config.max_ahead_slots * SLOT
        self._pcm: Pcm16 = np.zeros(self._length, dtype=np.int16)
        self._have: NDArray[np.bool_] = np.zeros(self._length, dtype=np.bool_)
        self._next = 0
        self._shift = 0
        self._unusable = 0
        self._delay = NetworkDelay(config.delay_window_s)
        self._concealer = Concealer(config.fade_samples)
        self._counts: dict[str, int] = {}

    @property
    def statistics(self) -> SlotBufferStatistics:
        """Counts so far."""
        return SlotBufferStatistics(slots=self._next, **self._counts)

    def push(self, position: int, pcm: Pcm16, now: float) -> None:
        """Place samples.

        Args:
            position: of the first sample, counted at 16 kHz from the session's first sample.
            pcm: [n] 16-bit samples.
            now: when they arrived, seconds on the clock.
        """
        if not len(pcm):
            return
        offset = self._fit(position + self._shift - self._next * SLOT, len(pcm))
        late = min(max(0, -offset), len(pcm))
        ahead = min(max(0, offset + len(pcm) - self._length), len(pcm) - late)
        self._count("late", late)
        self._count("ahead", ahead)
        if late + ahead < len(pcm):
            end = self._next * SLOT + offset + len(pcm)
            self._delay.update(now - end / AUDIO.input_rate, now)
            self._place(offset + late, pcm[late : len(pcm) - ahead])

    def pop(self, now: float) -> list[UserSlot]:
        """All slots that close at `now` (seconds), in order."""
        slots = []
        while self._complete() or self._due(now):
            slots.append(self._close(now))
        return slots

    def next_deadline(self) -> float | None:
        """When the next slot closes at the latest, seconds on the clock; None before any audio."""
        origin = self._delay.origin
        if origin is None:
            return None
        return origin + (self._next + 1) * AUDIO.slot_seconds + self.config.grace_ms / 1000

    def _fit(self, offset: int, length: int) -> int:
        """Move the session's clock where nothing of the sender's audio has fitted it for too long.

        `offset` and the result are relative to the open slot's first sample.
        """
        if -length < offset < self._length:
            self._unusable = 0
            return offset
        self._unusable += length
        if self._unusable < self.config.resync_samples:
            return offset
        self._count("resyncs", 1)
        self._unusable = 0
        self._delay.restart()
        self._shift -= offset
        return 0

    def _place(self, offset: int, pcm: Pcm16) -> None:
        span = slice(offset, offset + len(pcm))
        fresh = ~self._have[span]
        self._pcm[span][fresh] = pcm[fresh]
        self._have[span] = True
        self._count("placed", int(fresh.sum()))
        self._count("duplicate", len(pcm) - int(fresh.sum()))

    def _complete(self) -> bool:
        return bool(self._have[:SLOT].all())

    def _due(self, now: float) -> bool:
        deadline = self.next_deadline()
        return deadline is not None and now >= deadline

    def _close(self, now: float) -> UserSlot:
        pcm, have = self._pcm[:SLOT].copy(), self._have[:SLOT].copy()
        holes = self._concealer.fill(pcm, ~have)
        self._count("concealed", sum(stop - start for start, stop in holes))
        self._roll()
        slot = UserSlot(self._next, pcm, holes, now)
        self._next += 1
        return slot

    def _roll(self) -> None:
        for ring in (self._pcm, self._have):
            ring[:-SLOT] = ring[SLOT:].copy()
            ring[-SLOT:] = 0

    def _count(self, name: str, amount: int) -> None:
        self._counts[name] = self._counts.get(name, 0) + amount
