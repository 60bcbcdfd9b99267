"""The server's own certificate: for its addresses, kept, renewed in time."""

import ipaddress
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from configs.base import ConfigError
from runtime.webrtc.self_signed import fingerprint, make_certificate
from runtime.webrtc.tls import check_tls, read_certificate
from tests.runtime.webrtc.certificates import NOW


def names(certfile: Path) -> x509.SubjectAlternativeName:
    return read_certificate(certfile).extensions.get_extension_for_class(x509.SubjectAlternativeName).value


def test_it_serves_the_addresses_and_this_machine(tmp_path: Path) -> None:
    cert, key = make_certificate(tmp_path / "tls", ["192.0.2.7", "fd00::2"], NOW)
    check_tls(cert, key, NOW)
    addresses = set(map(str, names(cert).get_values_for_type(x509.IPAddress)))
    assert {"127.0.0.1", "::1", "192.0.2.7", "fd00::2"} <= addresses
    assert "localhost" in names(cert).get_values_for_type(x509.DNSName)
    assert all(
        isinstance(ipaddress.ip_address(one), ipaddress.IPv4Address | ipaddress.IPv6Address) for one in addresses
    )
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(fingerprint(cert)) == 95


def test_it_is_kept(tmp_path: Path) -> None:
    cert, key = make_certificate(tmp_path, ["192.0.2.7"], NOW)
    before = cert.read_bytes(), key.read_bytes()
    make_certificate(tmp_path, [], NOW + timedelta(days=300))
    assert (cert.read_bytes(), key.read_bytes()) == before


@pytest.mark.parametrize(("addresses", "days"), [(["198.51.100.1"], 0), ([], 390)])
def test_it_is_made_anew_for_a_new_address_and_before_it_ends(tmp_path: Path, addresses: list[str], days: int) -> None:
    cert, _ = make_certificate(tmp_path, [], NOW)
    before = cert.read_bytes()
    check_tls(*make_certificate(tmp_path, addresses, NOW + timedelta(days=days)), NOW + timedelta(days=days))
    assert cert.read_bytes() != before


def test_a_damaged_one_is_made_anew(tmp_path: Path) -> None:
    _, key = make_certificate(tmp_path, [], NOW)
    key.write_text("junk")
    check_tls(*make_certificate(tmp_path, [], NOW), NOW)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="choose --cert-folder"):
        make_certificate(tmp_path / "file" / "tls", [], NOW)
