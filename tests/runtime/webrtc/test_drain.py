"""A server that is asked to stop keeps its word to those who are talking."""

import signal
from typing import Any

import pytest
import uvicorn

from runtime.clock import ManualClock, SystemClock
from runtime.webrtc.client import VoiceClient
from runtime.webrtc.drain import Drain, Draining
from runtime.webrtc.web_server import Server as WebServer
from tests.runtime.webrtc.conftest import SILENCE, MakeServer


async def told(client: VoiceClient, kind: str) -> dict[str, Any]:
    """The first message of a type."""
    return (await client.wait_for(lambda message: message["type"] == kind, 10)).message


def test_it_is_over_when_the_last_conversation_ends_or_the_time_is_up() -> None:
    clock = ManualClock()
    drain = Drain(30.0, clock)
    drain.check()
    clock.advance(100)
    assert not drain.is_over(live=0)
    assert (drain.begin(), drain.begin()) == (True, False)
    with pytest.raises(Draining, match="takes no new conversations; try again"):
        drain.check()
    assert drain.is_over(live=0)
    assert not drain.is_over(live=1)
    clock.advance(29.9)
    drain.begin()
    assert not drain.is_over(live=1)
    clock.advance(0.1)
    assert drain.is_over(live=1)


async def test_the_users_are_told_and_may_finish_and_nobody_new_is_let_in(
    make_server: MakeServer, client: VoiceClient
) -> None:
    async with make_server(rows=2) as server:
        await client.connect(server.post)
        await told(client, "hello")
        assert not await server.gateway.drain()
        assert not await server.gateway.drain()
        second = VoiceClient(lambda now: SILENCE, SystemClock())
        refused = await server.http.post("/api/offer", json={"sdp": await second.offer()})
        await second.close()
        notice = await told(client, "notice")
        metrics = (await server.http.get("/metrics")).text
        await server.http.post(f"/api/sessions/{client.session}/close")
        assert await server.gateway.drain()
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "draining")
    assert (notice["code"], notice["message"]) == (
        "server_stops",
        "The server stops in 30 seconds, and this conversation ends then.",
    )
    assert 'duplex_sessions_refused_total{code="draining"} 1.0' in metrics
    assert 'duplex_notices_total{code="server_stops"} 1.0' in metrics
    assert "duplex_draining 1.0" in metrics


async def test_who_connects_just_before_is_told_as_soon_as_it_listens(
    make_server: MakeServer, client: VoiceClient
) -> None:
    async with make_server() as server:

        async def post(body: dict[str, Any]) -> dict[str, Any]:
            answer = await server.post(body)
            await server.gateway.drain()
            return answer

        await client.connect(post)
        notice = await told(client, "notice")
    assert notice["code"] == "server_stops"


class FakeGateway:
    """Counts the calls; `drained` is set by the test."""

    def __init__(self) -> None:
        self.drains = 0
        self.drained = False

    async def drain(self) -> bool:
        """See `Gateway.drain`."""
        self.drains += 1
        return self.drained


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway()


@pytest.fixture
def server(gateway: FakeGateway) -> WebServer:
    return WebServer(uvicorn.Config(lambda: None, log_config=None), gateway.drain, lambda: None)


async def test_sigterm_waits_for_the_conversations(server: WebServer, gateway: FakeGateway) -> None:
    assert not await server.on_tick(1)
    server.handle_exit(signal.SIGTERM, None)
    assert gateway.drains == 0  # a signal may come in the middle of anything
    assert not await server.on_tick(2)
    assert gateway.drains == 1
    gateway.drained = True
    assert await server.on_tick(3)
    assert server._captured_signals == []


async def test_a_signal_that_comes_while_conversations_are_counted_is_not_lost(
    server: WebServer, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def drain() -> bool:
        server.handle_exit(signal.SIGTERM, None)
        return False

    monkeypatch.setattr(server, "_drain", drain)
    server.handle_exit(signal.SIGTERM, None)
    assert await server.on_tick(1)


async def test_a_second_sigterm_stops_at_once(server: WebServer, gateway: FakeGateway) -> None:
    server.handle_exit(signal.SIGTERM, None)
    assert not await server.on_tick(1)
    server.handle_exit(signal.SIGTERM, None)
    assert await server.on_tick(2)


@pytest.mark.parametrize("terminated", [False, True])
async def test_ctrl_c_stops_at_once(server: WebServer, gateway: FakeGateway, terminated: bool) -> None:
    if terminated:
        server.handle_exit(signal.SIGTERM, None)
    server.handle_exit(signal.SIGINT, None)
    assert await server.on_tick(1)
    assert gateway.drains == 0
    assert server._captured_signals == [signal.SIGINT]
