"""The only module that uses internals of aiortc and its ICE library, checked against the installed version.

`tap_packets`: when a packet is lost, aiortc's own jitter buffer waits until sixteen packets are queued and never
recovers from that lag, and its decoder has no concealment. It is replaced by a tap that passes every packet on as it
arrives; aiortc still handles RTCP, statistics and encryption. `bound_messages`: aiortc collects the parts of a message
without a limit, and fails at some that are malformed. `all_arrived`: it closes a connection without waiting for its
last messages. `bound_gathering`: its ICE library waits five seconds for STUN and TURN servers that do not answer.
`allow_loopback`: a machine without a network can still talk to itself.
"""

import functools
import inspect
import struct
from collections.abc import Callable
from contextlib import suppress

import aioice.ice
import aiortc
from aiortc.jitterbuffer import JitterBuffer as StockJitterBuffer
from aiortc.jitterbuffer import JitterFrame
from aiortc.rtcsctptransport import DataChunk
from aiortc.rtp import RtpPacket

from runtime.errors import DuplexError
from runtime.webrtc.jitter import ReceivedPacket
from runtime.webrtc.opus import packet_samples

_HANDLE, _RECEIVE, _WINDOW = "_handle_data", "_receive_data_chunk", "_advertised_rwnd"
_UNREADABLE = (AssertionError, UnicodeDecodeError, struct.error)
"""What aiortc raises at text that is not UTF-8 and at broken packets; it would end the connection with a traceback."""
_QUEUES = ("_outbound_queue", "_sent_queue", "_data_channel_queue")
_GATHER = "get_component_candidates"
_ATTRIBUTE = "_RTCRtpReceiver__jitter_buffer"


class TransportError(DuplexError):
    """The installed aiortc does not fit."""

    code = "transport"


class PacketTap:
    """Takes the place of aiortc's jitter buffer; never gives it anything to decode."""

    def __init__(self, sink: Callable[[ReceivedPacket], None]) -> None:
        self._sink = sink

    def add(self, packet: RtpPacket) -> tuple[bool, JitterFrame | None]:
        """Pass a packet on; aiortc is told that no frame is complete."""
        samples = packet_samples(packet.payload)
        if samples:
            self._sink(ReceivedPacket(packet.sequence_number, packet.timestamp, samples, packet.payload))
        return False, None


def tap_packets(receiver: aiortc.RTCRtpReceiver, sink: Callable[[ReceivedPacket], None]) -> None:
    """Make `receiver` pass its packets to `sink` as they arrive, on the event loop.

    Raises:
        TransportError: this aiortc keeps its jitter buffer elsewhere.
    """
    if not isinstance(getattr(receiver, _ATTRIBUTE, None), StockJitterBuffer):
        raise TransportError(
            f"aiortc {aiortc.__version__} keeps its jitter buffer in another place; install 'aiortc>=1.16,<1.17'"
        )
    setattr(receiver, _ATTRIBUTE, PacketTap(sink))


def bound_messages(transport: aiortc.RTCSctpTransport, most: int, excess: Callable[[], None]) -> None:
    """Let clients send at most `most` bytes of messages that are not complete; beyond that, parts are dropped and
    `excess` is called. Packets that aiortc cannot read are dropped too.

    Raises:
        TransportError: this aiortc receives messages elsewhere.
    """
    handle, receive = getattr(transport, _HANDLE, None), getattr(transport, _RECEIVE, None)
    window = getattr(transport, _WINDOW, None)
    if handle is None or receive is None or not isinstance(window, int):
        raise TransportError(
            f"aiortc {aiortc.__version__} receives messages in another place; install 'aiortc>=1.16,<1.17'"
        )

    async def bounded(chunk: DataChunk) -> None:
        if window - getattr(transport, _WINDOW) > most:
            excess()
        else:
            await receive(chunk)

    async def readable(data: bytes) -> None:
        with suppress(*_UNREADABLE):
            await handle(data)

    setattr(transport, _RECEIVE, bounded)
    setattr(transport, _HANDLE, readable)


def all_arrived(transport: aiortc.RTCSctpTransport) -> bool:
    """Whether the client has acknowledged all messages.

    Raises:
        TransportError: this aiortc keeps its messages elsewhere.
    """
    queues = [getattr(transport, name, None) for name in _QUEUES]
    if None in queues:
        raise TransportError(
            f"aiortc {aiortc.__version__} keeps its messages in another place; install 'aiortc>=1.16,<1.17'"
        )
    return not any(queues)


def bound_gathering(connection: aiortc.RTCPeerConnection, seconds: float) -> None:
    """Let a connection with a remote description wait at most `seconds` for STUN and TURN servers and their names.

    Raises:
        TransportError: this aiortc gathers addresses elsewhere.
    """
    ends = [*connection.getReceivers(), connection.sctp]
    for transport in (end.transport.transport for end in ends if end is not None):
        ice = getattr(transport.iceGatherer, "_connection", None)
        stock = getattr(ice, _GATHER, None)
        if stock is None or "timeout" not in inspect.signature(stock).parameters:
            raise TransportError(
                f"aiortc {aiortc.__version__} gathers addresses in another place; install 'aiortc>=1.16,<1.17'"
            )
        setattr(ice, _GATHER, functools.partial(stock, timeout=seconds))


def allow_loopback() -> None:
    """Offer 127.0.0.1 from now on if this machine has no other address. Calling it again changes nothing.

    Raises:
        TransportError: this aioice lists its addresses elsewhere.
    """
    stock = getattr(aioice.ice, "get_host_addresses", None)
    if stock is None:
        raise TransportError("the installed aioice lists its addresses in another place; install 'aioice>=0.13,<0.14'")
    if not hasattr(stock, "__wrapped__"):
        setattr(aioice.ice, "get_host_addresses", _or_loopback(stock))  # noqa: B010 - replaces a function of theirs


def _or_loopback(stock: Callable[[bool, bool], list[str]]) -> Callable[[bool, bool], list[str]]:
    @functools.wraps(stock)
    def addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
        return stock(use_ipv4, use_ipv6) or (["127.0.0.1"] if use_ipv4 else [])

    return addresses
