"""What counts as one client: an address, or for IPv6 the network of 64 bits of which a client has all; and how many
sessions it may have.

Nothing here depends on HTTP or connections.
"""

import ipaddress
from collections.abc import Mapping
from typing import Final

from configs.runtime.serve import ClientsConfig
from runtime.errors import DuplexError

_IPV6_NETWORK: Final = 64


class TooManySessions(DuplexError):  # noqa: N818 - reads as what it is
    """A client has as many sessions as it may have."""

    code = "too_many_sessions"


def client_network(address: str) -> str:
    """The network that counts as one client; `address` itself if it is none in figures."""
    ip = _parse(address)
    if ip is None:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(ip), _IPV6_NETWORK), strict=False))
    return str(ip)


def is_this_machine(address: str) -> bool:
    """Whether a client is on this machine, as a proxy may be that does not say for whom it asks."""
    ip = _parse(address)
    return ip is not None and ip.is_loopback


class SessionsByClient:
    """Which client opened which of the sessions that last."""

    def __init__(self, config: ClientsConfig) -> None:
        self._most = config.most_sessions
        self._openers: dict[str, str] = {}

    def check(self, address: str, lasting: Mapping[str, bool]) -> None:
        """Check that a client may open one more session.

        Args:
            address: the client's; empty if unknown. lasting: the sessions that last, and whether each counts.

        Raises:
            TooManySessions: it has as many as it may have.
        """
        self._openers = {session: client for session, client in self._openers.items() if session in lasting}
        if self._most is None or not address or is_this_machine(address):
            return
        client = client_network(address)
        if sum(lasting[session] for session, opener in self._openers.items() if opener == client) >= self._most:
            raise TooManySessions(
                f"this address has {self._most} conversations, as many as it may have; end one of them, or ask whoever "
                "runs the server for more (serve.clients.most_sessions)"
            )

    def note(self, session: str, address: str) -> None:
        """A client has opened a session, which is its own even if it comes back to it from another address."""
        if address:
            self._openers[session] = client_network(address)


def _parse(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return getattr(ip, "ipv4_mapped", None) or ip
