"""Kinds of input that come over the network: requests, offers, messages of the data channel."""

import asyncio
import json
import struct
from random import Random
from typing import Final
from unittest.mock import patch

from aiortc import RTCDataChannel, RTCSctpTransport
from aiortc.rtcsctptransport import DataChunk, serialize_packet

from tests.fuzz.edits import almost, example, pieces
from tests.fuzz.kind import Kind
from tests.fuzz.server import TOKEN, Server, accepted, reading, request

_OPTIONS: Final = {
    "policy": "patient", "system_prompt": "be brief", "temperature": 0.5, "seed": 3, "utc_offset_min": 60,
    "pattern": None, "tools": ["time_in"],
}  # fmt: skip
_OFFER: Final = {"sdp": "v=0", "type": "offer", "session": None, "attempt": "a" * 16, "options": _OPTIONS}
_CHUNKED: Final = b"\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
_REQUESTS: Final = (
    request("POST", "/api/offer", json.dumps(_OFFER)),
    request("POST", "/api/leave", json.dumps({"attempt": "a" * 16, "token": TOKEN})),
    request("GET", "/api/status"),
    request("GET", "/metrics"),
    request("GET", "/openapi.json"),
    request("POST", "/api/sessions/0123/close"),
    request("GET", "/api/sessions/0123/recording.wav"),
    request("HEAD", "/api/status") + request("OPTIONS", "/api/offer"),
    request("POST", "/api/offer").replace(b"\r\n\r\n", _CHUNKED),
)


def requests() -> Kind:
    """HTTP requests with their bodies."""

    async def ask(one: Server, data: bytes) -> bool:
        return accepted(await one.ask(data))

    parts = pieces("http")
    return Kind("requests", lambda rng: almost(rng, _REQUESTS, parts), reading(ask))


def offers() -> Kind:
    """Offers of a connection (SDP)."""
    good = [example("example.sdp").replace(b"\n", b"\r\n")]
    parts = pieces("sdp")

    async def ask(one: Server, data: bytes) -> bool:
        body = json.dumps({"sdp": data.decode("utf-8", errors="replace")})
        try:
            return accepted(await one.ask(request("POST", "/api/offer", body)))
        finally:
            await one.close_all()

    return Kind("offers", lambda rng: almost(rng, good, parts), reading(ask))


_OPEN: Final = struct.pack("!BBHLHH", 3, 0, 0, 0, 6, 0) + b"duplex"
"""Opens a data channel (RFC 8832, section 5.1)."""
_CONTROL, _TEXT, _BINARY, _NO_TEXT = 50, 51, 53, 56
_WHOLE_UNORDERED: Final = 7
_MESSAGES: Final = (
    b'{"type": "ping", "id": 1}',
    b'{"type": "say", "text": "hello"}',
    b'{"type": "bye"}',
)


async def _deliver(transport: RTCSctpTransport, protocol: int, content: bytes) -> None:
    """What a client's packet with one message brings about."""
    chunk = DataChunk(flags=_WHOLE_UNORDERED)
    chunk.tsn = (transport._last_received_tsn or 0) + 1 & 0xFFFFFFFF
    chunk.stream_id, chunk.protocol, chunk.user_data = 1, protocol, content
    await transport._handle_data(serialize_packet(5000, 5000, transport._local_verification_tag, chunk))


def messages() -> Kind:
    """Messages of the data channel; the first character says of what protocol (text, binary, ...)."""
    protocols = {b"t": _TEXT, b"b": _BINARY, b"c": _CONTROL, b"n": _NO_TEXT}
    offer = request("POST", "/api/offer", json.dumps({"sdp": example("example.sdp").decode()}))
    parts = pieces("json")

    async def connect(one: Server) -> RTCSctpTransport:
        if not one.gateway.peers:
            assert accepted(await one.ask(offer)), "the good offer was refused"
            transport = one.gateway.peers[0]._connection.sctp
            assert transport is not None
            transport._last_received_tsn = transport._remote_verification_tag = 0
            await _deliver(transport, _CONTROL, _OPEN)
        found = one.gateway.peers[0]._connection.sctp
        assert found is not None
        return found

    async def ask(one: Server, data: bytes) -> bool:
        transport = await connect(one)
        sent: list[str] = []
        with patch.object(RTCDataChannel, "send", lambda channel, text: sent.append(text)):
            await _deliver(transport, protocols[data[:1]], data[1:])
            await asyncio.sleep(0)
        return any('"pong"' in text for text in sent)

    def make(rng: Random) -> bytes:
        """A third of them are good, because a small change makes a short message another one."""
        good = (*_MESSAGES, _OPEN)
        content = rng.choice(good) if rng.random() < 0.3 else almost(rng, good, parts)
        return rng.choice((*[b"t"] * 6, b"b", b"b", b"c", b"n")) + content

    return Kind("messages", make, reading(ask))
