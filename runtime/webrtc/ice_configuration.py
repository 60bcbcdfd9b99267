"""The STUN and TURN servers of one connection as aiortc takes them."""

from aiortc import RTCConfiguration, RTCIceServer, RTCIceTransportPolicy

from runtime.webrtc.ice import IceAnswer


def to_configuration(issued: IceAnswer) -> RTCConfiguration:
    """Configuration of a connection of aiortc that uses `issued`."""
    servers = [RTCIceServer(one.urls, one.username, one.credential) for one in issued.ice_servers]
    return RTCConfiguration(iceServers=servers, iceTransportPolicy=RTCIceTransportPolicy(issued.ice_transport_policy))
