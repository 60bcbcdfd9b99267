"""The web server around the application: uvicorn on a socket that is already listening.

This module imports the whole web stack, which takes longer than the error for a wrong option may take; therefore import
it only when clients are about to connect. Nothing here depends on engines or options.
"""

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI

from configs.runtime.serve import ServeConfig
from runtime.engine.worker import settle_heap
from runtime.webrtc.bounded_http import BoundedHttp, Connections
from runtime.webrtc.bounded_tls import TlsGate, server_context


def run(app: FastAPI, config: ServeConfig, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until interrupted or, after SIGTERM, drained; `ready` is called when clients can connect."""
    Server(_uvicorn_config(app, config), app.state.drain, ready).run([listener])


class Server(uvicorn.Server):
    """A server that reports when it is ready, and lets conversations end before it stops."""

    def __init__(self, config: uvicorn.Config, drain: Callable[[], Awaitable[bool]], ready: Callable[[], None]) -> None:
        """`drain`: see `Gateway.drain`."""
        super().__init__(config)
        self._drain = drain
        self._ready = ready
        self._terminated = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal came: the first SIGTERM lets conversations end, a second one and any other stop at once."""
        if sig != signal.SIGTERM:
            super().handle_exit(sig, frame)
        elif self._terminated:
            self.should_exit = True
        else:
            self._terminated = True

    async def on_tick(self, counter: int) -> bool:
        """Look every 0.1 s whether it is time to stop. Signals interrupt the loop anywhere, so they only leave a note
        for this."""
        if self._terminated and not self.should_exit:
            drained = await self._drain()
            self.should_exit = self.should_exit or drained  # a signal may have come meanwhile
        return await super().on_tick(counter)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then report."""
        await super().startup(sockets)
        if self.started:
            settle_heap()
            self._ready()


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
        timeout_graceful_shutdown=2,
    )
