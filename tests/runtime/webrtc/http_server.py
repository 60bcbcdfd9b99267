"""An HTTP server on a socket of its own, and clients that send it parts of requests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from configs.runtime.serve import ConnectionsConfig, ServeConfig
from runtime.webrtc.bounded_http import Connections
from runtime.webrtc.web_server import make_protocol

GET = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
HALF = b"GET / HTTP/1.1\r\nX-"


class Server:
    """An application that answers when `gate` is open."""

    def __init__(self, connections: Connections) -> None:
        self.connections = connections
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = asyncio.Event()
        self.scheme = ""
        self.port = 0
        self._writers: list[asyncio.StreamWriter] = []

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.set()
        self.scheme = scope["scheme"]
        while (await receive()).get("more_body"):
            pass
        await self.gate.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async def connect(self, sent: bytes, **more: Any) -> asyncio.StreamReader:
        """`more`: for `asyncio.open_connection`."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, **more)
        self._writers.append(writer)
        await self.send(sent)
        return reader

    async def send(self, sent: bytes) -> None:
        """On the newest connection."""
        self._writers[-1].write(sent)
        with suppress(ConnectionError):
            await self._writers[-1].drain()

    def close(self) -> None:
        """Close the clients."""
        for writer in self._writers:
            writer.close()


@asynccontextmanager
async def serving(config: ServeConfig, **limits: Any) -> AsyncIterator[Server]:
    """A running server; `limits`: values of `ConnectionsConfig`."""
    server = Server(Connections(ConnectionsConfig(**limits)))
    make = make_protocol(config, server.connections)
    settings = uvicorn.Config(server.app, log_level="error", lifespan="off", interface="asgi3")
    settings.load()
    state = ServerState()

    new = partial(make, config=settings, server_state=state, app_state={})
    listening = await asyncio.get_running_loop().create_server(new, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        server.close()
        listening.close()


async def until_forgotten(server: Server) -> None:
    """Wait until the server knows no connection any more."""
    async with asyncio.timeout(30):
        while len(server.connections):  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0)
    assert not server.connections._waiting


async def rest(reader: asyncio.StreamReader) -> bytes:
    """All that comes until the server ends the connection."""
    try:
        return await asyncio.wait_for(reader.read(), 30)
    except ConnectionError:
        return b""


async def answer(reader: asyncio.StreamReader) -> bytes:
    return await asyncio.wait_for(reader.readuntil(b"ok"), 30)
