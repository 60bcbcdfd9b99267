"""A WebRTC client in Python that does what the page does, for tests, benchmarks and other programs.

This module handles the API's offer and the data channel; a function transports the offer.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiortc import RTCPeerConnection, RTCSessionDescription

from configs.runtime.serve import JitterConfig, OpusConfig, PacingConfig
from runtime.clock import Clock
from runtime.webrtc.ice import IceAnswer
from runtime.webrtc.ice_configuration import to_configuration
from runtime.webrtc.inbound import InboundAudio, Placed
from runtime.webrtc.jitter import ReceivedPacket
from runtime.webrtc.messages import CHANNEL_LABEL, Bye, Ping
from runtime.webrtc.outbound import OutboundTrack, PcmSource
from runtime.webrtc.pacing import PacingStatistics
from runtime.webrtc.seam import allow_loopback, tap_packets

Post = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]
"""Maps the body of an offer to the server's answer."""


@dataclass(frozen=True)
class Received:
    """A message of the server and its arrival time, in seconds on the client's clock."""

    at: float
    message: dict[str, Any]


class VoiceClient:
    """One conversation with a server."""

    def __init__(self, source: PcmSource, clock: Clock, ice: Mapping[str, Any] | None = None) -> None:
        """One end of a connection.

        Args:
            source: the microphone; it maps time to the next 20 ms, [480] int16 at 24 kHz.
            clock: times of what arrives.
            ice: the server's answer to `GET /api/ice`, asked just before; None does without STUN and TURN servers.
        """
        allow_loopback()
        self.session = self.secret = ""
        self.messages: list[Received] = []
        self.heard: list[Placed] = []
        self.arrivals: list[float] = []
        self._clock = clock
        self._inbound = InboundAudio(JitterConfig())
        self._track = OutboundTrack(source, clock, OpusConfig(), PacingConfig())
        self._connection = RTCPeerConnection(to_configuration(IceAnswer.model_validate(ice or {})))
        self._channel = self._connection.createDataChannel(CHANNEL_LABEL)
        self._channel.on("message", self._on_message)
        self._changed = asyncio.Event()

    @property
    def pacing(self) -> PacingStatistics:
        """How punctual the packets were that the client sent."""
        return self._track.statistics

    @property
    def made_up(self) -> int:
        """Packets of the assistant that were recovered or concealed."""
        return self._inbound.statistics.concealed_packets

    async def offer(self) -> str:
        """The SDP of this client's offer."""
        self._connection.addTrack(self._track)
        await self._connection.setLocalDescription(await self._connection.createOffer())
        return self._connection.localDescription.sdp

    async def connect(
        self, post: Post, options: dict[str, Any] | None = None, before: "VoiceClient | None" = None
    ) -> None:
        """Open a session, or come back to that of the client `before`; `options` as in the API."""
        body: dict[str, Any] = {"sdp": await self.offer(), "type": "offer", "options": options or {}}
        if before is not None:
            body |= {"session": before.session, "secret": before.secret}
        answer = await post(body)
        self.session, self.secret = answer["session"], answer["secret"]
        await self._connection.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
        tap_packets(self._connection.getReceivers()[0], self._on_packet)

    async def wait_for(self, wanted: Callable[[dict[str, Any]], bool], timeout_s: float) -> Received:
        """The first message, past or future, that is `wanted`.

        Raises:
            TimeoutError: it does not arrive in time.
        """
        async with asyncio.timeout(timeout_s):
            seen = 0
            while True:
                for received in self.messages[seen:]:
                    if wanted(received.message):
                        return received
                seen = len(self.messages)
                self._changed.clear()
                await self._changed.wait()

    def ping(self, number: int) -> None:
        """Send a ping; its pong will be among the messages."""
        self._channel.send(Ping(id=number).model_dump_json())

    def send_text(self, text: str) -> None:
        """Send anything on the data channel."""
        self._channel.send(text)

    def say_goodbye(self) -> None:
        """Tell the server that the client leaves."""
        self._channel.send(Bye().model_dump_json())

    async def close(self) -> None:
        """End the connection."""
        await self._connection.close()

    def _on_message(self, text: str | bytes) -> None:
        self.messages.append(Received(self._clock.now(), json.loads(text)))
        self._changed.set()

    def _on_packet(self, packet: ReceivedPacket) -> None:
        now = self._clock.now()
        self.arrivals.append(now)
        self.heard += self._inbound.push(packet, now)
