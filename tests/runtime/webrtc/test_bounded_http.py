"""Clients that never finish a request hold little, and nobody else waits for them."""

import pytest

from configs.runtime.serve import ServeConfig
from tests.runtime.webrtc.http_server import GET, HALF, answer, rest, serving, until_forgotten

PART_OF_BODY = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\nhalf"


@pytest.mark.parametrize("limits", [{"most": 8}, {"most_per_address": 8}])
async def test_the_longest_waiting_make_room_for_the_newest(limits: dict[str, int]) -> None:
    async with serving(ServeConfig(), **limits) as server:
        waiting = [await server.connect(HALF) for _ in range(40)]
        assert (await answer(await server.connect(GET))).startswith(b"HTTP/1.1 200")
        assert [await rest(reader) for reader in waiting[:30]] == [b""] * 30
        assert len(server.connections) <= 10
        assert not waiting[-1].at_eof()


async def test_a_request_that_is_being_answered_is_not_ended() -> None:
    async with serving(ServeConfig(), most=2) as server:
        server.gate.clear()
        asked = await server.connect(GET)
        await server.asked.wait()
        waiting = [await server.connect(HALF) for _ in range(10)]
        assert await rest(waiting[0]) == b""
        server.gate.set()
        assert (await answer(asked)).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("sent", [b"", HALF, PART_OF_BODY, GET[:-1]])
async def test_a_request_that_does_not_come_in_time_ends_the_connection(sent: bytes) -> None:
    async with serving(ServeConfig(), request_s=0.02) as server:
        assert await rest(await server.connect(sent)) == b""


async def test_a_second_request_on_a_connection_has_its_own_time() -> None:
    async with serving(ServeConfig(), request_s=0.02) as server:
        reader = await server.connect(GET)
        for _ in range(3):
            assert (await answer(reader)).startswith(b"HTTP/1.1 200")
            await server.send(GET)
        await answer(reader)
        await server.send(HALF)
        assert await rest(reader) == b""


async def test_closed_connections_are_forgotten() -> None:
    async with serving(ServeConfig()) as server:
        for _ in range(5):
            await answer(await server.connect(GET + GET))
        server.close()
        await until_forgotten(server)
