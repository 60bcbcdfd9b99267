"""The network of `duplex bench serve`: what it loses, how long it takes, and who meets whom through it."""

import asyncio
import random

import pytest

from runtime.cli.bench.relay import STALL_EVERY_S, Link, Relay
from runtime.errors import EngineError

CANDIDATE = "a=candidate:7 1 udp 99 127.0.0.1 {} typ host\r\n"
RTP, RTCP, STUN = b"\x80\x60", b"\x80\xc8", b"\x00\x01"


def test_a_share_is_lost_and_the_others_take_their_time() -> None:
    rng, link = random.Random(0), Link(loss=0.1, delay_ms=40.0, jitter_ms=30.0)
    drawn = [link.draw(rng) for _ in range(10_000)]
    delays = [one for one in drawn if one is not None]
    assert 0.09 < 1 - len(delays) / len(drawn) < 0.11
    assert min(delays) == pytest.approx(0.01, abs=0.001)
    assert max(delays) == pytest.approx(0.07, abs=0.001)


def test_packets_are_held_back_until_the_end_of_a_stall() -> None:
    link = Link(stall_s=4.0)
    held = {at: link.held_until(at) for at in (0.0, 3.0, STALL_EVERY_S - 0.1, 20.0, 21.5, 23.99, 24.0, 41.0)}
    assert list(held.values()) == [0.0, 3.0, 19.9, 24.0, 24.0, 24.0, 24.0, 44.0]


class End(asyncio.DatagramProtocol):
    """A client or a server."""

    def __init__(self) -> None:
        self.got: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: object) -> None:
        """Keep it."""
        self.got.put_nowait(data)


async def test_both_ends_meet_through_the_relay_and_audio_is_counted() -> None:
    loop = asyncio.get_running_loop()
    (client, heard), (server, taken) = [
        await loop.create_datagram_endpoint(End, local_addr=("127.0.0.1", 0)) for _ in range(2)
    ]
    ports = [end.get_extra_info("sockname")[1] for end in (client, server)]
    seen: list[str] = []

    async def post(body: dict[str, str]) -> dict[str, str]:
        seen.append(body["sdp"])
        return {"sdp": "v=0\r\n" + CANDIDATE.format(ports[1])}

    relay = Relay(Link(), 0)
    two = CANDIDATE.format(ports[0]) + "a=candidate:8 1 udp 98 192.0.2.7 5 typ host\r\n"
    answer = await relay.through(post)({"sdp": f"v=0\r\n{two}m=x\r\n{two}"})
    to_client, to_server = (int(sdp.split("127.0.0.1 ")[1].split()[0]) for sdp in (seen[0], answer["sdp"]))
    assert seen[0].count("a=candidate") == 2
    assert {to_client, to_server}.isdisjoint(ports)
    for packet in (STUN, RTP, RTCP):
        client.sendto(packet, ("127.0.0.1", to_server))
        assert await asyncio.wait_for(taken.got.get(), 5) == packet
    server.sendto(RTP, ("127.0.0.1", to_client))
    assert await asyncio.wait_for(heard.got.get(), 5) == RTP
    assert (relay.user.packets, relay.assistant.packets, relay.user.lost) == (1, 1, 0)
    for transport in (relay, client, server):
        transport.close()


async def test_ends_without_an_ipv4_address_are_refused_in_one_line() -> None:
    async def post(body: dict[str, str]) -> dict[str, str]:
        return body

    with pytest.raises(EngineError, match="leave out --loss"):
        await Relay(Link(), 0).through(post)({"sdp": "v=0\r\n"})
