"""The API: every wrong request gets one line with what, why and how to fix it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from duplex.model.interface import OfferedTool
from runtime.clock import SystemClock
from runtime.webrtc.app import conversation_options
from runtime.webrtc.client import VoiceClient
from runtime.webrtc.edge import SessionOptions
from tests.runtime.fakes import AnsweredFake
from tests.runtime.session.small_disk import SmallDisk
from tests.runtime.webrtc.conftest import SILENCE, HeldWriter, MakeServer, Server


async def expect_refusal(server: Server, body: Any, **more: Any) -> tuple[int, str, str]:
    """Status, code and message of a request that fails."""
    response = await server.http.post("/api/offer", json=body, **more)
    error = response.json()["error"]
    assert "\n" not in error["message"]
    return response.status_code, error["code"], error["message"]


async def test_status_tells_model_and_room(make_server: MakeServer) -> None:
    async with make_server(rows=2) as server:
        status = (await server.http.get("/api/status")).json()
    assert (status["model"], status["rows"], status["free"], status["sessions"]) == ("fake", 2, 2, 0)
    assert status["policies"] == ["responsive", "balanced", "patient"]
    assert status["tools"] == []


async def test_status_tells_the_functions_that_the_assistant_may_call(make_server: MakeServer) -> None:
    generator = AnsweredFake(1)
    generator.tools = (OfferedTool("time_in", "Tell the time."),)
    async with make_server(generator=generator) as server:
        status = (await server.http.get("/api/status")).json()
    assert status["tools"] == [{"name": "time_in", "description": "Tell the time."}]


@pytest.mark.parametrize("tools", [None, [], ["time_in"]])
def test_a_client_may_allow_some_functions(tools: list[str] | None) -> None:
    options = conversation_options(SessionOptions(tools=tools))
    assert options.tools == (None if tools is None else tuple(tools))


@pytest.mark.parametrize(
    ("body", "status", "code", "text"),
    [
        ({}, 422, "bad_request", "'sdp' is wrong"),
        ({"sdp": ""}, 422, "bad_request", "'sdp' is wrong"),
        ({"sdp": "hello"}, 400, "bad_offer", "has no audio"),
        ({"sdp": "v=0\r\n", "type": "answer"}, 422, "bad_request", "'type' is wrong"),
        ({"sdp": "x", "volume": 3}, 422, "bad_request", "'volume' is wrong"),
        ({"sdp": "x", "options": {"policy": "rude"}}, 422, "bad_request", "'options.policy' is wrong"),
        ({"sdp": "x", "options": {"temperature": 9}}, 422, "bad_request", "'options.temperature' is wrong"),
        ({"sdp": "x", "options": {"tools": "all"}}, 422, "bad_request", "'options.tools' is wrong"),
        ([1, 2], 422, "bad_request", "'body' is wrong"),
    ],
)
async def test_a_malformed_offer_is_named(
    make_server: MakeServer, body: Any, status: int, code: str, text: str
) -> None:
    async with make_server() as server:
        got = await expect_refusal(server, body)
    assert got[:2] == (status, code)
    assert text in got[2]


async def test_a_body_that_is_no_json_is_named(make_server: MakeServer) -> None:
    async with make_server() as server:
        response = await server.http.post("/api/offer", content=b"{", headers={"content-type": "application/json"})
    assert (response.status_code, response.json()["error"]["code"]) == (422, "bad_request")


async def test_an_oversized_body_is_refused(make_server: MakeServer) -> None:
    async with make_server(max_body_bytes=2000) as server:
        got = await expect_refusal(server, {"sdp": "x" * 2000})
    assert got[:2] == (413, "too_large")


async def test_one_client_too_many_is_refused_with_the_reason(make_server: MakeServer, client: VoiceClient) -> None:
    async with make_server(rows=1) as server:
        await client.connect(server.post)
        second = VoiceClient(lambda now: SILENCE, SystemClock())
        got = await expect_refusal(server, {"sdp": await second.offer()})
        await second.close()
        metrics = (await server.http.get("/metrics")).text
    assert got[:2] == (503, "server_full")
    assert "all 1 place is taken" in got[2]
    assert 'duplex_sessions_refused_total{code="server_full"} 1.0' in metrics


async def test_on_a_full_disk_a_new_session_is_refused_in_one_line(
    make_server: MakeServer, client: VoiceClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with make_server(recording={"required": True}) as server:
        SmallDisk(tmp_path / "recordings", 0, monkeypatch)
        got = await expect_refusal(server, {"sdp": await client.offer()})
        assert server.hub.client.free == 2
    assert got[:2] == (503, "disk_full")
    assert "free some space" in got[2]


@pytest.mark.parametrize("held", [False, True], ids=["at once", "later"])
async def test_who_is_not_recorded_is_told(
    held: bool, make_server: MakeServer, client: VoiceClient, tmp_path: Path
) -> None:
    disk = HeldWriter()
    if not held:
        disk.go_on()
    async with make_server(recording={"min_free_mb": 1e9}, writer=disk) as server:
        connecting = asyncio.create_task(client.connect(server.post))
        if held:
            await disk.begun.wait()
            disk.go_on()
        while not connecting.done():  # news is fetched at every moment at which the server could fetch it
            server.gateway.pump()
            await asyncio.sleep(0)
        notice = (await client.wait_for(lambda message: message["type"] == "notice", 10)).message
        log = await server.http.get(f"/api/sessions/{client.session}/slots.jsonl")
    assert notice["code"] == "not_recorded"
    assert str(tmp_path) not in notice["message"]
    assert (log.status_code, log.json()["error"]["code"]) == (404, "not_recorded")


async def test_options_that_the_model_refuses_are_named(make_server: MakeServer, client: VoiceClient) -> None:
    async with make_server() as server:
        body = {"sdp": await client.offer(), "options": {"system_prompt": "x" * 101}}
        got = await expect_refusal(server, body)
        free = server.hub.client.free
    assert got[:2] == (400, "bad_options")
    assert "shorten it" in got[2]
    assert free == 2


async def test_a_closed_session_frees_its_place_and_keeps_its_files(
    make_server: MakeServer, client: VoiceClient
) -> None:
    async with make_server(rows=1) as server:
        await client.connect(server.post)
        assert server.hub.client.free == 0
        closed = await server.http.post(f"/api/sessions/{client.session}/close")
        again = await server.http.post(f"/api/sessions/{client.session}/close")
        log = await server.http.get(f"/api/sessions/{client.session}/slots.jsonl")
        free = server.hub.client.free
    assert (closed.status_code, again.status_code, free) == (204, 404, 1)
    assert log.headers["content-type"] == "application/x-ndjson"
    assert '"reason":"the client closed the session"' in log.text


@pytest.mark.parametrize("path", ["nobody/recording.wav", "nobody/slots.jsonl", "nobody/transcript.json"])
async def test_files_of_an_unknown_session_are_not_found(make_server: MakeServer, path: str) -> None:
    async with make_server() as server:
        response = await server.http.get(f"/api/sessions/{path}")
    assert (response.status_code, response.json()["error"]["code"]) == (404, "unknown_session")


async def test_an_unrecorded_session_says_so(make_server: MakeServer, client: VoiceClient) -> None:
    async with make_server(record=False) as server:
        await client.connect(server.post)
        missing = await server.http.get(f"/api/sessions/{client.session}/recording.wav")
        other = await server.http.get(f"/api/sessions/{client.session}/secrets.txt")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "not_recorded")
    assert "recording.enabled" in missing.json()["error"]["message"]
    assert "there is no 'secrets.txt'" in other.json()["error"]["message"]


async def test_only_known_sessions_are_remembered_up_to_a_bound(make_server: MakeServer) -> None:
    async with make_server(rows=1, keep_closed=1) as server:
        sessions = []
        for _ in range(2):
            client = VoiceClient(lambda now: SILENCE, SystemClock())
            await client.connect(server.post)
            await server.http.post(f"/api/sessions/{client.session}/close")
            await client.close()
            sessions.append(client.session)
        codes = [(await server.http.get(f"/api/sessions/{one}/slots.jsonl")).status_code for one in sessions]
    assert codes == [404, 200]


async def test_without_the_token_nothing_is_told(make_server: MakeServer) -> None:
    async with make_server(host="0.0.0.0", token="w0rd+&w0rd+&w0rd+&") as server:
        bare = await server.http.get("/api/status")
        wrong = await server.http.get("/api/status", headers={"authorization": "Bearer nope"})
        right = await server.http.get("/api/status", headers={"authorization": "Bearer w0rd+&w0rd+&w0rd+&"})
        metrics = await server.http.get("/metrics")
    assert [bare.status_code, wrong.status_code, metrics.status_code] == [401, 401, 401]
    assert bare.json()["error"]["code"] == "unauthorized"
    assert right.status_code == 200


@pytest.mark.parametrize("query", ["token=w0rd", "other=1&TOKEN=w0rd", "%74oken=", "token"])
@pytest.mark.parametrize("path", ["/", "/api/status", "/api/sessions/x/recording.wav"])
async def test_a_token_in_an_address_is_refused(make_server: MakeServer, path: str, query: str) -> None:
    async with make_server(token="w0rd") as server:
        response = await server.http.get(f"{path}?{query}", headers={"authorization": "Bearer w0rd"})
    assert (response.status_code, response.json()["error"]["code"]) == (400, "token_in_address")
    assert "#token=WORD" in response.json()["error"]["message"]


async def test_a_client_that_never_connects_is_ended(make_server: MakeServer, client: VoiceClient) -> None:
    liveness = {"connect_s": 0.05, "watch_s": 0.02}
    async with make_server(rows=1, liveness=liveness) as server:
        answer = await server.post({"sdp": await client.offer()})
        async with asyncio.timeout(10):
            while server.gateway.peers:  # noqa: ASYNC110 - the gateway tells nobody but a connected client
                await asyncio.sleep(0.02)
        log = await server.http.get(f"/api/sessions/{answer['session']}/slots.jsonl")
        assert server.hub.client.free == 1
    assert '"reason":"the client never sent audio"' in log.text


async def test_an_unknown_path_is_answered_in_the_same_form(make_server: MakeServer) -> None:
    async with make_server() as server:
        response = await server.http.get("/api/nothing")
    assert (response.status_code, response.json()["error"]["code"]) == (404, "http")


async def test_the_api_describes_itself(make_server: MakeServer) -> None:
    async with make_server() as server:
        paths = (await server.http.get("/openapi.json")).json()["paths"]
    assert set(paths) == {
        "/api/status",
        "/api/ice",
        "/api/offer",
        "/api/leave",
        "/api/page-token",
        "/api/sessions/{session}/close",
        "/api/sessions/{session}/{name}",
    }
