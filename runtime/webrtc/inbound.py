"""Converts the user's packets to 16 kHz samples with their position: jitter buffer and Opus decoder together.

Losses are recovered from the next packet's redundancy or concealed for a short time; longer holes remain, and the
session's slot buffer closes them at the slot's deadline. Nothing here depends on sessions, sockets or clocks.
"""

from dataclasses import dataclass, field

import numpy as np

from configs.audio import AUDIO
from configs.base import exact_div
from configs.runtime.serve import RTP_RATE, JitterConfig, rtp_samples
from runtime.pcm import Pcm16
from runtime.webrtc.jitter import JitterBuffer, Ready, ReceivedPacket
from runtime.webrtc.opus import OpusDecoder, OpusError, has_redundancy

_RATIO = exact_div(RTP_RATE, AUDIO.input_rate)
_CONCEAL_STEP = rtp_samples(20)


@dataclass(frozen=True)
class Placed:
    """Samples and their position.

    `position`: position of the first sample since the session's first one, 16 kHz. `pcm`: [n] int16.
    `concealed`: whether they were recovered or synthesized, not received.
    """

    position: int
    pcm: Pcm16
    concealed: bool = False


@dataclass
class InboundStatistics:
    """Counts since the stream's start: packets recovered or concealed, their samples, those that the redundancy of the
    next packet gave back, packets that were not Opus."""

    concealed_packets: int = 0
    concealed_samples: int = 0
    recovered_packets: int = 0
    corrupt: int = 0


@dataclass
class InboundAudio:
    """One user's audio stream. `push` and `poll` take the time in seconds and return what can be placed."""

    config: JitterConfig
    statistics: InboundStatistics = field(default_factory=InboundStatistics)
    _decoder: OpusDecoder = field(default_factory=OpusDecoder)
    _shift: int = 0
    _began: float | None = None
    _told: int = 0

    def __post_init__(self) -> None:
        self.jitter = JitterBuffer(self.config)

    def push(self, packet: ReceivedPacket, now: float) -> list[Placed]:
        """Take a packet that arrived at `now`."""
        if self._began is None:
            self._began = now
        return self._place(self.jitter.push(packet, now), now)

    def poll(self, now: float) -> list[Placed]:
        """Audio that has waited long enough for a missing packet."""
        return self._place(self.jitter.poll(now), now)

    def hurry(self, end: int, now: float) -> list[Placed]:
        """Audio before the position `end` that waits for a missing packet: the slot that ends there is about to
        close."""
        return self._place(self.jitter.release_before(end * _RATIO - self._shift), now)

    def take_discarded(self) -> int:
        """How many samples, at 16 kHz, came too late for the jitter buffer, or twice, since the last call."""
        before, self._told = self._told, self.jitter.statistics.discarded // _RATIO
        return self._told - before

    def _place(self, ready: list[Ready], now: float) -> list[Placed]:
        return [placed for one in ready for placed in self._decode(one, now)]

    def _decode(self, ready: Ready, now: float) -> list[Placed]:
        if ready.restart:
            self._shift = self._restart_shift(ready, now)
        out = self._fill(ready) if ready.lost and ready.gap else []
        try:
            pcm = self._decoder.decode(ready.payload)
        except OpusError:
            self.statistics.corrupt += 1
            return out
        return [*out, self._locate(ready.position, pcm)]

    def _restart_shift(self, ready: Ready, now: float) -> int:
        """48 kHz samples to add so that a stream that restarts at `now` does not lie in the past."""
        assert self._began is not None
        elapsed = rtp_samples(20) * int((now - self._began) * RTP_RATE / rtp_samples(20))
        return max(self._shift, elapsed - ready.position)

    def _fill(self, ready: Ready) -> list[Placed]:
        """Conceal the beginning of a hole, and recover its last packet from the redundancy in `ready`."""
        recovered = min(ready.samples, ready.gap)
        before = min(ready.gap - recovered, rtp_samples(self.config.conceal_ms))
        out = []
        for offset in range(0, before - _CONCEAL_STEP + 1, _CONCEAL_STEP):
            pcm = self._decoder.conceal(_CONCEAL_STEP // _RATIO)
            out.append(self._conceal(ready.position - ready.gap + offset, pcm))
        if recovered == ready.samples:
            pcm = self._decoder.recover(ready.payload, recovered // _RATIO)
            self.statistics.recovered_packets += has_redundancy(ready.payload)
            out.append(self._conceal(ready.position - recovered, pcm))
        return out

    def _conceal(self, position: int, pcm: Pcm16) -> Placed:
        self.statistics.concealed_packets += 1
        self.statistics.concealed_samples += len(pcm)
        return self._locate(position, pcm, True)

    def _locate(self, position: int, pcm: Pcm16, concealed: bool = False) -> Placed:
        return Placed((position + self._shift) // _RATIO, np.ascontiguousarray(pcm), concealed)
