"""A client that lost its connection, or a page that was reloaded, comes back to its conversation."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from configs.runtime.serve import ResumeConfig
from runtime.clock import SystemClock
from runtime.errors import UnknownSession
from runtime.webrtc.client import VoiceClient
from runtime.webrtc.held_sessions import HeldSessions
from tests.runtime.webrtc.conftest import MakeServer, Server
from tests.runtime.webrtc.test_conversation import download, is_event, of_type, speaker

ATTEMPT = "0123456789abcdef"


def slot_from(first: int) -> Callable[[dict[str, Any]], bool]:
    """A slot message of slot `first` or a later one."""
    return lambda message: message["type"] == "slot" and message["t"] >= first


def newest_slot(client: VoiceClient) -> int:
    return max(message["t"] for message in of_type(client, "slot"))  # type: ignore[type-var]


async def come_back(server: Server, before: VoiceClient, voice: list[tuple[float, float]]) -> VoiceClient:
    client = VoiceClient(speaker(voice), SystemClock())
    await client.connect(server.post, before=before)
    return client


async def test_a_client_that_lost_its_connection_goes_on_where_it_was(make_server: MakeServer) -> None:
    async with make_server(rows=1) as server:
        first = VoiceClient(speaker([(0.2, 1.0)]), SystemClock())
        await first.connect(server.post)
        await first.wait_for(is_event("end"), 12)
        seen = newest_slot(first)
        await first.close()
        second = await come_back(server, first, [(0.2, 1.0)])
        hello = await second.wait_for(lambda message: message["type"] == "hello", 8)
        answered = await second.wait_for(is_event("end"), 12)
        free = server.hub.client.free
        second.say_goodbye()
        await second.wait_for(lambda message: message["type"] == "ended", 3)
        log = await download(server, second.session, "slots.jsonl")
        transcript = json.loads(await download(server, second.session, "transcript.json"))
        await second.close()
    rows = [json.loads(line) for line in log.decode().splitlines()[1:-1]]
    assert (second.session, hello.message["resumed"], free) == (first.session, True, 0)
    assert answered.message["t"] > seen
    assert [row["slot"] for row in rows] == list(range(len(rows)))
    assert [answer["how"] for answer in transcript["assistant"]["answers"]].count("end") == 2


async def test_what_was_said_meanwhile_is_told_when_the_client_is_back(make_server: MakeServer) -> None:
    async with make_server(rows=2) as server:
        first, other = VoiceClient(speaker([(0.2, 1.0)]), SystemClock()), VoiceClient(speaker([]), SystemClock())
        await first.connect(server.post)
        await other.connect(server.post)
        await first.wait_for(lambda message: message["type"] == "spoken" and message["index"] == 2, 8)
        await server.gateway.lose(first.session, "the network is gone")
        await other.wait_for(slot_from(newest_slot(other) + 4), 8)
        await other.close()
        second = await come_back(server, first, [])
        cut = await second.wait_for(lambda message: message["type"] == "cut", 8)
        kinds = [received.message["type"] for received in second.messages]
        await second.close()
    assert kinds[0] == "hello"
    assert cut.message["answer"] == 0
    assert 1 <= cut.message["heard"] < 8


async def test_an_old_connection_gives_way_to_a_new_one(make_server: MakeServer) -> None:
    async with make_server(rows=1) as server:
        first = VoiceClient(speaker([]), SystemClock())
        await first.connect(server.post)
        await first.wait_for(slot_from(2), 8)
        second = await come_back(server, first, [])
        later = await second.wait_for(slot_from(newest_slot(first) + 5), 8)
        peers = len(server.gateway.peers)
        await first.close()
        await second.wait_for(slot_from(later.message["t"] + 2), 8)
        await second.close()
    assert peers == 1
    assert of_type(first, "ended") == []


@pytest.mark.parametrize("secret", ["", "wrong", "é"])
async def test_nobody_comes_back_to_the_session_of_another(make_server: MakeServer, secret: str) -> None:
    async with make_server(rows=1) as server:
        client, stranger = (VoiceClient(speaker([]), SystemClock()) for _ in range(2))
        await client.connect(server.post)
        body = {"sdp": await stranger.offer(), "session": client.session, "secret": secret}
        response = await server.http.post("/api/offer", json=body)
        await client.wait_for(slot_from(1), 8)
        await stranger.close()
        await client.close()
    assert (response.status_code, response.json()["error"]["code"]) == (404, "unknown_session")


async def test_a_client_that_does_not_come_back_loses_its_place(make_server: MakeServer) -> None:
    async with make_server(rows=2, resume={"reload_s": 0.4}, liveness={"watch_s": 0.1}) as server:
        client, other = (VoiceClient(speaker([]), SystemClock()) for _ in range(2))
        await client.connect(server.post)
        await other.connect(server.post)
        await client.wait_for(slot_from(1), 8)
        await client.close()
        await other.wait_for(slot_from(newest_slot(client) + 6), 8)
        left = [session.id for session in server.hub.sessions]
        await other.close()
        log = await download(server, client.session, "slots.jsonl")
    assert left == [other.session]
    assert b'"reason":"the connection closed"' in log


async def test_a_page_that_was_closed_makes_room_at_once(make_server: MakeServer) -> None:
    async with make_server(rows=1) as server:
        first, second = (VoiceClient(speaker([]), SystemClock()) for _ in range(2))
        await first.connect(lambda body: server.post(body | {"attempt": ATTEMPT}))
        await first.wait_for(slot_from(1), 8)
        await server.http.post("/api/leave", json={"attempt": ATTEMPT, "returns": True})
        held = (server.hub.client.free, (await server.http.get("/api/status")).json()["free"])
        await second.connect(server.post)
        sessions = [session.id for session in server.hub.sessions]
        await first.close()
        await second.close()
    assert held == (0, 1)
    assert sessions == [second.session] != [first.session]


async def test_a_reloaded_page_comes_back(make_server: MakeServer) -> None:
    async with make_server(rows=1) as server:
        first = VoiceClient(speaker([]), SystemClock())
        await first.connect(lambda body: server.post(body | {"attempt": ATTEMPT}))
        await first.wait_for(slot_from(1), 8)
        await server.http.post("/api/leave", json={"attempt": ATTEMPT, "returns": True})
        second = await come_back(server, first, [])
        await second.wait_for(slot_from(newest_slot(first) + 1), 8)
        await first.close()
        await second.close()
    assert second.session == first.session


def test_a_session_waits_from_its_last_packet_on() -> None:
    held = HeldSessions(ResumeConfig(hold_s=30.0))
    secret = held.begin("a")
    held.hold_lost("a", "the network", last_packet=100.0)
    assert (held.find_over(129.9), held.find_over(130.0)) == ([], [("a", "the network")])
    held.check("a", secret)
    held.resume("a")
    assert held.find_over(1000.0) == []
    held.end("a")
    with pytest.raises(UnknownSession, match="session a is over"):
        held.check("a", secret)
    with pytest.raises(UnknownSession, match="session b is over"):
        held.check("b", "")
