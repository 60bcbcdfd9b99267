"""Calls whose ends cannot reach each other go through a relay, and accounts are what a real TURN server takes."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from configs.runtime.ice import IceConfig
from runtime.clock import SystemClock
from runtime.webrtc.client import VoiceClient
from runtime.webrtc.ice import issue
from tests.runtime.webrtc.conftest import SILENCE, MakeServer, Server
from tests.runtime.webrtc.turn_server import (
    ACCOUNT,
    SECRET,
    TurnServer,
    candidate_types,
    needs_turnserver,
    turn_server,
    use_loopback_only,
)

pytestmark = needs_turnserver


@pytest.fixture(autouse=True)
def _loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    use_loopback_only(monkeypatch)


@pytest.fixture
def turn(tmp_path: Path) -> Iterator[TurnServer]:
    """A server with a shared secret."""
    with turn_server(tmp_path) as server:
        yield server


class Call:
    """A client's conversation with a server, and what each end said of its addresses."""

    def __init__(self, server: Server, ice: dict[str, Any] | None = None) -> None:
        self.client = VoiceClient(lambda now: SILENCE, SystemClock(), ice)
        self._server = server
        self.offered: set[str] = set()
        self.answered: set[str] = set()

    async def hold(self) -> None:
        """Connect, hear the model, say goodbye."""
        try:
            await self.client.connect(self._post)
            await self.client.wait_for(lambda message: message["type"] == "slot", 30)
        finally:
            await self.client.close()

    async def _post(self, body: dict[str, Any]) -> dict[str, Any]:
        self.offered = candidate_types(body["sdp"])
        answer = await self._server.post(body)
        self.answered = candidate_types(answer["sdp"])
        return answer


async def ask(server: Server) -> dict[str, Any]:
    """What the server gives its clients."""
    answer: dict[str, Any] = (await server.http.get("/api/ice")).json()
    return answer


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_client_without_a_way_to_the_server_is_relayed(
    make_server: MakeServer, turn: TurnServer, transport: str
) -> None:
    servers = [{"urls": [f"{turn.url}?transport={transport}"]}]
    ice = {"servers": servers, "secret": SECRET, "relay_only": True, "pages_only": True}
    async with make_server(ice=ice) as server:
        call = Call(server, await ask(server))
        await call.hold()
    assert call.offered == {"relay"}
    assert call.answered == {"host"}


async def test_a_server_that_cannot_be_reached_is_relayed(make_server: MakeServer, turn: TurnServer) -> None:
    ice = {"servers": [{"urls": [turn.url]}], "secret": SECRET, "relay_only": True}
    async with make_server(ice=ice) as server:
        call = Call(server)
        await call.hold()
    assert call.offered == {"host"}
    assert call.answered == {"relay"}


async def test_both_ends_are_relayed_with_a_fixed_account(make_server: MakeServer, tmp_path: Path) -> None:
    with turn_server(tmp_path, ACCOUNT) as turn:
        account = {"urls": [turn.url], "username": "tester", "credential": "password-of-the-tests"}
        async with make_server(ice={"servers": [account], "relay_only": True}) as server:
            call = Call(server, await ask(server))
            await call.hold()
    assert (call.offered, call.answered) == ({"relay"}, {"relay"})


async def test_stun_and_turn_add_to_the_own_addresses(
    make_server: MakeServer, turn: TurnServer, caplog: pytest.LogCaptureFixture
) -> None:
    urls = [turn.url.replace("turn:", "stun:"), turn.url]
    async with make_server(ice={"servers": [{"urls": urls}], "secret": SECRET}) as server:
        call = Call(server)
        await call.hold()
    assert call.answered == {"host", "srflx", "relay"}
    assert caplog.messages == []


async def test_an_account_holds_for_a_limited_time(turn: TurnServer) -> None:
    ice = IceConfig.model_validate({"servers": [{"urls": [turn.url]}], "secret": SECRET, "relay_only": True})
    for age_s, expected in ((0.0, {"relay"}), (2 * ice.lifetime_s, set[str]())):
        answer = issue(ice, time.time() - age_s).model_dump(by_alias=True)
        client = VoiceClient(lambda now: SILENCE, SystemClock(), answer)
        assert candidate_types(await client.offer()) == expected
        await client.close()


async def test_a_call_does_without_a_relay_that_refuses_and_the_log_says_so(
    make_server: MakeServer, turn: TurnServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with make_server(ice={"servers": [{"urls": [turn.url]}], "secret": "another-secret"}) as server:
        call = Call(server)
        await call.hold()
    assert call.answered == {"host"}
    assert caplog.messages == [f"the TURN server gave no address ({turn.url}); check that it runs, and its account"]


async def test_a_relay_that_is_lost_does_not_hold_up_the_end(make_server: MakeServer, turn: TurnServer) -> None:
    ice = {"servers": [{"urls": [turn.url]}], "secret": SECRET}
    began = time.monotonic()
    async with make_server(ice=ice) as server:
        call = Call(server)
        await call.hold()
        turn.process.kill()
        turn.process.wait()
    assert call.answered == {"host", "relay"}
    assert time.monotonic() - began < 30  # the relay would be asked for 63 s
