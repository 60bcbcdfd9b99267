"""Finds the addresses at which a listening server can be reached, from this machine's interfaces."""

import ipaddress
import socket
from collections.abc import Iterable, Sequence
from urllib.parse import quote

import ifaddr

from configs.runtime.serve import ServeConfig

EVERY_IPV4, EVERY_ADDRESS = "0.0.0.0", "::"
LOOPBACK = {4: "127.0.0.1", 6: "::1"}


def reachable(host: str, interfaces: Sequence[str]) -> list[str]:
    """Addresses at which a server that listens on `host` can be reached, with this machine's own first.

    Args:
        host: as given; 0.0.0.0 stands for every IPv4 address, :: for every address.
        interfaces: addresses of this machine's interfaces.
    """
    if host not in (EVERY_IPV4, EVERY_ADDRESS):
        return [host]
    versions = [4] if host == EVERY_IPV4 else [4, 6] if socket.has_dualstack_ipv6() else [6]
    parsed = map(ipaddress.ip_address, interfaces)
    others = [str(ip) for ip in parsed if ip.version in versions and not ip.is_loopback]
    return [LOOPBACK[versions[0]], *others]


def interface_addresses() -> list[str]:
    """IP addresses of this machine's interfaces, IPv4 first, without those that need a zone."""
    found = [str(ip.ip if ip.is_IPv4 else ip.ip[0]) for adapter in ifaddr.get_adapters() for ip in adapter.ips]
    return sorted(dict.fromkeys(filter(_has_no_zone, found)), key=lambda one: ipaddress.ip_address(one).version)


def page_urls(config: ServeConfig, port: int, hosts: Iterable[str]) -> list[str]:
    """URL of the page at each host; a token is in the fragment, which browsers do not send."""
    scheme = "https" if config.tls else "http"
    fragment = f"/#token={quote(config.token, safe='')}" if config.token else ""
    return [f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}{fragment}" for host in hosts]


def _has_no_zone(address: str) -> bool:
    return not ipaddress.ip_address(address).is_link_local
