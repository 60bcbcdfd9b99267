"""What clients and the server's own connections are given: accounts, addresses, and who is told."""

import base64
import hashlib
import hmac
import logging

import pytest
from aiortc import RTCIceTransportPolicy

from configs.runtime.ice import IceConfig
from runtime.webrtc.ice import issue, issue_own, make_account, report_missing
from runtime.webrtc.ice_configuration import to_configuration
from tests.runtime.webrtc.conftest import MakeServer

SECRET = "north"
ICE = {
    "servers": [
        {"urls": ["stun:a.example"]},
        {"urls": ["turn:a.example", "turn:[2001:db8::7]"]},
        {"urls": ["turns:b.example"], "username": "u", "credential": "c"},
    ],
    "secret": SECRET,
    "lifetime_s": 600,
}


def test_an_account_is_that_of_a_shared_secret() -> None:
    """The password as `turn` servers compute it, see coturn's `use-auth-secret`."""
    username, password = make_account(SECRET, 1_700_000_000)
    assert username == "1700000000:duplex"
    assert base64.b64decode(password) == hmac.digest(b"north", b"1700000000:duplex", hashlib.sha1)


def test_clients_are_given_what_browsers_take() -> None:
    answer = issue(IceConfig.model_validate(ICE), 1000.0).model_dump(by_alias=True, exclude_none=True)
    username, password = make_account(SECRET, 1600)
    assert answer == {
        "iceServers": [
            {"urls": ["stun:a.example"]},
            {"urls": ["turn:a.example", "turn:[2001:db8::7]"], "username": username, "credential": password},
            {"urls": ["turns:b.example"], "username": "u", "credential": "c"},
        ],
        "iceTransportPolicy": "all",
    }


def test_the_own_connections_are_given_what_they_can_use() -> None:
    config = to_configuration(issue_own(IceConfig.model_validate(ICE | {"relay_only": True}), 1000.0))
    assert [server.urls for server in config.iceServers or []] == [
        ["stun:a.example"], ["turn:a.example"], ["turns:b.example"],
    ]  # fmt: skip
    assert config.iceTransportPolicy is RTCIceTransportPolicy.RELAY
    pages = to_configuration(issue_own(IceConfig.model_validate(ICE | {"relay_only": True, "pages_only": True}), 0.0))
    assert (pages.iceServers, pages.iceTransportPolicy) == ([], RTCIceTransportPolicy.ALL)


def test_a_server_that_gave_no_address_is_named_without_its_account(caplog: pytest.LogCaptureFixture) -> None:
    issued = issue_own(IceConfig.model_validate(ICE), 1000.0)
    with caplog.at_level(logging.WARNING):
        report_missing("a=candidate:1 1 udp 1 192.0.2.7 5 typ host", issued)
        report_missing("typ host\r\n typ srflx\r\n typ relay", issued)
    assert caplog.messages == [
        "the TURN server gave no address (turn:a.example); check that it runs, and its account",
        "the STUN server gave no address (stun:a.example); check that it runs, and its account",
    ]
    assert "credential" not in repr(issued)


async def test_accounts_are_for_those_who_have_the_token(make_server: MakeServer) -> None:
    async with make_server(ice=ICE, token="sixteen-letters-") as server:
        assert (await server.http.get("/api/ice")).status_code == 401
        answer = await server.http.get("/api/ice", headers={"Authorization": "Bearer sixteen-letters-"})
    assert answer.headers["cache-control"] == "no-store"
    assert [one["urls"] for one in answer.json()["iceServers"]] == [one["urls"] for one in ICE["servers"]]  # type: ignore[index, attr-defined]


async def test_without_servers_there_is_nothing_to_give(make_server: MakeServer) -> None:
    async with make_server() as server:
        answer = await server.http.get("/api/ice")
    assert answer.json() == {"iceServers": [], "iceTransportPolicy": "all"}
