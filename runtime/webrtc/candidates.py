"""Decides which of a client's ICE candidates the server can send to, without resolving names."""

import ipaddress

from aiortc.sdp import candidate_from_sdp

_TYPES = ("host", "srflx", "prflx", "relay")
_PORTS = range(1, 65_536)


def is_usable(value: str) -> bool:
    """Whether `value` (what follows "a=candidate:", RFC 8839, section 5.1) is a UDP address of the first component.

    Names are not usable: the server would have to resolve them, and those under `.local` (which browsers give instead
    of addresses) often lead nowhere.
    """
    try:
        candidate = candidate_from_sdp(value)
        address = ipaddress.ip_address(candidate.ip)
    except (ValueError, IndexError, AssertionError):  # the parser asserts that there are enough words
        return False
    scoped = isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None
    reachable = candidate.port in _PORTS and not scoped and candidate.component == 1
    return reachable and candidate.protocol.lower() == "udp" and candidate.type in _TYPES
