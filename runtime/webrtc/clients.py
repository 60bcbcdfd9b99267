"""The clients of all sessions: who is connected, whose session waits for them, and how a session ends.

Everything runs on the media's event loop, and nothing here blocks it. Nothing here depends on offers or HTTP.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress

from configs.runtime.serve import ServeConfig
from runtime.clock import Clock
from runtime.sessions import SessionHub
from runtime.webrtc.departures import Departures
from runtime.webrtc.ended_sessions import EndedSessions
from runtime.webrtc.held_sessions import HeldSessions
from runtime.webrtc.peer import Peer

_LONGEST_CLOSE_S = 3.0
"""Seconds that the server, when it stops, waits for connections to end; a lost TURN server would be asked for 63."""


class Clients:
    """Peers by session id; a session that waits for its client keeps the peer that is gone."""

    def __init__(self, hub: SessionHub, config: ServeConfig, clock: Clock) -> None:
        self.held = HeldSessions(config.resume)
        self.ended = EndedSessions(config.keep_closed)
        self.departures = Departures(config.keep_closed)
        self._hub, self._clock = hub, clock
        self._peers: dict[str, Peer] = {}
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def connected(self) -> tuple[Peer, ...]:
        """Peers that are connected or about to be."""
        return tuple(peer for session, peer in self._peers.items() if session not in self.held)

    @property
    def sessions(self) -> tuple[str, ...]:
        """Sessions that last, with their client or without."""
        return tuple(self._peers)

    @property
    def sessions_that_count(self) -> dict[str, bool]:
        """Sessions that last, and whether each counts for its client: not if it gives way to a new one."""
        return {session: not self.held.gives_way(session) for session in self._peers}

    def find(self, session: str) -> Peer | None:
        """The peer of a session that lasts."""
        return self._peers.get(session)

    def add(self, peer: Peer) -> None:
        """The client of a session, or its next one."""
        self._peers[peer.session.id] = peer

    def end(self, peer: Peer, reason: str) -> None:
        """The client wants its session to end, or is not wanted any more."""
        if self._is_current(peer):
            self.forget(peer.session.id, reason)

    def lose(self, peer: Peer, reason: str, left: bool = False) -> None:
        """The connection was lost, or its client `left`; one that never talked has nothing to come back to."""
        if not self._is_current(peer):
            return
        if peer.connected:
            self.hold(peer, reason, left)
        else:
            self.forget(peer.session.id, reason)

    def hold(self, peer: Peer, reason: str, left: bool = False) -> None:
        """Keep the session of a client that is gone until it comes back."""
        session = peer.session
        session.leave()
        if left:
            self.held.hold_left(session.id, reason, self._clock.now())
        else:
            self.held.hold_lost(session.id, reason, peer.last_packet)
        self.part(peer)

    def part(self, peer: Peer) -> None:
        """End a connection, not its session."""
        self._close_later(peer.disconnect())

    def forget(self, session: str, reason: str) -> Peer | None:
        """End a session: its row is free at once, its connection closes soon after. Returns its peer; None if there is
        no such session."""
        peer = self._peers.pop(session, None)
        if peer is None:
            return None
        self.departures.on_closed(session)
        self.held.end(session)
        with suppress(OSError):  # on a full disk, what was written stays as it is
            self._hub.close(session, reason)
        self.ended.add(session, reason, peer.session.folder)
        self._close_later(peer.close("closed", reason))
        return peer

    async def wait_closed(self) -> None:
        """Return when all connections that are to end have ended; a TURN server that is lost is not waited for long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LONGEST_CLOSE_S):
                await asyncio.gather(*self._closing)

    def _is_current(self, peer: Peer) -> bool:
        session = peer.session.id
        return self._peers.get(session) is peer and session not in self.held

    def _close_later(self, ending: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(ending)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
