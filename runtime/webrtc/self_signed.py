"""Makes a certificate for the server, so that browsers on other machines may use their microphone.

Browsers warn about it, because nobody else vouches for it. It is kept, so that they do so only once.
"""

import ipaddress
import os
import socket
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from configs.base import ConfigError
from runtime.webrtc.tls import check_tls, read_certificate

NAME = "Duplex (self-signed)"
VALID = timedelta(days=397)
"""Longest validity; some browsers refuse certificates that are valid for longer."""
RENEW = timedelta(days=14)


def make_certificate(folder: Path, addresses: Sequence[str], now: datetime | None = None) -> tuple[Path, Path]:
    """Make a certificate and its key in `folder`, for `addresses` and this machine's names; an existing one is kept.

    It is replaced if it is damaged, expires soon, or lacks an address.

    Args:
        folder: folder of the two files. addresses: IP addresses. now: None for the present time.

    Raises:
        ConfigError: the files cannot be written.
    """
    now = now or datetime.now(UTC)
    certfile, keyfile = folder / "cert.pem", folder / "key.pem"
    wanted = {"localhost", socket.gethostname(), "127.0.0.1", "::1", *addresses}
    if not _serves(certfile, keyfile, wanted, now):
        try:
            _make(certfile, keyfile, wanted, now)
        except OSError as error:
            raise ConfigError(
                f"{folder}: the certificate cannot be kept there ({error.strerror}); choose --cert-folder"
            ) from None
    return certfile, keyfile


def fingerprint(certfile: Path) -> str:
    """SHA-256 of the certificate as browsers show it.

    Raises:
        ConfigError: there is no certificate.
    """
    return read_certificate(certfile).fingerprint(hashes.SHA256()).hex(":").upper()


def _serves(certfile: Path, keyfile: Path, wanted: set[str], now: datetime) -> bool:
    try:
        check_tls(certfile, keyfile, now + RENEW)
        names = read_certificate(certfile).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ConfigError, x509.ExtensionNotFound):
        return False
    return wanted <= {str(name.value) for name in names}


def _make(certfile: Path, keyfile: Path, names: set[str], now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _certificate(key, names, now)
    certfile.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    _write(keyfile, secret, 0o600)
    _write(certfile, certificate.public_bytes(Encoding.PEM), 0o644)


def _certificate(key: ec.EllipticCurvePrivateKey, names: set[str], now: datetime) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + VALID)
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in sorted(names)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write(path: Path, data: bytes, mode: int) -> None:
    """Write next to `path` and rename, so that a full disk leaves no half file; others can never read it meanwhile."""
    beside = path.with_suffix(".new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(data)
    beside.replace(path)
