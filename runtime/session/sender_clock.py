"""Maps a sender's audio to the session's clock. Positions and times are arguments.

A session's slots follow the wall clock from its first audio on; the sender's positions are fitted to them, never the
other way round. Audio that comes too late, or before it can have been spoken, is not used. If nothing fits for a while
but arrives steadily, the sender has restarted its count or its network has become slower, and its positions are moved.
A burst of delayed audio does not arrive steadily, so it moves nothing.
"""

from collections import deque
from dataclasses import dataclass

from configs.audio import AUDIO
from configs.runtime.runtime import SlotBufferConfig

RATE = AUDIO.input_rate


class NetworkDelay:
    """Clock time of sample position 0 according to the fastest audio of the last seconds; follows a drifting sender."""

    def __init__(self, window_s: float) -> None:
        self._window = window_s
        self._minima: deque[tuple[float, float]] = deque()

    def update(self, origin: float, now: float) -> None:
        """Audio arrived at `now` as if position 0 had been at `origin` (both seconds)."""
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
        """Best estimate in seconds; None before any audio."""
        return self._minima[0][1] if self._minima else None


@dataclass
class _Run:
    """A run of unusable audio: since when, and the first and the earliest clock time of position 0 that it implied."""

    began: float
    first: float
    least: float


class SenderClock:
    """Maps a sender's positions to the session's; all positions are samples at 16 kHz, all times seconds."""

    def __init__(self, config: SlotBufferConfig) -> None:
        self._config = config
        self._delay = NetworkDelay(config.delay_window_s)
        self._anchor: float | None = None
        self._moved = 0.0
        self._shift = 0
        self._run: _Run | None = None
        self._rejoins = False

    @property
    def origin(self) -> float | None:
        """Clock time of the session's first sample, by the network's present delay; None before any audio."""
        return self._delay.origin

    def place(self, position: int) -> int:
        """Convert a sender's position to the session's."""
        return position + self._shift

    def shift(self, samples: int) -> None:
        """The sender's position 0 is so many samples later in the session; before any audio."""
        self._shift += samples

    def rejoin(self) -> None:
        """The sender begins to count again: its next audio is what is spoken when it arrives."""
        self._rejoins = True

    def settle(self, end: int, now: float) -> None:
        """Audio arrives at `now` and ends at the sender's position `end`: after `rejoin`, its positions follow."""
        if self._rejoins and self._anchor is not None:
            self._shift = round((now - self._anchor) * RATE) - end
            self._run = None
            self._delay.restart()
        self._rejoins = False

    def limit(self, now: float) -> int | None:
        """The session's position beyond which audio cannot have been spoken yet at `now`; None before any audio."""
        if self._anchor is None:
            return None
        return round((now - self._anchor + self._config.ahead_ms / 1000) * RATE)

    def on_used(self, end: int, now: float) -> None:
        """Audio that arrived at `now` and ends at the session's position `end` was in time."""
        self._run = None
        self._delay.update(now - end / RATE, now)
        self._follow(now)

    def on_unused(self, end: int, now: float) -> bool:
        """Audio was not in time; returns whether the sender's positions were moved, so that it must be placed again."""
        origin, steady = now - end / RATE, self._config.steady_ms / 1000
        if self._run is None or origin < self._run.first - steady:
            self._run = _Run(now, origin, origin)
            return False
        self._run.least = min(self._run.least, origin)
        if self._anchor is None or now - self._run.began < self._config.resync_ms / 1000:
            return False
        self._shift += round((self._run.least - self._anchor) * RATE)
        self._run = None
        self._delay.restart()
        return True

    def _follow(self, now: float) -> None:
        """Follow the wall clock, no faster than clocks drift."""
        origin = self._delay.origin
        assert origin is not None
        if self._anchor is None:
            self._anchor = origin
        most = (now - self._moved) * self._config.drift_ppm / 1e6
        self._anchor += min(max(origin - self._anchor, -most), most)
        self._moved = now
