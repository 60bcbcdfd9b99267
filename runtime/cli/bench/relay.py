"""A bad network between a client and its server: a relay that loses packets and delivers each of the others late.

    relay = Relay(Link(loss=0.03, delay_ms=40, jitter_ms=30), seed=1)
    await client.connect(relay.through(post))

In the offer and in the answer the relay takes the place of the other end, so that all packets pass it, not audio alone.
Each has a delay of its own, so that some overtake others.
"""

import asyncio
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from runtime.errors import EngineError
from runtime.webrtc.client import Post

_CANDIDATE: Final = re.compile(r"a=candidate:(\S+) 1 udp (\d+) (\d+(?:\.\d+){3}) (\d+) typ (\S+).*\r\n", re.IGNORECASE)
_CANDIDATES: Final = re.compile(r"(?:a=candidate:.*\r\n)+")
_RTP, _RTCP = range(128, 192), range(192, 224)
"""First byte of RTP and RTCP (RFC 7983), and second byte of RTCP alone (RFC 5761)."""
STALL_EVERY_S: Final = 20.0
"""The first stall is so long after the beginning, and so is each from the one before."""
Address = tuple[str, int]


@dataclass(frozen=True)
class Link:
    """A network. `loss`: share of packets, 0..1. A packet takes `delay_ms`, more or less up to `jitter_ms`. Every
    `STALL_EVERY_S` nothing passes for `stall_s`, and then all of it at once."""

    loss: float = 0.0
    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    stall_s: float = 0.0

    @property
    def perfect(self) -> bool:
        """Whether it does nothing."""
        return self == Link()

    def draw(self, rng: random.Random) -> float | None:
        """How long a packet takes while nothing stalls, seconds; None if it is lost."""
        if rng.random() < self.loss:
            return None
        return max(0.0, self.delay_ms + rng.uniform(-self.jitter_ms, self.jitter_ms)) / 1000

    def held_until(self, at: float) -> float:
        """When a packet arrives that would have arrived `at` seconds after the beginning."""
        stall, since = divmod(at, STALL_EVERY_S)
        return stall * STALL_EVERY_S + self.stall_s if stall and since < self.stall_s else at


@dataclass
class Carried:
    """Packets of audio in one direction: how many there were, and how many of them were lost."""

    packets: int = 0
    lost: int = 0


class Relay:
    """The network of one client."""

    def __init__(self, link: Link, seed: int) -> None:
        """`seed`: of losses and delays."""
        self.link = link
        self.user, self.assistant = Carried(), Carried()
        """What the user and the assistant sent."""
        self._rng = random.Random(seed)
        self._began: float | None = None
        self._held: list[tuple[bytes, Callable[[bytes], None]]] = []
        self._client: Address | None = None
        self._server: Address | None = None
        self._to_client: asyncio.DatagramTransport | None = None
        self._to_server: asyncio.DatagramTransport | None = None

    def through(self, post: Post) -> Post:
        """Make offers over this network."""

        async def post_through(body: dict[str, Any]) -> dict[str, Any]:
            answer = await post(body | {"sdp": await self._take_offer(body["sdp"])})
            return answer | {"sdp": self._take_answer(answer["sdp"])}

        return post_through

    def close(self) -> None:
        """Deliver nothing any more."""
        for transport in (self._to_client, self._to_server):
            if transport is not None:
                transport.close()

    async def _take_offer(self, sdp: str) -> str:
        """The offer for the server, which sends to the relay."""
        self._client = _address(sdp)
        self._to_client = await self._listen(lambda data: self._carry(data, self.user, self._send_to_server))
        self._to_server = await self._listen(lambda data: self._carry(data, self.assistant, self._send_to_client))
        return _with_address(sdp, self._to_server)

    def _take_answer(self, sdp: str) -> str:
        """The answer for the client, which sends to the relay."""
        assert self._to_client is not None
        self._server = _address(sdp)
        return _with_address(sdp, self._to_client)

    async def _listen(self, take: Callable[[bytes], None]) -> asyncio.DatagramTransport:
        assert self._client is not None
        host, _ = self._client
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: _Ear(take), local_addr=(host, 0))
        return transport

    def _carry(self, data: bytes, carried: Carried, send: Callable[[bytes], None]) -> None:
        is_audio = len(data) > 1 and data[0] in _RTP and data[1] not in _RTCP
        delay_s = self.link.draw(self._rng)
        carried.packets += is_audio
        if delay_s is None:
            carried.lost += is_audio
        else:
            asyncio.get_running_loop().call_later(delay_s, self._arrive, data, send)

    def _arrive(self, data: bytes, send: Callable[[bytes], None]) -> None:
        """A packet is through, or joins those that are held back; these keep their order."""
        loop = asyncio.get_running_loop()
        self._began = self._began or loop.time()
        at = loop.time() - self._began
        until = self.link.held_until(at)
        if until == at:
            send(data)
            return
        if not self._held:
            loop.call_later(until - at, self._release)
        self._held.append((data, send))

    def _release(self) -> None:
        held, self._held = self._held, []
        for data, send in held:
            send(data)

    def _send_to_server(self, data: bytes) -> None:
        if self._to_server is not None and self._server is not None and not self._to_server.is_closing():
            self._to_server.sendto(data, self._server)

    def _send_to_client(self, data: bytes) -> None:
        if self._to_client is not None and not self._to_client.is_closing():
            self._to_client.sendto(data, self._client)


class _Ear(asyncio.DatagramProtocol):
    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take

    def datagram_received(self, data: bytes, addr: object) -> None:
        """Take a packet."""
        self._take(data)


def _address(sdp: str) -> Address:
    """The first IPv4 address of an end.

    Raises:
        EngineError: it has none.
    """
    found = _CANDIDATE.search(sdp)
    if found is None:
        raise EngineError("a bad network needs a client and a server with IPv4 addresses; leave out --loss and delays")
    return found[3], int(found[4])


def _with_address(sdp: str, transport: asyncio.DatagramTransport) -> str:
    """The description of an end that is reached at the relay alone."""
    host, port = transport.get_extra_info("sockname")
    found = _CANDIDATE.search(sdp)
    assert found is not None, "who has an address has a candidate"
    return _CANDIDATES.sub(f"a=candidate:{found[1]} 1 udp {found[2]} {host} {port} typ host\r\n", sdp)
