"""The receiver's jitter buffer: takes packets in any order and returns them in order, as early as possible.

It uses RTP sequence numbers and timestamps (RFC 3550, section 5.1); time is an argument. A hole delays the packets
after it by at most `hold_packets` packets or `hold_ms`, so lag never accumulates. Nothing here depends on codecs or
sockets.
"""

from dataclasses import dataclass, field

from configs.runtime.serve import RTP_RATE, JitterConfig, rtp_samples


@dataclass(frozen=True)
class ReceivedPacket:
    """One RTP packet of audio: `sequence` (16 bit), `timestamp` (32 bit, 48 kHz), `samples` it lasts (48 kHz)."""

    sequence: int
    timestamp: int
    samples: int
    payload: bytes


@dataclass(frozen=True)
class Ready:
    """A packet whose turn has come.

    Attributes:
        position: position of its first sample since the stream's start, 48 kHz.
        samples: its length.
        gap: number of samples missing right before it.
        lost: number of packets missing right before it; 0 with a gap means that the sender paused.
        restart: whether the stream restarted here; `position` continues without a gap and must be placed by time.
    """

    position: int
    samples: int
    payload: bytes
    gap: int = 0
    lost: int = 0
    restart: bool = False


@dataclass
class JitterStatistics:
    """Counts since the stream's start, in packets except `discarded`.

    `late`: came after their turn, or twice, and are not used; `discarded`: what these last, samples at 48 kHz.
    """

    received: int = 0
    lost: int = 0
    late: int = 0
    discarded: int = 0
    reordered: int = 0
    restarts: int = 0


@dataclass
class JitterBuffer:
    """Orders one audio stream. `push` and `poll` return what is ready; both take the time in seconds."""

    config: JitterConfig = field(default_factory=JitterConfig)
    statistics: JitterStatistics = field(default_factory=JitterStatistics)
    _next_sequence: int | None = None
    _next_position: int = 0
    _base: int = 0
    _newest: tuple[int, int] = (0, 0)
    _newest_at: float = 0.0
    _restarted: bool = False
    _held: dict[int, tuple[ReceivedPacket, int, float]] = field(default_factory=dict)

    def push(self, packet: ReceivedPacket, now: float) -> list[Ready]:
        """Take a packet that arrived at `now`."""
        self.statistics.received += 1
        out: list[Ready] = []
        sequence, timestamp = self._unwrap(packet)
        if self._next_sequence is None or self._is_new_stream(sequence, timestamp, now):
            out = self._flush()
            self._begin(packet, now)
            sequence, timestamp = packet.sequence, packet.timestamp
        assert self._next_sequence is not None
        if sequence < self._next_sequence or sequence in self._held:
            self._discard(packet)
            return out
        self.statistics.reordered += sequence < self._newest[0]
        if (sequence, timestamp) > self._newest:
            self._newest, self._newest_at = (sequence, timestamp), now
        self._held[sequence] = (packet, timestamp, now)
        return out + self._release(now)

    def poll(self, now: float) -> list[Ready]:
        """Packets that may no longer wait at `now`, although earlier ones are missing."""
        return self._release(now)

    def release_before(self, position: int) -> list[Ready]:
        """Packets that begin before `position` (48 kHz), although earlier ones are missing; and the one behind them, if
        only one is missing before it, which it may hold too (redundancy), with what follows it."""
        out = []
        while self._held:
            assert self._next_sequence is not None
            first = min(self._held)
            packet, timestamp, _ = self._held[first]
            held_too = packet.samples if first - self._next_sequence == 1 else 0
            if first != self._next_sequence and timestamp - self._base - held_too >= position:
                break
            ready = self._take(first)
            out += [ready] if ready is not None else []
        return out

    def _unwrap(self, packet: ReceivedPacket) -> tuple[int, int]:
        """Unwrapped sequence number and timestamp, next to the newest packet's (RFC 3550, appendix A.1)."""
        sequence, timestamp = self._newest
        return (
            sequence + _sign(packet.sequence - sequence, 16),
            timestamp + _sign(packet.timestamp - timestamp, 32),
        )

    def _is_new_stream(self, sequence: int, timestamp: int, now: float) -> bool:
        """Whether this is a new stream: one that continues jumps back only a little, and forward no farther than time
        has passed."""
        back = rtp_samples(self.config.restart_ms)
        ahead = back + round((now - self._newest_at) * RTP_RATE)
        packets, samples = sequence - self._newest[0], timestamp - self._newest[1]
        shortest = rtp_samples(10)
        return not (-back // shortest <= packets <= ahead // shortest and -back <= samples <= ahead)

    def _begin(self, packet: ReceivedPacket, now: float) -> None:
        self._restarted = self._next_sequence is not None
        self.statistics.restarts += self._restarted
        self._next_sequence = packet.sequence
        self._base = packet.timestamp - self._next_position
        self._newest, self._newest_at = (packet.sequence, packet.timestamp), now

    def _flush(self) -> list[Ready]:
        out = [self._take(sequence) for sequence in sorted(self._held)]
        return [ready for ready in out if ready is not None]

    def _release(self, now: float) -> list[Ready]:
        out = []
        while self._held:
            first = min(self._held)
            if first != self._next_sequence and not self._is_overdue(now):
                break
            ready = self._take(first)
            if ready is not None:
                out.append(ready)
        return out

    def _is_overdue(self, now: float) -> bool:
        waited = now - min(arrival for _, _, arrival in self._held.values())
        return len(self._held) > self.config.hold_packets or waited >= self.config.hold_ms / 1000

    def _take(self, sequence: int) -> Ready | None:
        """Take the held packet `sequence`; None if its time lies before what was already returned."""
        packet, timestamp, _ = self._held.pop(sequence)
        assert self._next_sequence is not None
        lost = sequence - self._next_sequence
        position = timestamp - self._base
        gap = position - self._next_position
        self._next_sequence = sequence + 1
        self.statistics.lost += lost
        if gap < 0:
            self._discard(packet)
            return None
        self._next_position = position + packet.samples
        restart, self._restarted = self._restarted, False
        return Ready(position, packet.samples, packet.payload, gap, lost, restart)

    def _discard(self, packet: ReceivedPacket) -> None:
        self.statistics.late += 1
        self.statistics.discarded += packet.samples


def _sign(difference: int, bits: int) -> int:
    half = 1 << (bits - 1)
    return (difference + half) % (1 << bits) - half
