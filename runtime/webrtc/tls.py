"""Checks the server's TLS files before anything heavy is loaded."""

import ssl
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from configs.base import ConfigError

_DAY = "%Y-%m-%d"


def check_tls(certfile: Path, keyfile: Path, now: datetime | None = None) -> None:
    """Check that the two files can be used for TLS at `now` (None: the present time).

    Raises:
        ConfigError: a file is missing or unreadable, is not PEM, is locked or out of date, or the files do not belong
            together; the message names the file and says how to fix it.
    """
    certificate = read_certificate(certfile)
    key = read_key(keyfile)
    _check_dates(certfile, certificate, now or datetime.now(UTC))
    if _spki(certificate.public_key()) != _spki(key.public_key()):
        raise ConfigError(
            f"{keyfile}: is not the key of {certfile}; give the two files that were made together (the server's own "
            "certificate has to come first in its file)"
        )
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certfile, keyfile)
    except (ssl.SSLError, OSError) as error:
        raise ConfigError(f"{certfile}: cannot be used for TLS ({error}); make a new certificate and key") from None


def read_certificate(path: Path) -> x509.Certificate:
    """Read the first certificate of a PEM file.

    Raises:
        ConfigError: it cannot be read, or is something else.
    """
    data = _read(path, "--certfile")
    try:
        return x509.load_pem_x509_certificates(data)[0]
    except ValueError:
        raise ConfigError(f"{path}: {_why_no_certificate(path, data)}") from None


def read_key(path: Path) -> PrivateKeyTypes:
    """Read the private key of a PEM file.

    Raises:
        ConfigError: it cannot be read, needs a passphrase, or is something else.
    """
    data = _read(path, "--keyfile")
    try:
        return load_pem_private_key(data, password=None)
    except TypeError:
        raise ConfigError(
            f"{path}: the key is locked with a passphrase; unlock it with 'openssl pkey -in {path} -out unlocked.pem'"
        ) from None
    except ValueError:
        raise ConfigError(f"{path}: {_why_no_key(path, data)}") from None


def _read(path: Path, option: str) -> bytes:
    if not path.exists():
        raise ConfigError(f"{path}: no such file; check {option}")
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); check {option} and its permissions") from None


def _why_no_certificate(path: Path, data: bytes) -> str:
    if b"PRIVATE KEY-----" in data:
        return "holds a key and no certificate; give the certificate with --certfile and the key with --keyfile"
    if _is_der(data):
        return f"is DER and not PEM; convert it with 'openssl x509 -inform der -in {path} -out cert.pem'"
    return "holds no PEM certificate (-----BEGIN CERTIFICATE-----); give the certificate's file with --certfile"


def _why_no_key(path: Path, data: bytes) -> str:
    if b"-----BEGIN CERTIFICATE-----" in data:
        return "holds a certificate and no key; give the key with --keyfile and the certificate with --certfile"
    if _is_der(data):
        return f"is DER and not PEM; convert it with 'openssl pkey -inform der -in {path} -out key.pem'"
    return "holds no PEM private key (-----BEGIN PRIVATE KEY-----); give the key's file with --keyfile"


def _is_der(data: bytes) -> bool:
    """Whether the data begins like an ASN.1 sequence with a long length."""
    return data[:1] == b"\x30" and data[1:2] in (b"\x81", b"\x82", b"\x83")


def _check_dates(path: Path, certificate: x509.Certificate, now: datetime) -> None:
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now > end:
        raise ConfigError(f"{path}: the certificate expired on {end:{_DAY}}; renew it, or use --self-signed")
    if now < begin:
        raise ConfigError(f"{path}: the certificate is valid from {begin:{_DAY}} on; check this machine's clock")


def _spki(key: object) -> bytes:
    data: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]
    return data
