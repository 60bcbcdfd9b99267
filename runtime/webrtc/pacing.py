"""The schedule of outgoing packets, which is absolute so that delays do not accumulate. Time is an argument."""

from dataclasses import dataclass

from configs.audio import AUDIO
from configs.runtime.serve import PacingConfig


@dataclass
class PacingStatistics:
    """Packets sent, those later than the limit, the latest one in ms, and how often the schedule restarted."""

    packets: int = 0
    late: int = 0
    worst_ms: float = 0.0
    skips: int = 0

    @property
    def late_share(self) -> float:
        """Share of late packets, 0..1."""
        return self.late / self.packets if self.packets else 0.0


class Pacer:
    """Says when each packet is due, in seconds."""

    def __init__(self, config: PacingConfig) -> None:
        self.config = config
        self.statistics = PacingStatistics()
        self._start: float | None = None
        self._count = 0

    def due(self, now: float) -> float:
        """When the next packet is due; the first one is due at once.

        A schedule that is more than `skip_ms` behind (the machine slept) continues from `now` and leaves a gap.
        """
        if self._start is None:
            self._start = now
        due = self._at(self._count)
        if now - due > self.config.skip_ms / 1000:
            self._count += int((now - due) * 1000 / AUDIO.packet_ms)
            self.statistics.skips += 1
        return self._at(self._count)

    def on_sent(self, now: float) -> tuple[int, bool]:
        """The due packet is sent at `now`; returns its place in the schedule, and whether it is late."""
        place = self._count
        late_ms = (now - self._at(place)) * 1000
        late = late_ms > self.config.late_ms
        self.statistics.packets += 1
        self.statistics.late += late
        self.statistics.worst_ms = max(self.statistics.worst_ms, late_ms)
        self._count += 1
        return place, late

    def _at(self, count: int) -> float:
        assert self._start is not None
        return self._start + count * AUDIO.packet_ms / 1000
