"""Bounds what clients that never finish a request can hold: connections, their number per address, and time.

uvicorn has no time-out for a request that is still incomplete, and each connection holds a file descriptor, of which a
process may have few. A new client is always let in; the connection that has waited longest for its request makes room.
This module handles HTTP connections; it does not depend on requests.
"""

import asyncio
from collections import Counter
from typing import Any, Final, Protocol

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from configs.runtime.serve import ConnectionsConfig

_COMPLETE: Final = (h11.DONE, h11.MUST_CLOSE, h11.CLOSED, h11.ERROR)
"""States of a client whose request has come, or can never come."""


class Connection(Protocol):
    """A client's connection: its address, and the transport that ends it."""

    address: str
    transport: asyncio.Transport


class Connections:
    """The connections of one server, and which of them wait for a request or a handshake, the longest first."""

    def __init__(self, limits: ConnectionsConfig) -> None:
        self.limits = limits
        self._open: Counter[str] = Counter()
        self._waiting: dict[Connection, None] = {}

    def __len__(self) -> int:
        return self._open.total()

    def add(self, one: Connection) -> None:
        """A connection was made; another one, or itself, is ended where there are too many."""
        self._open[one.address] += 1
        self._waiting[one] = None
        if self._open[one.address] > self.limits.most_per_address:
            self._end_oldest(one.address)
        elif len(self) > self.limits.most:
            self._end_oldest(None)

    def remove(self, one: Connection) -> None:
        """A connection is over."""
        self._waiting.pop(one, None)
        self._open[one.address] -= 1
        self._open += Counter()  # forgets addresses without connections

    def note_waiting(self, one: Connection) -> None:
        """A connection waits for its next request."""
        self._waiting.pop(one, None)
        self._waiting[one] = None

    def note_busy(self, one: Connection) -> None:
        """A connection's request has come."""
        self._waiting.pop(one, None)

    def _end_oldest(self, address: str | None) -> None:
        oldest = next(one for one in self._waiting if address in (None, one.address))
        del self._waiting[oldest]
        oldest.transport.abort()


class BoundedHttp(H11Protocol):
    """A connection that ends when its request is not complete in time."""

    def __init__(self, *given: Any, connections: Connections, **named: Any) -> None:
        super().__init__(*given, **named)
        self.address = ""
        self._connections = connections
        self._limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See `asyncio.Protocol`."""
        super().connection_made(transport)
        self.address = self.client[0] if self.client else ""
        self._begin_waiting()
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._end_waiting()
        self._connections.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        super().data_received(data)
        if self.conn.their_state in _COMPLETE:
            self._end_waiting()
            self._connections.note_busy(self)
        elif self._limit is None:
            self._begin_waiting()

    def on_response_complete(self) -> None:
        """A response was sent; uvicorn ends the connection when no other request begins soon."""
        super().on_response_complete()
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self._connections.note_waiting(self)

    def _begin_waiting(self) -> None:
        self._limit = self.loop.call_later(self._connections.limits.request_s, self.transport.abort)

    def _end_waiting(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None
