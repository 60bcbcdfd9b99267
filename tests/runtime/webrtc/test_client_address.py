"""What counts as one client, and how many sessions it may have."""

import httpx
import pytest
from fastapi import FastAPI, Request

from configs.runtime.serve import ClientsConfig, ServeConfig
from runtime.clock import SystemClock
from runtime.webrtc.client import VoiceClient
from runtime.webrtc.client_address import SessionsByClient, TooManySessions, client_network
from runtime.webrtc.web_server import _uvicorn_config
from tests.runtime.webrtc.conftest import SILENCE, MakeServer

ONE = ClientsConfig(most_sessions=1)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_a_client_is_an_address_or_a_network_of_ipv6(address: str, network: str) -> None:
    assert client_network(address) == network


def test_a_client_has_no_more_sessions_than_it_may_have() -> None:
    sessions = SessionsByClient(ClientsConfig(most_sessions=2))
    lasting: dict[str, bool] = {}
    for name in "ab":
        sessions.check("192.0.2.7", lasting)
        sessions.note(name, "192.0.2.7")
        lasting[name] = True
    with pytest.raises(TooManySessions, match=r"has 2 conversations.*most_sessions"):
        sessions.check("192.0.2.7", lasting)
    sessions.check("192.0.2.8", lasting)
    sessions.check("192.0.2.7", {"a": True})


def test_a_session_whose_page_was_closed_does_not_count_until_it_is_back() -> None:
    sessions = SessionsByClient(ONE)
    sessions.note("a", "2001:db8::1")
    sessions.check("2001:db8::2", {"a": False})
    with pytest.raises(TooManySessions):
        sessions.check("2001:db8::2", {"a": True})


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", ""])
def test_clients_of_this_machine_are_not_limited(address: str) -> None:
    sessions = SessionsByClient(ONE)
    for session, opener in (("a", address), ("b", "192.0.2.7")):
        sessions.note(session, opener)
    sessions.check(address, {"a": True, "b": True})
    with pytest.raises(TooManySessions):
        sessions.check("192.0.2.7", {"a": True, "b": True})


def test_there_may_be_no_limit() -> None:
    sessions = SessionsByClient(ClientsConfig(most_sessions=None))
    sessions.note("a", "192.0.2.7")
    sessions.check("192.0.2.7", {"a": True})


@pytest.mark.parametrize(("proxy", "client"), [("127.0.0.1", "192.0.2.7"), ("198.51.100.1", "198.51.100.1")])
async def test_a_proxy_of_this_machine_alone_is_believed_for_whom_it_asks(proxy: str, client: str) -> None:
    app = FastAPI()

    @app.get("/")
    def whose(request: Request) -> str:
        return request.client.host if request.client else ""

    config = _uvicorn_config(app, ServeConfig())
    config.load()
    transport = httpx.ASGITransport(config.loaded_app, client=(proxy, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://duplex") as http:
        answer = await http.get("/", headers={"X-Forwarded-For": "203.0.113.9, 192.0.2.7"})
    assert answer.json() == client


async def test_one_session_too_many_is_refused_in_one_line_and_counted(
    make_server: MakeServer, client: VoiceClient
) -> None:
    async with make_server(rows=2, clients={"most_sessions": 1}, address="192.0.2.7") as server:
        await client.connect(server.post)
        second = VoiceClient(lambda now: SILENCE, SystemClock())
        refused = await server.http.post("/api/offer", json={"sdp": await second.offer()})
        await server.gateway.close(client.session, "closed")
        await second.close()
        third = VoiceClient(lambda now: SILENCE, SystemClock())
        await third.connect(server.post)
        await third.close()
        metrics = (await server.http.get("/metrics")).text
    error = refused.json()["error"]
    assert (refused.status_code, error["code"]) == (429, "too_many_sessions")
    assert "\n" not in error["message"]
    assert 'duplex_sessions_refused_total{code="too_many_sessions"} 1.0' in metrics
