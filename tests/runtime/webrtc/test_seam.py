"""The hook into aiortc: it is found in the installed version, and a change to it is reported."""

from contextlib import suppress

import aioice.ice
import pytest
from aiortc import RTCConfiguration, RTCDataChannel, RTCDataChannelParameters, RTCPeerConnection
from aiortc.rtcsctptransport import DataChunk, serialize_packet
from aiortc.rtp import RtpPacket

from runtime.webrtc.jitter import ReceivedPacket
from runtime.webrtc.seam import TransportError, allow_loopback, bound_gathering, bound_messages, tap_packets


async def test_packets_reach_the_sink_and_aiortc_decodes_nothing() -> None:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    receiver = connection.addTransceiver("audio").receiver
    packets: list[ReceivedPacket] = []
    tap_packets(receiver, packets.append)
    tap = receiver._RTCRtpReceiver__jitter_buffer  # type: ignore[attr-defined]
    rtp = RtpPacket(payload_type=96, sequence_number=7, timestamp=960)
    rtp.payload = b"\x08\x00\x00"
    assert tap.add(rtp) == (False, None)
    rtp.payload = b""
    assert tap.add(rtp) == (False, None)
    assert packets == [ReceivedPacket(7, 960, 960, b"\x08\x00\x00")]
    await connection.close()


async def test_parts_of_a_message_are_collected_up_to_a_limit() -> None:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.createDataChannel("messages")
    assert connection.sctp is not None
    connection.sctp._last_received_tsn = 0
    excesses: list[bool] = []
    bound_messages(connection.sctp, 3000, lambda: excesses.append(True))
    for number in range(10):
        part = DataChunk(flags=2 if number == 0 else 0)
        part.tsn, part.user_data = number + 1, bytes(1000)
        await connection.sctp._receive_data_chunk(part)
    assert len(excesses) == 6
    assert len(connection.sctp._inbound_streams[0].reassembly) == 4
    await connection.close()


@pytest.mark.parametrize(
    ("protocol", "content"),
    [(51, b"\xff"), (50, b"\x03\0\0\0\0\0\0\0\0\x01\0\0\xff"), (50, b"\x02")],
    ids=["text that is not UTF-8", "a name that is not UTF-8", "the answer to no question"],
)
async def test_a_packet_that_cannot_be_read_is_dropped(protocol: int, content: bytes) -> None:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.createDataChannel("messages")
    transport = connection.sctp
    assert transport is not None
    transport._last_received_tsn = transport._remote_verification_tag = 0
    transport._data_channels[1] = RTCDataChannel(transport, RTCDataChannelParameters(id=1))
    chunk = DataChunk(flags=7)
    chunk.tsn, chunk.stream_id, chunk.protocol, chunk.user_data = 1, 1 if protocol == 51 else 2, protocol, content
    packet = serialize_packet(5000, 5000, transport._local_verification_tag, chunk)
    with pytest.raises((UnicodeDecodeError, AssertionError)):
        await transport._handle_data(packet)
    transport._last_received_tsn = 0
    bound_messages(transport, 3000, lambda: None)
    with suppress(ConnectionError):  # it has none, to acknowledge the packet on
        await transport._handle_data(packet)
    await connection.close()


def test_another_aiortc_is_named() -> None:
    with pytest.raises(TransportError, match=r"install 'aiortc>=1\.16"):
        bound_messages(object(), 1, lambda: None)  # type: ignore[arg-type]
    with pytest.raises(TransportError, match=r"install 'aiortc>=1\.16"):
        tap_packets(object(), lambda packet: None)  # type: ignore[arg-type]


def test_a_machine_without_addresses_offers_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: [])
    allow_loopback()
    allow_loopback()
    assert aioice.ice.get_host_addresses(True, True) == ["127.0.0.1"]
    assert aioice.ice.get_host_addresses(False, True) == []


def test_other_addresses_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["192.0.2.7"])
    allow_loopback()
    assert aioice.ice.get_host_addresses(True, True) == ["192.0.2.7"]


def test_another_aioice_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(aioice.ice, "get_host_addresses")
    with pytest.raises(TransportError, match="aioice"):
        allow_loopback()


async def test_gathering_has_a_limit_of_ours() -> None:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    receiver = connection.addTransceiver("audio").receiver
    connection.createDataChannel("messages")
    bound_gathering(connection, 0.5)
    bound_gathering(connection, 0.25)
    ice = receiver.transport.transport.iceGatherer._connection
    assert ice.get_component_candidates.keywords == {"timeout": 0.25}
    ice.get_component_candidates = lambda component, addresses: []
    with pytest.raises(TransportError, match="gathers addresses in another place"):
        bound_gathering(connection, 0.5)
    await connection.close()
