"""Serves all clients of one server: opens a session for an offer, pumps slots and results, and notices who is gone.

Everything runs on the media's event loop, and nothing here blocks it. Nothing here depends on HTTP.
"""

import asyncio
import logging
import time
from pathlib import Path

from aiortc import RTCSessionDescription

from configs.audio import AUDIO
from configs.runtime.serve import ServeConfig
from duplex.model.interface import ConversationOptions
from runtime.clock import Clock
from runtime.errors import UnknownSession, user_line
from runtime.metrics import Metrics
from runtime.observers import Observer
from runtime.session.resumable import ResumeKey, read_resumable, unknown
from runtime.session.session import Notice, Session
from runtime.sessions import Ended, Noticed, SessionHub
from runtime.webrtc.client_address import SessionsByClient, TooManySessions
from runtime.webrtc.clients import Clients
from runtime.webrtc.drain import Drain, Draining
from runtime.webrtc.ended_sessions import NotRecorded
from runtime.webrtc.engine_watch import EngineWatch
from runtime.webrtc.media_server import Answered, Unready
from runtime.webrtc.messages import greet
from runtime.webrtc.offer import check_offer
from runtime.webrtc.peer import Peer, PeerCalls
from runtime.webrtc.seam import allow_loopback

logger = logging.getLogger(__name__)


class Gateway:
    """The way in and out for clients: a `MediaServer`."""

    def __init__(
        self, hub: SessionHub, config: ServeConfig, clock: Clock, metrics: Metrics, observer: Observer | None = None
    ) -> None:
        """`observer` is told of connections and of the server's end, None takes the metrics; of sessions, the hub tells
        its own."""
        self.hub = hub
        self._config = config
        self._clock = clock
        self._clients = Clients(hub, config, clock)
        self._metrics, self._observer = metrics, observer or metrics
        self._drain = Drain(config.drain_s, clock)
        self._by_client = SessionsByClient(config.clients)
        self._engine_watch = EngineWatch(self.pump)
        metrics.on_places(hub.client.info.rows)
        allow_loopback()

    @property
    def peers(self) -> tuple[Peer, ...]:
        """Clients that are connected or about to be."""
        return self._clients.connected

    async def count_places(self) -> tuple[int, int]:
        """See `MediaServer`."""
        return self.hub.client.free + self._clients.held.giving_way, len(self.peers)

    async def explain_unready(self) -> Unready | None:
        """See `MediaServer`."""
        if self._drain.begun:
            return "draining", "the server stops and takes no new conversations; ask another one"
        if not self.hub.client.ready:
            return "engine_died", "no engine runs; it is being started again, or the server's log says why not"
        return None

    async def tell_metrics(self, http_tasks: int) -> bytes:
        """See `MediaServer`."""
        self._metrics.on_tasks("http", http_tasks)
        self._metrics.on_tasks("media", len(asyncio.all_tasks()))
        return await asyncio.to_thread(self._metrics.exposition)

    async def drain(self) -> bool:
        """Take no new conversations from now on, and tell the users of the running ones how long they have.

        Returns:
            Whether the server can stop: its conversations have ended, or their time is over.
        """
        if self._drain.begin():
            self._observer.on_draining()
            text = f"The server stops in {self._drain.limit_s:.0f} seconds, and this conversation ends then."
            for peer in self.peers:
                notice = Notice("server_stops", text)
                self._observer.on_notice(peer.session.id, notice)
                peer.news(Noticed(peer.session.id, notice))
        return self._drain.is_over(len(self._clients.sessions))

    async def run(self) -> None:
        """Serve until cancelled; at the end all sessions are closed and their files finished."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._beat())
                group.create_task(self._watch())
        finally:
            self._engine_watch.follow(None)
            await self.close_all()

    async def open(
        self, sdp: str, options: ConversationOptions, policy: str, attempt: str | None = None, address: str = ""
    ) -> Answered:
        """See `MediaServer`."""
        offer = check_offer(sdp)
        self._clients.departures.check(attempt)
        self._check_admission(address)
        opened = self._open(options)
        self._by_client.note(opened.id, address)
        hello = greet(opened.id, self.hub.client.info, policy)
        secret = self._clients.held.begin(opened.id)
        opened.files.keep_key(ResumeKey.of(secret, policy))
        peer = Peer(opened, hello, self._config, self.hub.config, self._clock, self._calls())
        return Answered(opened.id, await self._connect(peer, offer, attempt), secret)

    async def resume(self, sdp: str, session: str, secret: str, attempt: str | None = None) -> Answered:
        """See `MediaServer`. The session may be one of a killed server that this one took the place of."""
        offer = check_offer(sdp)
        clients = self._clients
        if clients.find(session) is None:
            await self._take_over(session, secret)
        clients.held.check(session, secret)
        clients.departures.check(attempt)
        before = clients.find(session)
        assert before is not None, "who has a secret has a session"
        clients.held.resume(session)
        clients.part(before)
        self.hub.rejoin(session)
        return Answered(session, await self._connect(before.succeed(self._calls()), offer, attempt), secret)

    async def close(self, session: str, reason: str) -> None:
        """End a session: its row is free at once, its files are finished; the connection closes soon after.

        Raises:
            UnknownSession: there is no such session.
        """
        peer = self._clients.forget(session, reason)
        if peer is None:
            raise UnknownSession(f"session {session} is unknown or over; open a new one")
        await asyncio.wait([asyncio.wrap_future(peer.session.files.finished)])  # whoever waits must not cancel it
        self.hub.settle_ended()

    async def lose(self, session: str, reason: str) -> None:
        """See `MediaServer`."""
        peer = self._clients.find(session)
        if peer is not None:
            self._clients.lose(peer, reason)

    async def leave(self, attempt: str, returns: bool = False) -> None:
        """See `MediaServer`."""
        for session in self._clients.departures.leave(attempt):
            peer = self._clients.find(session)
            if returns and peer is not None and peer.connected:
                self._clients.hold(peer, "the client left", left=True)
            else:
                self._clients.forget(session, "the client left")

    async def close_all(self) -> None:
        """End all sessions."""
        for session in self._clients.sessions:
            await self.close(session, "the server stops")
        await self._clients.wait_closed()

    async def folder(self, session: str) -> Path:
        """See `MediaServer`."""
        live = self._clients.find(session)
        folder = live.session.folder if live is not None else self._clients.ended.folder(session)
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
            peer = self._clients.find(news.session)
            if peer is not None:
                peer.news(news)
            if isinstance(news, Ended):
                self._clients.forget(news.session, f"{news.code}: {news.message}")

    async def _take_over(self, session: str, secret: str) -> None:
        """Go on with a session that a server left when it was killed; its client is about to come back."""
        recording, clients, hold_s = self.hub.config.recording, self._clients, self._config.resume.hold_s
        if not recording.enabled:
            raise unknown(session)
        left = await asyncio.to_thread(read_resumable, recording.folder, session, secret, time.time() - hold_s)
        if clients.find(session) is not None:
            return
        opened = self.hub.reopen(left)
        hello = greet(session, self.hub.client.info, left.policy)
        clients.held.adopt(session, secret)
        clients.add(Peer(opened, hello, self._config, self.hub.config, self._clock, self._calls(), left.rows))
        clients.held.hold_lost(session, "the server was killed", self._clock.now())

    def _open(self, options: ConversationOptions) -> Session:
        """Open a session, if need be in the place of one whose page was closed."""
        engine, left = self.hub.client, self._clients.held.oldest_giving_way()
        if left is not None and engine.ready and not engine.free:
            self._clients.forget(left, "the client left")
        return self.hub.open(options)

    async def _connect(self, peer: Peer, offer: RTCSessionDescription, attempt: str | None) -> str:
        """Answer the offer of a session's client once the session has its files; returns the answer's SDP.

        The client can leave, and news can come for it, as soon as the session is open.
        """
        clients = self._clients
        clients.departures.on_opened(attempt, peer.session.id)
        clients.add(peer)
        try:
            await asyncio.wait([asyncio.wrap_future(peer.session.files.created)])
            self.hub.settle_files(peer.session)
            self._check_current(peer)
            answer = await peer.connect(offer)
        except BaseException:
            clients.lose(peer, "the offer could not be answered")
            raise
        self._check_current(peer)
        return answer

    def _check_current(self, peer: Peer) -> None:
        session = peer.session.id
        if self._clients.find(session) is not peer:
            reason = self._clients.ended.explain(session) or "its client came back over another connection"
            raise UnknownSession(f"session {session} ended while it was opened: {reason}")

    def _calls(self) -> PeerCalls:
        return PeerCalls(self.pump, self._clients.end, self._clients.lose, self._observer.on_latency, self._on_sent)

    def _check_admission(self, address: str) -> None:
        try:
            self._drain.check()
            self._by_client.check(address, self._clients.sessions_that_count)
        except (Draining, TooManySessions) as error:
            self._observer.on_refused(error.code)
            raise

    def _on_sent(self, late: bool) -> None:
        self._observer.on_packet_sent(late=late)

    def _break(self, error: Exception) -> None:
        for session in self._clients.sessions:
            self._clients.forget(session, f"the server failed ({type(error).__name__}: {user_line(error)})")

    async def _beat(self) -> None:
        """Close slots at their deadline and release held packets, also when nothing arrives."""
        while True:
            await asyncio.sleep(AUDIO.packet_seconds / 2)
            now = self._clock.now()
            for peer in self.peers:
                peer.poll(now)
            self.pump()
            self._engine_watch.follow(self.hub.client.fileno())

    async def _watch(self) -> None:
        """End clients that are gone, and send the others figures of their connection."""
        while True:
            await asyncio.sleep(self._config.liveness.watch_s)
            now = self._clock.now()
            for session, reason in self._clients.held.find_over(now):
                self._clients.forget(session, reason)
            for peer in self.peers:
                absence = peer.explain_absence(now)
                if absence is not None:
                    self._clients.lose(peer, absence)
                else:
                    stats = await peer.send_stats()
                    round_trip_s = None if stats.rtt_ms is None else stats.rtt_ms / 1000
                    self._observer.on_connection(round_trip_s, stats.loss, stats.loss_out)
