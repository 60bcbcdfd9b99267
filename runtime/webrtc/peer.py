"""One client: its WebRTC connection on one side, its session on the other.

    packets in  -> InboundAudio -> Session.push_audio
    every 20 ms -> Session.pull -> OutboundTrack, and the messages that belong to the same audio -> data channel

This module uses aiortc and the session; it does not depend on other clients or HTTP.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from aiortc import RTCDataChannel, RTCPeerConnection, RTCSessionDescription

from configs.audio import AUDIO
from configs.runtime.runtime import RuntimeConfig
from configs.runtime.serve import ServeConfig
from runtime.clock import Clock
from runtime.errors import DuplexError
from runtime.measured_latency import MeasuredLatency
from runtime.pcm import Pcm16, to_int16
from runtime.session.log_records import SlotRow
from runtime.session.session import Session
from runtime.sessions import Delivered, Ended, News, Noticed
from runtime.webrtc.bad_offer import BadOffer
from runtime.webrtc.captions import Captions
from runtime.webrtc.ice import issue_own, report_missing
from runtime.webrtc.ice_configuration import to_configuration
from runtime.webrtc.inbound import InboundAudio, Placed
from runtime.webrtc.jitter import ReceivedPacket
from runtime.webrtc.latency import LatencyMeter
from runtime.webrtc.message_budget import MessageBudget
from runtime.webrtc.messages import (
    Bye,
    EndedMessage,
    Hello,
    LatencyMessage,
    NoticeMessage,
    Ping,
    Pong,
    Say,
    ServerMessage,
    Stats,
    list_lasting,
    parse_client_message,
)
from runtime.webrtc.offer import ask_for_redundancy, opus_only
from runtime.webrtc.outbound import OutboundTrack
from runtime.webrtc.seam import all_arrived, bound_gathering, bound_messages, tap_packets
from runtime.webrtc.stats import ConnectionStats


@dataclass(frozen=True)
class PeerCalls:
    """Callbacks of a peer to its owner.

    `audio`: user audio arrived. `over`: the session is to end, with the reason. `lost`: the connection is lost, with
    the reason and whether the client has closed it. `latency`: one was measured in a session.
    `sent`: a packet left, late or not.
    """

    audio: Callable[[], None]
    over: "Callable[[Peer, str], None]"
    lost: "Callable[[Peer, str, bool], None]"
    latency: Callable[[str, MeasuredLatency], None]
    sent: Callable[[bool], None]


class Peer:
    """A client and its session. It runs on the event loop and never blocks it."""

    def __init__(
        self,
        session: Session,
        hello: Hello,
        config: ServeConfig,
        runtime: RuntimeConfig,
        clock: Clock,
        calls: PeerCalls,
        told: Iterable[SlotRow] = (),
    ) -> None:
        """`told`: the rows of which another process has told the client."""
        self.session = session
        self._hello = hello
        self._config = config
        self._clock = clock
        self._calls = calls
        self._inbound = InboundAudio(config.jitter)
        self._runtime = runtime
        self._captions = Captions(runtime.transcript, told)
        self._missed: deque[ServerMessage] = deque(maxlen=config.keep_messages)
        self._latency = LatencyMeter(config.latency)
        self._ice = issue_own(config.ice, time.time())
        self._connection = RTCPeerConnection(to_configuration(self._ice))
        self._channel: RTCDataChannel | None = None
        self._track = OutboundTrack(self._pull, clock, config.opus, config.pacing, calls.sent)
        self._negotiating = asyncio.Lock()
        self._created = clock.now()
        self._last_packet: float | None = None
        self._last_before: float | None = None
        self._ended = self._gone = False
        self._budget = MessageBudget(config.messages)
        self._stats = ConnectionStats(self._connection, self._track, self._inbound, session)
        session.on_closing = self._hurry
        self._connection.on("datachannel", self._on_channel)
        self._connection.on("connectionstatechange", self._on_state)

    @property
    def statistics(self) -> ConnectionStats:
        """Figures of the connection."""
        return self._stats

    @property
    def connected(self) -> bool:
        """Whether the session's client has ever sent audio."""
        return self._last_packet is not None or self._last_before is not None

    @property
    def last_packet(self) -> float:
        """When the session's newest audio arrived, or else when the connection began; seconds on the clock."""
        known = (self._last_packet, self._last_before, self._created)
        return next(moment for moment in known if moment is not None)

    def succeed(self, calls: PeerCalls) -> "Peer":
        """The peer of a client that comes back: it goes on with the captions, and tells what was missed."""
        hello = self._hello.model_copy(update={"resumed": True})
        peer = Peer(self.session, hello, self._config, self._runtime, self._clock, calls)
        peer._captions, peer._missed, peer._last_before = self._captions, self._missed, self.last_packet
        peer._missed.extend(list_lasting(peer._captions.on_played((), True)))
        return peer

    async def connect(self, offer: RTCSessionDescription) -> str:
        """Answer a checked offer; returns the answer's SDP.

        Raises:
            BadOffer: the offer contradicts itself. TransportError: the installed aiortc does not fit.
        """
        async with self._negotiating:
            try:
                await self._answer(offer)
            except DuplexError:
                raise
            except Exception as error:  # aiortc documents no error type for an offer that contradicts itself
                raise BadOffer(f"the offer cannot be answered ({error}); use a browser's unchanged offer") from error
            self._created = self._clock.now()
            return ask_for_redundancy(self._connection.localDescription.sdp)

    def news(self, news: News) -> None:
        """Take news of the session."""
        if isinstance(news, Delivered):
            self._latency.event(news.row.event)
            self._send(self._captions.on_delivered(news.row))
        elif isinstance(news, Noticed):
            self._send([NoticeMessage(code=news.notice.code, message=news.notice.message)])
        elif isinstance(news, Ended):
            self._say_ended(news.code, news.message)

    def poll(self, now: float) -> None:
        """Release audio that waited long enough for a missing packet; call this every few milliseconds."""
        self._place(self._inbound.poll(now), now)

    def explain_absence(self, now: float) -> str | None:
        """Why the client counts as gone at `now`, or None."""
        liveness = self._config.liveness
        if self._negotiating.locked():
            return None
        if self._last_packet is None:
            return "the client never sent audio" if now - self._created > liveness.connect_s else None
        return "the client went silent" if now - self._last_packet > liveness.silent_s else None

    async def send_stats(self) -> Stats:
        """Send the client figures of its connection; returns them."""
        stats = await self._stats.message()
        self._send([stats])
        return stats

    async def close(self, code: str = "closed", message: str = "the session was closed") -> None:
        """End the connection; the owner ends the session. A client that already knows is not told again."""
        self._say_ended(code, message)
        await self._say_farewell()
        await self.disconnect()

    async def disconnect(self) -> None:
        """End the connection and say nothing; what is told from now on waits for the client to come back."""
        self._gone = True
        async with self._negotiating:  # closing a connection while it gathers addresses would leak sockets
            await self._connection.close()

    async def _say_farewell(self) -> None:
        """Wait until the client has the last messages; one that is gone is not waited for long."""
        transport = self._connection.sctp
        for _ in range(round(self._config.resume.farewell_s / AUDIO.packet_seconds)):
            if transport is None or not self._talks or all_arrived(transport):
                return
            await asyncio.sleep(AUDIO.packet_seconds)  # aiortc tells nobody when messages are acknowledged

    @property
    def _talks(self) -> bool:
        return not self._gone and self._channel is not None and self._channel.readyState == "open"

    async def _answer(self, offer: RTCSessionDescription) -> None:
        connection = self._connection
        connection.addTrack(self._track)
        connection.getTransceivers()[0].setCodecPreferences(opus_only())
        await connection.setRemoteDescription(offer)
        tap_packets(connection.getReceivers()[0], self._on_packet)
        if connection.sctp is not None:
            bound_messages(connection.sctp, self._config.messages.unfinished_bytes, self._end_flood)
        bound_gathering(connection, self._config.ice.gather_s)
        await connection.setLocalDescription(await connection.createAnswer())
        report_missing(connection.localDescription.sdp, self._ice)

    def _on_packet(self, packet: ReceivedPacket) -> None:
        if self._gone:
            return
        now = self._clock.now()
        self._last_packet = now
        self._place(self._inbound.push(packet, now), now)
        self._calls.audio()

    def _hurry(self, end: int) -> None:
        if not self._gone:
            now = self._clock.now()
            self._place(self._inbound.hurry(end, now), now)

    def _place(self, placed: list[Placed], now: float) -> None:
        self.session.push_discarded(self._inbound.take_discarded())
        for one in placed:
            if self.session.push_audio(one.position, one.pcm, one.concealed):
                self._latency.on_heard(one.pcm, now)

    def _pull(self, now: float) -> Pcm16:
        """The next 20 ms for the track; their messages go out on the data channel."""
        if self._gone:
            return np.zeros(AUDIO.packet_output_samples, dtype=np.int16)
        packet = self.session.pull()
        drained = not self.session.statistics.playout.waiting
        latencies = self._latency.on_played(packet.pcm, now)
        for latency in latencies:
            self._calls.latency(self.session.id, latency)
        self._send([*self._captions.on_played(packet.begun, drained), *map(LatencyMessage.of, latencies)])
        return to_int16(packet.pcm)

    def _say_ended(self, code: str, message: str) -> None:
        if not self._ended:
            self._ended = True
            self._send([EndedMessage(code=code, message=message)])

    def _on_channel(self, channel: RTCDataChannel) -> None:
        if self._channel is None:
            self._channel = channel
            channel.on("message", self._on_message)
            self._send([self._hello, *self._missed])
            self._missed.clear()

    def _on_message(self, message: str | bytes) -> None:
        if not self._budget.take(self._clock.now()):
            self._end_flood()
        if self._ended or self._gone:
            return
        parsed = parse_client_message(message) if len(message) <= self._config.max_message_bytes else None
        match parsed:
            case Ping():
                self._send([Pong(id=parsed.id)])
            case Say() if self._hello.patterns:
                self.session.push_text(parsed.text)
            case Bye():
                self._calls.over(self, "the client said goodbye")
            case _:
                self._stats.ignored_messages += 1

    def _end_flood(self) -> None:
        self._say_ended("too_many_messages", "the client sent more messages than a conversation needs; send fewer")
        self._calls.over(self, "the client sent too many messages")

    def _on_state(self) -> None:
        state = self._connection.connectionState
        if state in ("failed", "closed"):
            self._calls.lost(self, f"the connection {state}", state == "closed")

    def _send(self, messages: Iterable[ServerMessage]) -> None:
        """Send what the client can take; a channel that does not drain gets no more, so that memory stays bounded."""
        channel = self._channel
        if channel is None or not self._talks:
            self._missed.extend(list_lasting(messages))
            return
        for message in messages:
            if channel.bufferedAmount < self._config.max_buffered_bytes:
                channel.send(message.model_dump_json())
