"""Addresses in offers that lead nowhere delay nothing: no name is looked up, and the call takes what is left."""

import asyncio
import re
import socket
import threading
from collections.abc import Callable
from typing import Any

import aioice.mdns
import pytest

from runtime.webrtc.client import VoiceClient
from tests.runtime.webrtc.conftest import MakeServer, Server
from tests.runtime.webrtc.turn_server import candidate_types, use_loopback_only

MDNS = "1 1 udp 2130706431 4f2a6b0e-9f3c-4a4c-8d3e-000000000000.local 5000 typ host"
NAME = "1 1 udp 2130706431 nowhere.example.com 5000 typ host"
IPV6 = "1 1 udp 2130706431 2001:db8::7 5000 typ host"
MAPPED = "1 1 udp 2130706431 ::ffff:192.0.2.7 5000 typ host"
SCOPED = "1 1 udp 2130706431 fe80::7%eth0 5000 typ host"
REFLEXIVE = "1 1 udp 2130706431 192.0.2.7 5000 typ prflx raddr 192.0.2.8 rport 5000"
Change = Callable[[str], str]


def adding(*candidates: str) -> Change:
    """These come before an offer's own."""
    lines = "".join(f"a=candidate:{one}\r\n" for one in candidates)
    return lambda sdp: re.sub(r"^a=candidate:", lambda match: lines + match[0], sdp, count=1, flags=re.MULTILINE)


def instead(*candidates: str) -> Change:
    """These take the place of an offer's own."""

    def change(sdp: str) -> str:
        added = adding(*candidates)(sdp).splitlines()
        kept = tuple(f"a=candidate:{one}" for one in candidates)
        return "\r\n".join([line for line in added if not line.startswith("a=candidate:") or line in kept] + [""])

    return change


async def hold(server: Server, client: VoiceClient, change: Change = str) -> set[str]:
    """A short conversation whose offer is changed on its way; returns the types of the answer's candidates."""
    types: set[str] = set()

    async def post(body: dict[str, Any]) -> dict[str, Any]:
        answer = await server.post(body | {"sdp": change(body["sdp"])})
        types.update(candidate_types(answer["sdp"]))
        return answer

    await client.connect(post)
    await client.wait_for(lambda message: message["type"] == "slot", 30)
    return types


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names that somebody tried to resolve."""
    names: list[str] = []

    def refuse(name: str, *more: Any, **options: Any) -> Any:
        names.append(name)
        raise socket.gaierror(f"{name}: not in this test")

    async def no_mdns() -> Any:
        names.append("mdns")
        raise OSError("not in this test")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "gethostbyname", refuse)
    monkeypatch.setattr(aioice.mdns, "create_mdns_protocol", no_mdns)
    return names


@pytest.mark.parametrize(
    "change",
    [
        adding(MDNS, NAME),
        adding(IPV6, MAPPED, SCOPED, REFLEXIVE),
        instead(MDNS),
        instead(NAME, IPV6, SCOPED),
    ],
    ids=["names too", "IPv6 too", "a name only", "nothing that leads anywhere"],
)
async def test_a_call_takes_what_is_left(
    make_server: MakeServer, client: VoiceClient, looked_up: list[str], change: Change
) -> None:
    async with make_server() as server:
        assert await hold(server, client, change) == {"host"}
    assert looked_up == []


async def test_a_call_over_ipv6_alone(
    make_server: MakeServer, client: VoiceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 on this machine")
    use_loopback_only(monkeypatch, "::1")
    async with make_server() as server:
        assert await hold(server, client, adding(MDNS)) == {"host"}


async def test_a_name_that_is_not_resolved_in_time_is_not_waited_for(
    make_server: MakeServer, client: VoiceClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    over, asked = threading.Event(), []

    def hang(name: str, *more: Any, **options: Any) -> Any:
        asked.append((name, threading.current_thread()))
        over.wait(60)
        raise socket.gaierror("not in this test")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    monkeypatch.setattr(socket, "gethostbyname", hang)
    urls = ["turn:relay.example.com", "stun:mirror.example.com"]
    ice = {"servers": [{"urls": urls}], "secret": "a-secret-of-the-tests", "gather_s": 0.1}
    try:
        async with make_server(ice=ice) as server, asyncio.timeout(30):
            assert await hold(server, client) == {"host"}
            assert not over.is_set()
    finally:
        over.set()
    assert {name for name, _ in asked} == {"relay.example.com", "mirror.example.com"}
    assert threading.current_thread() not in {thread for _, thread in asked}
    assert len(caplog.messages) == 2
