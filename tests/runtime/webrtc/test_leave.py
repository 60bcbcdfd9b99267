"""A client that leaves without a data channel frees its place at once, at whatever moment it goes."""

import asyncio
from typing import Any

import pytest

from runtime.clock import SystemClock
from runtime.webrtc.client import VoiceClient
from runtime.webrtc.departures import ClientGone, Departures
from runtime.webrtc.peer import Peer
from tests.runtime.webrtc.conftest import SILENCE, HeldWriter, MakeServer, Server

ATTEMPT = "0123456789abcdef"


async def offer_under(attempt: str) -> tuple[VoiceClient, dict[str, Any]]:
    """A client and the body of its offer."""
    client = VoiceClient(lambda now: SILENCE, SystemClock())
    return client, {"sdp": await client.offer(), "attempt": attempt}


async def leave(server: Server, **body: Any) -> int:
    """Status of a goodbye, sent as a beacon sends it."""
    return (await server.http.post("/api/leave", json=body)).status_code


async def test_a_client_that_got_its_answer_and_never_connected_leaves(make_server: MakeServer) -> None:
    async with make_server(rows=1) as server:
        client, body = await offer_under(ATTEMPT)
        session = (await server.post(body))["session"]
        assert (await leave(server, attempt="someone-else-0123456"), server.hub.client.free) == (204, 0)
        assert (await leave(server, attempt=ATTEMPT), server.hub.client.free) == (204, 1)
        assert (await leave(server, attempt=ATTEMPT), server.hub.client.free) == (204, 1)
        log = await server.http.get(f"/api/sessions/{session}/slots.jsonl")
        await client.close()
    assert '"reason":"the client left"' in log.text


async def test_a_client_leaves_while_its_offer_is_being_answered(
    make_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    answer = Peer._answer

    async def slow(peer: Peer, offer: Any) -> None:
        begun.set()
        await go_on.wait()
        await answer(peer, offer)

    monkeypatch.setattr(Peer, "_answer", slow)
    async with make_server(rows=1) as server:
        client, body = await offer_under(ATTEMPT)
        answering = asyncio.create_task(server.http.post("/api/offer", json=body))
        await begun.wait()
        assert server.hub.client.free == 0
        assert (await leave(server, attempt=ATTEMPT), server.hub.client.free) == (204, 1)
        go_on.set()
        response = await answering
        await client.close()
        assert (response.json()["error"]["code"], server.gateway.peers) == ("unknown_session", ())


async def test_a_client_leaves_while_its_files_are_being_created(make_server: MakeServer) -> None:
    disk = HeldWriter()
    async with make_server(rows=1, writer=disk) as server:
        client, body = await offer_under(ATTEMPT)
        answering = asyncio.create_task(server.http.post("/api/offer", json=body))
        await disk.begun.wait()
        assert server.hub.client.free == 0
        assert (await leave(server, attempt=ATTEMPT), server.hub.client.free) == (204, 1)
        disk.go_on()
        response = await answering
        await client.close()
    assert response.json()["error"]["code"] == "unknown_session"
    assert "the client left" in response.json()["error"]["message"]


async def test_a_goodbye_that_overtakes_its_offer_counts(make_server: MakeServer) -> None:
    async with make_server(rows=1) as server:
        client, body = await offer_under(ATTEMPT)
        await leave(server, attempt=ATTEMPT)
        response = await server.http.post("/api/offer", json=body)
        await client.close()
        assert (response.status_code, response.json()["error"]["code"]) == (410, "client_gone")
        assert server.hub.client.free == 1


async def test_a_connection_that_breaks_before_the_answer_frees_its_place(make_server: MakeServer) -> None:
    """No beacon at all: the client has dropped the request by the time the answer is ready."""
    async with make_server(rows=1) as server:
        client, body = await offer_under(ATTEMPT)
        messages = [{"type": "http.request", "body": server.http.build_request("POST", "/", json=body).content}]
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return messages.pop() if messages else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        headers = [(b"content-type", b"application/json"), (b"host", b"duplex")]
        scope = {"type": "http", "method": "POST", "path": "/api/offer", "headers": headers, "query_string": b""}
        transport: Any = server.http._transport
        await transport.app(scope, receive, send)
        await client.close()
        assert (sent[0]["status"], server.hub.client.free, server.gateway.peers) == (200, 1, ())


async def test_a_client_leaves_while_its_files_are_being_finished(
    make_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with make_server(rows=1, record=False) as server:
        client, body = await offer_under(ATTEMPT)
        session = (await server.post(body))["session"]
        files = server.gateway.peers[0].session.files
        monkeypatch.setattr(files, "close", lambda reason: None)
        closing = asyncio.create_task(server.gateway.close(session, "the client closed the session"))
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait((closing,))
        await client.close()
        assert closing.cancelled()
        files.finished.set_result(None)  # as the writer does, which nothing may disturb


@pytest.mark.parametrize(
    ("given", "headers", "status"),
    [
        ({}, {}, 401),
        ({"token": "wrong"}, {}, 401),
        ({"token": "wrong"}, {"authorization": "Bearer s3cret"}, 401),
        ({"token": "s3cret"}, {}, 204),
        ({}, {"authorization": "Bearer s3cret"}, 204),
    ],
)
async def test_a_goodbye_needs_the_token(
    make_server: MakeServer, given: dict[str, str], headers: dict[str, str], status: int
) -> None:
    async with make_server(rows=1, token="s3cret") as server:
        client, body = await offer_under(ATTEMPT)
        await server.http.post("/api/offer", json=body, headers={"authorization": "Bearer s3cret"})
        response = await server.http.post("/api/leave", json={"attempt": ATTEMPT, **given}, headers=headers)
        await client.close()
        assert (response.status_code, server.hub.client.free) == (status, int(status == 204))


@pytest.mark.parametrize("attempt", ["", "short", "x" * 65, "with a space 0123456", 7])
async def test_a_name_that_can_be_guessed_is_refused(make_server: MakeServer, attempt: Any) -> None:
    async with make_server() as server:
        assert await leave(server, attempt=attempt) == 422
        offered = await server.http.post("/api/offer", json={"sdp": "v=0", "attempt": attempt})
    assert "'attempt' is wrong" in offered.json()["error"]["message"]


def test_only_the_last_goodbyes_are_kept() -> None:
    departures = Departures(keep=2)
    for name in ("first", "second", "third"):
        assert departures.leave(name) == []
    departures.check("first")
    departures.check(None)
    for name in ("second", "third"):
        with pytest.raises(ClientGone, match="before its offer was answered"):
            departures.check(name)
