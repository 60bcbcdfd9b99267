"""The addresses that are printed can be opened."""

import socket

import pytest

from configs.runtime.serve import ServeConfig
from runtime.webrtc.page_addresses import interface_addresses, page_urls, reachable

INTERFACES = ["127.0.0.1", "192.0.2.7", "::1", "2001:db8::7"]


@pytest.mark.parametrize(
    ("host", "hosts"),
    [
        ("127.0.0.1", ["127.0.0.1"]),
        ("0.0.0.0", ["127.0.0.1", "192.0.2.7"]),
        ("::1", ["::1"]),
        ("192.0.2.7", ["192.0.2.7"]),
        ("example.org", ["example.org"]),
    ],
)
def test_addresses_of_a_host(host: str, hosts: list[str]) -> None:
    assert reachable(host, INTERFACES) == hosts


@pytest.mark.parametrize(
    ("dual", "hosts"), [(True, ["127.0.0.1", "192.0.2.7", "2001:db8::7"]), (False, ["::1", "2001:db8::7"])]
)
def test_every_address_of_both_kinds_where_one_socket_has_both(
    monkeypatch: pytest.MonkeyPatch, dual: bool, hosts: list[str]
) -> None:
    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: dual)
    assert reachable("::", INTERFACES) == hosts


def test_no_address_is_told_that_stands_for_others_or_needs_a_zone() -> None:
    found = interface_addresses()
    assert not {"0.0.0.0", "::"} & set(found)
    assert not [one for one in found if one.startswith("fe80") or "%" in one]


def test_urls_carry_scheme_brackets_and_token() -> None:
    assert page_urls(ServeConfig(), 8080, ["localhost"]) == ["http://localhost:8080"]
    tls = ServeConfig(host="::", token="a&b-16-characters", self_signed=True)
    assert page_urls(tls, 1, ["::1"]) == ["https://[::1]:1/#token=a%26b-16-characters"]
