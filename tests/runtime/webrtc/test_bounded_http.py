"""Clients that never finish a request hold little, and nobody else waits for them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from configs.runtime.serve import ConnectionsConfig
from runtime.webrtc.bounded_http import BoundedHttp, Connections

GET = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
HALF = b"GET / HTTP/1.1\r\nX-"
PART_OF_BODY = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\nhalf"


class Server:
    """An application that answers when `gate` is open."""

    def __init__(self, limits: ConnectionsConfig) -> None:
        self.connections = Connections(limits)
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = asyncio.Event()
        self.port = 0
        self._writers: list[asyncio.StreamWriter] = []

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.set()
        while (await receive()).get("more_body"):
            pass
        await self.gate.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async def connect(self, sent: bytes) -> asyncio.StreamReader:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._writers.append(writer)
        await self.send(sent)
        return reader

    async def send(self, sent: bytes) -> None:
        """On the newest connection."""
        self._writers[-1].write(sent)
        with suppress(ConnectionError):
            await self._writers[-1].drain()

    def close(self) -> None:
        for writer in self._writers:
            writer.close()


MakeServer = Callable[..., AbstractAsyncContextManager[Server]]


@pytest.fixture
def make_server() -> MakeServer:
    """`async with make_server(**ConnectionsConfig values) as server`."""

    @asynccontextmanager
    async def make(**values: Any) -> AsyncIterator[Server]:
        server = Server(ConnectionsConfig(**values))
        config = uvicorn.Config(server.app, log_level="error", lifespan="off", interface="asgi3")
        config.load()
        state = ServerState()

        def protocol() -> BoundedHttp:
            return BoundedHttp(config=config, server_state=state, app_state={}, connections=server.connections)

        listening = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
        server.port = listening.sockets[0].getsockname()[1]
        try:
            yield server
        finally:
            server.close()
            listening.close()

    return make


async def rest(reader: asyncio.StreamReader) -> bytes:
    """All that comes until the server ends the connection."""
    try:
        return await asyncio.wait_for(reader.read(), 30)
    except ConnectionError:
        return b""


async def answer(reader: asyncio.StreamReader) -> bytes:
    return await asyncio.wait_for(reader.readuntil(b"ok"), 30)


@pytest.mark.parametrize("limits", [{"most": 8}, {"most_per_address": 8}])
async def test_the_longest_waiting_make_room_for_the_newest(make_server: MakeServer, limits: dict[str, int]) -> None:
    async with make_server(**limits) as server:
        waiting = [await server.connect(HALF) for _ in range(40)]
        assert (await answer(await server.connect(GET))).startswith(b"HTTP/1.1 200")
        assert [await rest(reader) for reader in waiting[:30]] == [b""] * 30
        assert len(server.connections) <= 10
        assert not waiting[-1].at_eof()


async def test_a_request_that_is_being_answered_is_not_ended(make_server: MakeServer) -> None:
    async with make_server(most=2) as server:
        server.gate.clear()
        asked = await server.connect(GET)
        await server.asked.wait()
        waiting = [await server.connect(HALF) for _ in range(10)]
        assert await rest(waiting[0]) == b""
        server.gate.set()
        assert (await answer(asked)).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("sent", [b"", HALF, PART_OF_BODY, GET[:-1]])
async def test_a_request_that_does_not_come_in_time_ends_the_connection(make_server: MakeServer, sent: bytes) -> None:
    async with make_server(request_s=0.02) as server:
        assert await rest(await server.connect(sent)) == b""


async def test_a_second_request_on_a_connection_has_its_own_time(make_server: MakeServer) -> None:
    async with make_server(request_s=0.02) as server:
        reader = await server.connect(GET)
        for _ in range(3):
            assert (await answer(reader)).startswith(b"HTTP/1.1 200")
            await server.send(GET)
        await answer(reader)
        await server.send(HALF)
        assert await rest(reader) == b""


async def test_closed_connections_are_forgotten(make_server: MakeServer) -> None:
    async with make_server() as server:
        for _ in range(5):
            await answer(await server.connect(GET + GET))
        server.close()
        async with asyncio.timeout(30):
            while len(server.connections):  # noqa: ASYNC110 - nobody is told
                await asyncio.sleep(0)
        assert not server.connections._waiting
