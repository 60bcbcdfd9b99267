"""The assistant's voice as a WebRTC track: exact 20 ms packets on a monotonic clock.

Packets are encoded here and passed to aiortc ready to send, so that its executor and resampler are not involved. A
function supplies the samples.
"""

import asyncio
from collections.abc import Callable
from fractions import Fraction

import av
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av.frame import Frame

from configs.runtime.serve import RTP_RATE, OpusConfig, PacingConfig, rtp_samples
from runtime.clock import Clock
from runtime.pcm import Pcm16
from runtime.webrtc.opus import OpusEncoder
from runtime.webrtc.pacing import Pacer, PacingStatistics

PcmSource = Callable[[float], Pcm16]
"""Maps time in seconds to the next 20 ms, [480] int16 at 24 kHz. Called once per packet, in order."""


class OutboundTrack(MediaStreamTrack):
    """Pulls 20 ms after 20 ms from a source and paces them."""

    kind = "audio"

    def __init__(
        self,
        source: PcmSource,
        clock: Clock,
        opus: OpusConfig,
        pacing: PacingConfig,
        sent: Callable[[bool], None] | None = None,
    ) -> None:
        """`sent` is called for every packet with whether it left late."""
        super().__init__()
        self._sent = sent
        self._source = source
        self._clock = clock
        self._encoder = OpusEncoder(opus)
        self._pacer = Pacer(pacing)

    @property
    def statistics(self) -> PacingStatistics:
        """How punctual the packets were."""
        return self._pacer.statistics

    async def recv(self) -> Frame | av.Packet:  # type: ignore[type-arg]
        """The next packet, when it is due.

        Raises:
            MediaStreamError: the track was stopped.
        """
        due = self._pacer.due(self._clock.now())
        await asyncio.sleep(max(0.0, due - self._clock.now()))
        if self.readyState != "live":
            raise MediaStreamError
        payload = self._encoder.encode(self._source(self._clock.now()))
        place, late = self._pacer.on_sent(self._clock.now())
        if self._sent is not None:
            self._sent(late)
        packet = av.Packet(payload)
        packet.pts = place * rtp_samples(20)
        packet.time_base = Fraction(1, RTP_RATE)
        return packet
