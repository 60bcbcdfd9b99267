"""The process of HTTP from the inside: uvicorn on a socket that is already listening, and the pipe to the media.

This module imports the whole web stack, which takes about a second. Nothing here depends on engines or sessions.
"""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

from configs.runtime.serve import ServeConfig
from runtime.clock import SystemClock
from runtime.heap import settle_heap
from runtime.webrtc.app import create_app
from runtime.webrtc.bounded_http import BoundedHttp, Connections
from runtime.webrtc.bounded_tls import TlsGate, server_context
from runtime.webrtc.media_server import ServerFacts
from runtime.webrtc.remote_media import RemoteMedia
from runtime.webrtc.web_pipe import Serving, WebPipe


async def serve(end: socket.socket, listener: socket.socket, config: ServeConfig, page: Path) -> None:
    """Serve once the media have sent what the server runs, until they ask this process to end, or end themselves.

    Args:
        end: this process's end of the pipe. listener: takes the clients' connections. page: folder of the page's files.
    """
    pipe = await WebPipe.attach(end)
    facts = await pipe.receive()
    if isinstance(facts, ServerFacts):
        media = RemoteMedia(pipe)
        app = create_app(config, media, facts, SystemClock(), page=page)
        server = Server(_uvicorn_config(app, config), lambda: pipe.send(Serving()))
        taking = asyncio.create_task(_take(media, server))
        await server.serve([listener])
        taking.cancel()
        with suppress(asyncio.CancelledError):
            await taking
    await pipe.close()


class Server(uvicorn.Server):
    """A server that reports when it is ready, and leaves signals to the process of the media."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """See `uvicorn.Server`; nothing is captured."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then report."""
        await super().startup(sockets)
        if self.started:
            settle_heap()
            self._ready()

    def stop(self) -> None:
        """End, once the requests that have come are answered."""
        self.should_exit = True

    def stop_at_once(self) -> None:
        """End, whatever has come; the address is free for the next server."""
        self.force_exit = self.should_exit = True
        for listening in getattr(self, "servers", ()):
            listening.close()


async def _take(media: RemoteMedia, server: Server) -> None:
    """Take the replies of the media; without them, nobody can be served."""
    try:
        await media.run(server.stop)
    finally:
        server.stop_at_once()


def make_protocol(config: ServeConfig, connections: Connections) -> Callable[..., asyncio.Protocol]:
    """A function that makes the protocol of a new connection from uvicorn's arguments."""
    if config.certfile is None or config.keyfile is None:
        return partial(BoundedHttp, connections=connections)
    context = server_context(config.certfile, config.keyfile)
    return lambda **given: TlsGate(BoundedHttp(connections=connections, **given), context, connections)


def _uvicorn_config(app: FastAPI, config: ServeConfig) -> uvicorn.Config:
    protocol: Any = make_protocol(config, Connections(config.connections))
    return uvicorn.Config(
        app,
        http=protocol,
        log_config=None,
        log_level="error",  # strangers cause warnings, and would fill the log with them
        access_log=False,
        ws="none",
        lifespan="off",
        timeout_graceful_shutdown=2,
    )
