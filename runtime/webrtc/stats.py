"""Collects the figures of one connection from aiortc's reports, the track, the jitter buffer and the session."""

from typing import Any

from aiortc import RTCPeerConnection

from configs.audio import AUDIO
from configs.runtime.serve import RTP_RATE
from runtime.session.session import Session
from runtime.webrtc.inbound import InboundAudio
from runtime.webrtc.messages import Stats
from runtime.webrtc.outbound import OutboundTrack
from runtime.webrtc.pacing import PacingStatistics


class ConnectionStats:
    """Reads the figures of a connection on request."""

    def __init__(
        self, connection: RTCPeerConnection, track: OutboundTrack, inbound: InboundAudio, session: Session
    ) -> None:
        self._connection = connection
        self._track = track
        self._inbound = inbound
        self._session = session
        self.ignored_messages = 0

    @property
    def pacing(self) -> PacingStatistics:
        """How punctual the outgoing packets were."""
        return self._track.statistics

    async def message(self) -> Stats:
        """All figures, for the client."""
        reports = (await self._connection.getStats()).values()
        remote: Any = next((report for report in reports if report.type == "remote-inbound-rtp"), None)
        inbound: Any = next((report for report in reports if report.type == "inbound-rtp"), None)
        jitter = self._inbound.jitter.statistics
        session = self._session.statistics
        made_up = session.slots.recovered + session.slots.concealed
        return Stats(
            rtt_ms=None if remote is None or remote.roundTripTime is None else round(remote.roundTripTime * 1000, 1),
            loss=round(jitter.lost / max(1, jitter.received + jitter.lost), 4),
            loss_out=round(remote.fractionLost / 256, 4) if remote else 0.0,
            jitter_ms=round(inbound.jitter * 1000 / RTP_RATE, 1) if inbound else 0.0,
            concealed_ms=round(made_up * 1000 / AUDIO.input_rate, 1),
            late_share=round(self.pacing.late_share, 5),
            missed=session.missed,
            slots=session.answered,
        )
