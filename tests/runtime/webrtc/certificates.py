"""TLS files for tests: a matching pair, and everything that can be wrong with one."""

from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from runtime.webrtc.self_signed import make_certificate

NOW = datetime(2026, 11, 30, tzinfo=UTC)


def pair(folder: Path, now: datetime = NOW) -> tuple[Path, Path]:
    """A certificate and its key."""
    return make_certificate(folder, ["192.0.2.7"], now)


def as_der(cert: Path, key: Path) -> None:
    """Both files as DER in place."""
    cert.write_bytes(x509.load_pem_x509_certificate(cert.read_bytes()).public_bytes(Encoding.DER))
    loaded = load_pem_private_key(key.read_bytes(), None)
    key.write_bytes(loaded.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))


def lock(key: Path) -> None:
    """Give the key a passphrase in place."""
    loaded = load_pem_private_key(key.read_bytes(), None)
    key.write_bytes(loaded.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"word")))
