"""Requests that a stranger's page sends through a user's browser are refused; answers are not kept elsewhere."""

import socket
from typing import Any

import pytest

from tests.runtime.webrtc.conftest import MakeServer

OFFER = {"sdp": "hello"}


async def ask(make_server: MakeServer, headers: dict[str, str], **values: Any) -> tuple[int, str, str]:
    """Status, code and message of an offer that is wrong in any case."""
    async with make_server(**values) as server:
        response = await server.http.post("/api/offer", json=OFFER, headers=headers)
    error = response.json()["error"]
    assert "\n" not in error["message"]
    return response.status_code, error["code"], error["message"]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:8080",
        "[::1]:8080",
        "192.0.2.7:8443",
        "localhost:8080",
        "LocalHost",
        "duplex:8080",
        socket.gethostname(),
        f"{socket.gethostname()}.local:8080",
        "voice.example.org",
    ],
)
async def test_the_servers_own_names_are_answered(make_server: MakeServer, host: str) -> None:
    got = await ask(make_server, {"host": host}, allowed_hosts=("Voice.example.org",))
    assert got[:2] == (400, "bad_offer")


@pytest.mark.parametrize(
    ("host", "text"),
    [
        ("rebound.example.org:8080", "start it with --allow-host rebound.example.org"),
        ("127.0.0.1.example.org", "not known as 127.0.0.1.example.org"),
        ("localhost.example.org", "not known as"),
        ("a.b<script>", "by its address"),
        ("[::1", "by its address"),
        ("127.0.0.1:port", "by its address"),
        ("", "by its address"),
    ],
)
async def test_a_name_that_resolves_to_this_machine_is_refused(make_server: MakeServer, host: str, text: str) -> None:
    status, code, message = await ask(make_server, {"host": host})
    assert (status, code) == (421, "bad_host")
    assert text in message
    assert "<" not in message


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("LOCALHOST:8080", "http://localhost:8080"),
    ],
)
async def test_the_servers_own_page_may_ask(make_server: MakeServer, host: str, origin: str) -> None:
    assert (await ask(make_server, {"host": host, "origin": origin}))[1] == "bad_offer"


@pytest.mark.parametrize(
    "origin", ["https://example.org", "http://127.0.0.1:9090", "http://localhost:8080", "null", "x"]
)
async def test_a_page_of_another_site_may_not(make_server: MakeServer, origin: str) -> None:
    got = await ask(make_server, {"host": "127.0.0.1:8080", "origin": origin})
    assert got[:2] == (403, "bad_origin")


async def test_answers_are_not_stored_and_do_not_leave_their_address_behind(make_server: MakeServer) -> None:
    async with make_server() as server:
        answers = [await server.http.get(path) for path in ("/api/status", "/api/nothing", "/metrics")]
    assert {answer.headers["Cache-Control"] for answer in answers} == {"no-store"}
    assert {answer.headers["Referrer-Policy"] for answer in answers} == {"no-referrer"}
    assert {answer.headers["X-Content-Type-Options"] for answer in answers} == {"nosniff"}
