"""Clients that never finish a TLS handshake hold little, and nobody else waits for them."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from typing import Any

import pytest

from configs.runtime.serve import ServeConfig
from tests.runtime.webrtc.certificates import pair
from tests.runtime.webrtc.http_server import GET, HALF, Server, answer, rest, serving, until_forgotten


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ServeConfig:
    certfile, keyfile = pair(tmp_path_factory.mktemp("tls"))
    return ServeConfig(certfile=certfile, keyfile=keyfile)


@pytest.fixture(scope="module")
def client(tls: ServeConfig) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@pytest.fixture
async def no_noise() -> AsyncIterator[None]:
    """Fails a test in which the event loop reports an error, which would fill the server's log."""
    found: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: found.append(context))
    yield
    assert found == []


def hello(context: ssl.SSLContext) -> bytes:
    """The first message of a client."""
    sent = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), sent).do_handshake()
    return sent.read()


async def ask(server: Server, client: ssl.SSLContext) -> None:
    assert (await answer(await server.connect(GET, ssl=client))).startswith(b"HTTP/1.1 200")
    assert server.scheme == "https"


@pytest.mark.parametrize("limits", [{"most": 8}, {"most_per_address": 8}])
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
async def test_the_longest_waiting_handshakes_make_room(
    tls: ServeConfig, client: ssl.SSLContext, limits: dict[str, int], share: float, no_noise: None
) -> None:
    first = hello(client)
    async with serving(tls, **limits) as server:
        waiting = [await server.connect(first[: int(share * len(first))]) for _ in range(40)]
        await ask(server, client)
        assert len([await rest(reader) for reader in waiting[:30]]) == 30
        assert len(server.connections) <= 10
        server.close()
        await until_forgotten(server)


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01"])
async def test_a_handshake_that_does_not_end_in_time_ends_the_connection(
    tls: ServeConfig, sent: bytes, no_noise: None
) -> None:
    async with serving(tls, request_s=0.02) as server:
        assert await rest(await server.connect(sent)) == b""
        await until_forgotten(server)


@pytest.mark.parametrize("sent", [GET, b"\x16\x03\x01\x00\x02\x01\x00", b"\xff" * 600])
async def test_what_is_no_handshake_ends_the_connection(tls: ServeConfig, sent: bytes, no_noise: None) -> None:
    async with serving(tls) as server:
        assert b"200" not in await rest(await server.connect(sent))
        await until_forgotten(server)


async def test_handshakes_and_requests_share_the_limit(tls: ServeConfig, client: ssl.SSLContext) -> None:
    async with serving(tls, most=4) as server:
        half = [await server.connect(HALF, ssl=client) for _ in range(3)]
        silent = [await server.connect(b"") for _ in range(5)]
        assert [await rest(reader) for reader in half] == [b""] * 3
        await ask(server, client)
        assert len(server.connections) <= 4
        assert not silent[-1].at_eof()


async def test_a_request_that_is_being_answered_is_not_ended(tls: ServeConfig, client: ssl.SSLContext) -> None:
    async with serving(tls, most=2) as server:
        server.gate.clear()
        asked = await server.connect(GET, ssl=client)
        await server.asked.wait()
        waiting = [await server.connect(b"") for _ in range(10)]
        assert await rest(waiting[0]) == b""
        server.gate.set()
        assert (await answer(asked)).startswith(b"HTTP/1.1 200")


async def test_a_request_right_behind_the_handshake_is_answered(tls: ServeConfig, client: ssl.SSLContext) -> None:
    """The end of the handshake and the request in one write, as browsers send them."""
    came, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
    secured = client.wrap_bio(came, sent)
    async with serving(tls) as server:
        reader = await server.connect(hello_of(secured, sent))
        while not shakes_hands(secured):
            came.write(await reader.read(65_536))
        secured.write(GET)
        await server.send(sent.read())
        answered = b""
        async with asyncio.timeout(30):
            while b"ok" not in answered:
                came.write(await reader.read(65_536))
                answered += read_all(secured)
    assert answered.startswith(b"HTTP/1.1 200")


def hello_of(secured: ssl.SSLObject, sent: ssl.MemoryBIO) -> bytes:
    assert not shakes_hands(secured)
    return sent.read()


def shakes_hands(secured: ssl.SSLObject) -> bool:
    """Whether the client's side of the handshake is complete."""
    try:
        secured.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


def read_all(secured: ssl.SSLObject) -> bytes:
    try:
        return secured.read(65_536)
    except ssl.SSLWantReadError:
        return b""
