"""TLS files: faults are reported in one line, before a model is loaded."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from configs.base import ConfigError
from runtime.cli.main import run
from runtime.webrtc.tls import check_tls
from tests.runtime.webrtc.certificates import NOW, as_der, lock, pair

Spoil = Callable[[Path, Path], None]


def junk(path: Path) -> None:
    path.write_bytes(b"\x00hello")


def swap(cert: Path, key: Path) -> None:
    texts = cert.read_bytes(), key.read_bytes()
    key.write_bytes(texts[0])
    cert.write_bytes(texts[1])


def key_of_another(cert: Path, key: Path) -> None:
    key.write_bytes(pair(cert.parent / "other")[1].read_bytes())


def certificate_twice(cert: Path, key: Path) -> None:
    key.write_bytes(cert.read_bytes())


def empty(cert: Path, key: Path) -> None:
    cert.write_bytes(b"")


def folder_instead(cert: Path, key: Path) -> None:
    cert.unlink()
    cert.mkdir()


SPOILT: dict[str, tuple[Spoil, str, str]] = {
    "another key": (key_of_another, "key.pem", "is not the key of"),
    "DER": (as_der, "cert.pem", "is DER and not PEM; convert it with 'openssl x509"),
    "junk certificate": (lambda cert, key: junk(cert), "cert.pem", "holds no PEM certificate"),
    "junk key": (lambda cert, key: junk(key), "key.pem", "holds no PEM private key"),
    "swapped": (swap, "cert.pem", "holds a key and no certificate"),
    "certificate twice": (certificate_twice, "key.pem", "holds a certificate and no key"),
    "passphrase": (lambda cert, key: lock(key), "key.pem", "unlock it with 'openssl pkey"),
    "missing": (lambda cert, key: key.unlink(), "key.pem", "no such file; check --keyfile"),
    "a folder": (folder_instead, "cert.pem", "cannot be read (Is a directory)"),
    "empty": (empty, "cert.pem", "holds no PEM certificate"),
}


def test_a_matching_pair_passes(tmp_path: Path) -> None:
    check_tls(*pair(tmp_path), NOW)


@pytest.mark.parametrize("name", SPOILT)
def test_what_is_wrong_is_named(tmp_path: Path, name: str) -> None:
    spoil, file, text = SPOILT[name]
    cert, key = pair(tmp_path)
    spoil(cert, key)
    with pytest.raises(ConfigError) as caught:
        check_tls(cert, key, NOW)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / file}: ")
    assert text in message
    assert "\n" not in message


@pytest.mark.parametrize(("days", "text"), [(500, "expired on 2028-01-01"), (-2, "is valid from 2026-11-29 on")])
def test_dates_are_looked_at(tmp_path: Path, days: int, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        check_tls(*pair(tmp_path), NOW + timedelta(days=days))


def test_serve_says_it_before_the_model_is_loaded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cert, key = pair(tmp_path)
    junk(key)
    files = ["--certfile", str(cert), "--keyfile", str(key), "--recordings", str(tmp_path / "kept")]
    assert run(["serve", "--model", "no such model", "--port", "0", *files]) == 2
    captured = capsys.readouterr()
    assert "holds no PEM private key" in captured.err
    assert "Loading" not in captured.out
