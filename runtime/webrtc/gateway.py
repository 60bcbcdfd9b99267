"""Manages all clients of one server: opens a session for an offer, pumps slots and results, keeps the sessions of
clients that are gone until they come back, or ends them.

Everything runs on one event loop, and nothing here blocks it. Nothing here depends on HTTP.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from aiortc import RTCSessionDescription

from configs.audio import AUDIO
from configs.runtime.serve import ServeConfig
from duplex.model.interface import ConversationOptions
from runtime.clock import Clock
from runtime.errors import UnknownSession, user_line
from runtime.session.session import Session
from runtime.sessions import Ended, SessionHub
from runtime.webrtc.departures import Departures
from runtime.webrtc.ended_sessions import EndedSessions, NotRecorded
from runtime.webrtc.engine_watch import EngineWatch
from runtime.webrtc.held_sessions import HeldSessions
from runtime.webrtc.messages import LatencyMessage, greet
from runtime.webrtc.offer import check_offer
from runtime.webrtc.peer import Peer, PeerCalls
from runtime.webrtc.seam import allow_loopback

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answered:
    """An offer was answered. `secret`: with it the client can come back to the session."""

    session: str
    sdp: str
    secret: str


class Gateway:
    """Clients by session id; a session that waits for its client keeps the one that is gone."""

    def __init__(
        self, hub: SessionHub, config: ServeConfig, clock: Clock, sent: Callable[[bool], None] | None = None
    ) -> None:
        """`sent` is called for every outgoing packet with whether it left late."""
        self.hub = hub
        self._config = config
        self._clock = clock
        self._peers: dict[str, Peer] = {}
        self._ended = EndedSessions(config.keep_closed)
        self._closing: set[asyncio.Task[None]] = set()
        self._departures = Departures(config.keep_closed)
        self._held = HeldSessions(config.resume)
        self._sent = sent or (lambda late: None)
        self._engine_watch = EngineWatch(self.pump)
        self.latencies: deque[LatencyMessage] = deque(maxlen=config.keep_latencies)
        allow_loopback()

    @property
    def peers(self) -> tuple[Peer, ...]:
        """Clients that are connected or about to be."""
        return tuple(peer for session, peer in self._peers.items() if session not in self._held)

    async def count_places(self) -> tuple[int, int]:
        """Sessions that can still be opened, some in the place of one whose page was closed; and clients."""
        return self.hub.client.free + self._held.giving_way, len(self.peers)

    async def run(self) -> None:
        """Serve until cancelled; at the end all sessions are closed and their files finished."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._beat())
                group.create_task(self._watch())
        finally:
            self._engine_watch.follow(None)
            await self.close_all()

    async def open(self, sdp: str, options: ConversationOptions, policy: str, attempt: str | None = None) -> Answered:
        """Open a new session for an offer.

        Args:
            sdp: the offer. options: options of the conversation. policy: name of its policy, for the client.
            attempt: the client's name for this offer, see `leave`.

        Raises:
            BadOffer, ClientGone, ServerFull, BadOptions, UnknownSession, TransportError.
        """
        offer = check_offer(sdp)
        self._departures.check(attempt)
        opened = await self._open(options)
        hello = greet(opened.id, self.hub.client.info, policy)
        secret = self._held.begin(opened.id)
        peer = Peer(opened, hello, self._config, self.hub.config, self._clock, self._calls())
        return Answered(opened.id, await self._connect(peer, offer, attempt), secret)

    async def resume(self, sdp: str, session: str, secret: str, attempt: str | None = None) -> Answered:
        """A client comes back to its session with a new offer; its former connection, if there still is one, ends.

        Raises:
            BadOffer, ClientGone, UnknownSession, TransportError.
        """
        offer = check_offer(sdp)
        self._held.check(session, secret)
        self._departures.check(attempt)
        before = self._peers[session]
        peer = before.succeed(self._calls())
        self._held.resume(session)
        self._part(before)
        self.hub.session(session).rejoin()
        logger.info("session %s: resumed", session)
        return Answered(session, await self._connect(peer, offer, attempt), secret)

    async def _connect(self, peer: Peer, offer: RTCSessionDescription, attempt: str | None) -> str:
        """Answer the offer of a session's client; returns the answer's SDP."""
        session = peer.session.id
        self._departures.on_opened(attempt, session)
        self._peers[session] = peer
        try:
            answer = await peer.connect(offer)
        except BaseException:
            self._lose(peer, "the offer could not be answered")
            raise
        if self._peers.get(session) is not peer:
            reason = self._ended.explain(session) or "its client came back over another connection"
            raise UnknownSession(f"session {session} ended while it was opened: {reason}")
        return answer

    async def _open(self, options: ConversationOptions) -> Session:
        """Open a session, if need be in the place of one whose page was closed; its files are there."""
        engine, left = self.hub.client, self._held.oldest_giving_way()
        if left is not None and engine.ready and not engine.free:
            self._forget(left, "the client left")
        session = self.hub.open(options)
        try:
            await asyncio.wrap_future(session.files.created)
        except BaseException:
            self.hub.close(session.id, "its files cannot be created")
            raise
        return session

    def _calls(self) -> PeerCalls:
        return PeerCalls(self.pump, self._end, self._lose, self.latencies.append, self._sent)

    async def close(self, session: str, reason: str) -> None:
        """End a session: its row is free at once, its files are finished; the connection closes soon after.

        Raises:
            UnknownSession: there is no such session.
        """
        peer = self._drop(session, reason)
        if peer is None:
            raise UnknownSession(f"session {session} is unknown or over; open a new one")
        self._close_later(peer.close("closed", reason))
        await asyncio.wrap_future(peer.session.files.finished)

    async def lose(self, session: str, reason: str) -> None:
        """The client of a session is gone before it had its answer; unknown sessions are ignored."""
        if session in self._peers:
            self._lose(self._peers[session], reason)

    async def leave(self, attempt: str, returns: bool = False) -> None:
        """The client of an attempt is gone: its session ends now or as soon as its offer arrives.

        `returns`: it may be a page that is being reloaded, so the session waits for it for a while.
        """
        for session in self._departures.leave(attempt):
            if returns and self._peers[session].connected:
                self._hold(self._peers[session], "the client left", left=True)
            else:
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
        live = self._peers.get(session)
        folder = live.session.folder if live is not None else self._ended.folder(session)
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
        for session in list(self._peers):
            self._forget(session, f"the server failed ({type(error).__name__}: {user_line(error)})")

    def _end(self, peer: Peer, reason: str) -> None:
        """The client wants its session to end, or is not wanted any more."""
        if self._is_current(peer):
            self._forget(peer.session.id, reason)

    def _lose(self, peer: Peer, reason: str, left: bool = False) -> None:
        """The connection was lost, or its client `left`; one that never talked has nothing to come back to."""
        if not self._is_current(peer):
            return
        if peer.connected:
            self._hold(peer, reason, left)
        else:
            self._forget(peer.session.id, reason)

    def _is_current(self, peer: Peer) -> bool:
        session = peer.session.id
        return self._peers.get(session) is peer and session not in self._held

    def _hold(self, peer: Peer, reason: str, left: bool = False) -> None:
        """Keep the session of a client that is gone until it comes back."""
        session = peer.session
        session.leave()
        if left:
            self._held.hold_left(session.id, reason, self._clock.now())
        else:
            self._held.hold_lost(session.id, reason, peer.last_packet)
        logger.info("session %s: waits for its client (%s)", session.id, reason)
        self._part(peer)

    def _part(self, peer: Peer) -> None:
        """End a connection, not its session."""
        self._close_later(peer.disconnect())

    def _close_later(self, ending: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(ending)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _forget(self, session: str, reason: str) -> None:
        peer = self._drop(session, reason)
        if peer is not None:
            self._close_later(peer.close("closed", reason))

    def _drop(self, session: str, reason: str) -> Peer | None:
        peer = self._peers.pop(session, None)
        if peer is not None:
            self._departures.on_closed(session)
            self._held.end(session)
            with suppress(OSError):  # on a full disk, what was written stays as it is
                self.hub.close(session, reason)
            self._ended.add(session, reason, peer.session.folder)
        return peer

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
            for session, reason in self._held.find_over(now):
                self._forget(session, reason)
            for peer in self.peers:
                absence = peer.explain_absence(now)
                if absence is not None:
                    self._lose(peer, absence)
                else:
                    await peer.send_stats()
