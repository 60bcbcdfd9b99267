"""Bounds TLS handshakes that never end: they count, make room and time out like requests (`bounded_http`).

asyncio's own TLS servers tell nobody of a connection whose handshake is not complete. Here the connection is accepted
first and secured then. This module handles TLS; it does not depend on HTTP.
"""

import asyncio
import ssl
from pathlib import Path
from typing import cast

from runtime.webrtc.bounded_http import BoundedHttp, Connections


def server_context(certfile: Path, keyfile: Path) -> ssl.SSLContext:
    """The server's side of TLS, for files that `check_tls` accepts."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certfile, keyfile)
    return context


class TlsGate(asyncio.Protocol):
    """A connection until its handshake is complete, and then given to `inner`."""

    transport: asyncio.Transport

    def __init__(self, inner: BoundedHttp, context: ssl.SSLContext, connections: Connections) -> None:
        self.address = ""
        self._inner, self._context, self._connections = inner, context, connections
        self._early = b""
        self._lost = False
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self.transport = cast(asyncio.Transport, transport)
        self.transport.pause_reading()  # nothing may be read before TLS reads
        client = transport.get_extra_info("peername")
        self.address = str(client[0]) if client else ""
        self._connections.add(self)
        self._task = asyncio.get_running_loop().create_task(self._secure())

    def data_received(self, data: bytes) -> None:
        """What came right behind the handshake, before `inner` has taken over."""
        self._early += data

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._lost = True

    async def _secure(self) -> None:
        try:
            secured = await self._shake_hands()
        finally:
            self._connections.remove(self)
        if secured is None or self._lost:
            return
        secured.set_protocol(self._inner)
        self._inner.connection_made(secured)
        if self._early:
            self._inner.data_received(self._early)

    async def _shake_hands(self) -> asyncio.Transport | None:
        """The secured connection; None if the client does not manage, or has to make room."""
        if self.transport.is_closing():
            return None
        limit = self._connections.limits.request_s
        try:
            return await asyncio.get_running_loop().start_tls(
                self.transport, self, self._context, server_side=True, ssl_handshake_timeout=limit
            )
        except OSError:  # so are errors of TLS and a handshake that takes too long
            return None
