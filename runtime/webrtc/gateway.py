"""Manages all clients of one server: opens a session for an offer, pumps slots and results, ends clients that are gone.

Everything runs on one event loop, and nothing here blocks it. Nothing here depends on HTTP.
"""

import asyncio
import logging
from collections import OrderedDict, deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from configs.audio import AUDIO
from configs.runtime.serve import ServeConfig
from duplex.model.interface import ConversationOptions
from runtime.clock import Clock
from runtime.errors import SessionError, UnknownSession, user_line
from runtime.observers import Observer
from runtime.session.session import Notice
from runtime.sessions import Ended, Noticed, SessionHub
from runtime.webrtc.departures import Departures
from runtime.webrtc.drain import Drain, Draining
from runtime.webrtc.messages import Hello, LatencyMessage
from runtime.webrtc.offer import check_offer
from runtime.webrtc.peer import Peer, PeerCalls
from runtime.webrtc.seam import allow_loopback

logger = logging.getLogger(__name__)


class SessionInUse(SessionError):  # noqa: N818 - reads as what it is
    """A second client wants a session that already has one."""

    code = "session_in_use"


class NotRecorded(SessionError):  # noqa: N818
    """There is no file of this session."""

    code = "not_recorded"


@dataclass(frozen=True)
class Closed:
    """A session that has ended: why, and the folder of its files (None: not recorded)."""

    reason: str
    folder: Path | None


class Gateway:
    """Clients by session id."""

    def __init__(self, hub: SessionHub, config: ServeConfig, clock: Clock, observer: Observer | None = None) -> None:
        """`observer` is told of connections and of the server's end; of sessions, the hub tells its own."""
        self.hub = hub
        self._config = config
        self._clock = clock
        self._peers: dict[str, Peer] = {}
        self._closed: OrderedDict[str, Closed] = OrderedDict()
        self._closing: set[asyncio.Task[None]] = set()
        self._departures = Departures(config.keep_closed)
        self._observer = observer or Observer()
        self._drain = Drain(config.drain_s, clock)
        self.latencies: deque[LatencyMessage] = deque(maxlen=config.keep_latencies)
        allow_loopback()

    @property
    def peers(self) -> tuple[Peer, ...]:
        """Clients that are connected or about to be."""
        return tuple(self._peers.values())

    @property
    def draining(self) -> bool:
        """Whether no new conversations are taken, because the server stops."""
        return self._drain.begun

    @property
    def drained(self) -> bool:
        """Whether the server can stop: its conversations have ended, or their time is over."""
        return self._drain.is_over(len(self._peers))

    def drain(self) -> None:
        """Take no new conversations, and tell the users of the running ones how long they have."""
        if self._drain.begin():
            self._observer.on_draining()
            text = f"The server stops in {self._drain.limit_s:.0f} seconds, and this conversation ends then."
            for peer in self.peers:
                notice = Notice("server_stops", text)
                self._observer.on_notice(peer.session.id, notice)
                peer.news(Noticed(peer.session.id, notice))

    async def run(self) -> None:
        """Serve until cancelled; at the end all sessions are closed and their files finished."""
        loop = asyncio.get_running_loop()
        descriptor = self.hub.client.fileno()
        if descriptor is not None:
            loop.add_reader(descriptor, self.pump)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._beat())
                group.create_task(self._watch())
        finally:
            if descriptor is not None:
                loop.remove_reader(descriptor)
            await self.close_all()

    async def open(
        self, sdp: str, options: ConversationOptions, policy: str, session: str | None, attempt: str | None = None
    ) -> tuple[str, str]:
        """Open a new session for an offer; returns its id and the answer's SDP.

        Args:
            sdp: the offer. options: options of the conversation. policy: name of its policy, for the client.
            session: id of a session to join; none can be joined, so that one session never has two clients.
            attempt: the client's name for this offer, see `leave`.

        Raises:
            BadOffer, ClientGone, Draining, ServerFull, BadOptions, SessionInUse, UnknownSession, TransportError.
        """
        offer = check_offer(sdp)
        if session is not None:
            self._refuse(session)
        self._departures.check(attempt)
        self._check_drain()
        opened = self.hub.open(options)
        self._departures.on_opened(attempt, opened.id)
        info = self.hub.client.info
        hello = Hello(
            session=opened.id,
            model=info.model,
            slot_ms=AUDIO.slot_ms,
            delay_ms=info.delay_ms,
            policy=policy,
            patterns=info.patterns,
        )
        calls = PeerCalls(self.pump, self._forget, self._on_latency, self._on_sent)
        peer = Peer(opened, hello, self._config, self.hub.config, self._clock, calls)
        self._peers[opened.id] = peer
        try:
            answer = await peer.connect(offer)
        except BaseException:
            self._forget(opened.id, "the offer could not be answered")
            raise
        if opened.id not in self._peers:
            raise UnknownSession(f"session {opened.id} ended while it was opened: {self._closed[opened.id].reason}")
        return opened.id, answer

    async def close(self, session: str, reason: str) -> None:
        """End a session: free its row, finish its files, close the connection.

        Raises:
            UnknownSession: there is no such session.
        """
        peer = self._drop(session, reason)
        if peer is None:
            raise UnknownSession(f"session {session} is unknown or over; open a new one")
        await peer.close("closed", reason)

    def leave(self, attempt: str) -> None:
        """The client of an attempt is gone: its session ends now or as soon as its offer arrives."""
        for session in self._departures.leave(attempt):
            self._forget(session, "the client left")

    async def close_all(self) -> None:
        """End all sessions."""
        for session in list(self._peers):
            await self.close(session, "the server stops")
        await asyncio.gather(*self._closing)

    def folder(self, session: str) -> Path:
        """Folder of the files of a session, whether live or ended.

        Raises:
            UnknownSession: there is no such session, or it ended too long ago. NotRecorded: nothing was kept.
        """
        if session in self._peers:
            folder = self._peers[session].session.folder
        elif session in self._closed:
            folder = self._closed[session].folder
        else:
            raise UnknownSession(f"session {session} is unknown; its files may still be in the recordings folder")
        if folder is None:
            raise NotRecorded(f"session {session} was not recorded; set recording.enabled to keep conversations")
        return folder

    def pump(self) -> None:
        """Carry slots to the engine and results to the clients."""
        try:
            everything = self.hub.pump()
        except Exception as error:  # a full disk or a broken model ends conversations, not the server
            logger.exception("all conversations end")
            self._break(error)
            return
        for news in everything:
            peer = self._peers.get(news.session)
            if peer is not None:
                peer.news(news)
            if isinstance(news, Ended):
                self._forget(news.session, f"{news.code}: {news.message}")

    def _break(self, error: Exception) -> None:
        for peer in self.peers:
            self._forget(peer.session.id, f"the server failed ({type(error).__name__}: {user_line(error)})")

    def _check_drain(self) -> None:
        try:
            self._drain.check()
        except Draining as error:
            self._observer.on_refused(error.code)
            raise

    def _on_latency(self, latency: LatencyMessage) -> None:
        self.latencies.append(latency)
        self._observer.on_latency(latency.kind, latency.ms / 1000)

    def _on_sent(self, late: bool) -> None:
        self._observer.on_packet_sent(late=late)

    def _refuse(self, session: str) -> None:
        if session in self._peers:
            raise SessionInUse(f"session {session} has a client already; leave out 'session' to open another one")
        raise UnknownSession(f"session {session} is over; leave out 'session' to open a new one")

    def _forget(self, session: str, reason: str) -> None:
        peer = self._drop(session, reason)
        if peer is not None:
            task = asyncio.get_running_loop().create_task(peer.close("closed", reason))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def _drop(self, session: str, reason: str) -> Peer | None:
        peer = self._peers.pop(session, None)
        if peer is not None:
            self._departures.on_closed(session)
            with suppress(OSError):  # on a full disk, what was written stays as it is
                self.hub.close(session, reason)
            self._closed[session] = Closed(reason, peer.session.folder)
            while len(self._closed) > self._config.keep_closed:
                self._closed.popitem(last=False)
        return peer

    async def _beat(self) -> None:
        """Close slots at their deadline and release held packets, also when nothing arrives."""
        while True:
            await asyncio.sleep(AUDIO.packet_seconds / 2)
            now = self._clock.now()
            for peer in self.peers:
                peer.poll(now)
            self.pump()

    async def _watch(self) -> None:
        """End clients that are gone, and send the others figures of their connection."""
        while True:
            await asyncio.sleep(self._config.liveness.watch_s)
            for peer in self.peers:
                reason = peer.explain_absence(self._clock.now())
                if reason is not None:
                    self._forget(peer.session.id, reason)
                else:
                    stats = await peer.send_stats()
                    round_trip_s = None if stats.rtt_ms is None else stats.rtt_ms / 1000
                    self._observer.on_connection(round_trip_s, stats.loss, stats.loss_out)
