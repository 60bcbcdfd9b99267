"""`duplex serve` up to the point where clients come: options, addresses, ports."""

import errno
import os
import socket
import tempfile
from io import StringIO
from pathlib import Path

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from configs.base import ConfigError
from configs.runtime.runtime import RecordingConfig, RuntimeConfig
from configs.runtime.serve import ServeConfig
from runtime.cli import serve
from runtime.cli.main import run
from runtime.cli.serve import PortInUse, address, app, hints, listen, page_folder, prepare
from runtime.errors import DiskFull

NOTHING_KEPT = RuntimeConfig(recording=RecordingConfig(enabled=False))


def test_a_taken_port_is_named_before_anything_is_loaded(capsys: pytest.CaptureFixture[str]) -> None:
    with listen("127.0.0.1", 0) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortInUse, match="another program listens there; choose another one with --port"):
            listen("127.0.0.1", port)
        assert run(["serve", "--model", "no such model", "--port", str(port)]) == 1
    error = capsys.readouterr().err
    assert "another program listens there" in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("203.0.113.7", "the address is not one of this machine; choose another one with --host"),
        (
            "not-an-address.invalid",
            "there is no such address; give one of this machine with --host, for example 127.0.",
        ),
        ("x" * 70, "there is no such address; give one of this machine with --host, for example 127.0.0.1"),
    ],
)
def test_an_address_that_is_not_ours_is_named(host: str, why: str) -> None:
    with pytest.raises(PortInUse) as caught:
        listen(host, 0)
    assert str(caught.value).startswith(f"cannot listen on {host}:0: {why}")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "::", "example.org"])
def test_other_addresses_need_a_token(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve", "--host", host, "--port", "0"]) == 2
    line = f"error: --host {host}: is not an address of this machine alone; give --token-file too, or leave it out\n"
    assert capsys.readouterr().err == line
    assert ServeConfig(host=host, token="sixteen-letters-").loopback is False


def test_a_token_that_can_be_guessed_is_refused_where_others_can_connect(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve", "--host", "0.0.0.0", "--port", "0", "--token", "abc"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: --token: has 3 characters, which can be guessed")
    assert ServeConfig(host="0.0.0.0", token=error.split()[-1]).loopback is False
    assert ServeConfig(token="abc").token == "abc"


def test_a_wrong_token_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve", "--token", "two words"]) == 2
    assert capsys.readouterr().err.startswith("error: --token: ")


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("output", "told"), [(Terminal(), True), (StringIO(), False)])
def test_only_a_terminal_is_told_the_token(monkeypatch: pytest.MonkeyPatch, output: StringIO, told: bool) -> None:
    config = ServeConfig(host="0.0.0.0", token="sixteen-letters-")
    monkeypatch.setattr("sys.stdout", output)
    monkeypatch.setattr(serve, "interface_addresses", lambda: ["192.0.2.7"])
    serve._tell("http://127.0.0.1:8080/#token=sixteen-letters-", config)
    assert "open http://127.0.0.1:8080/" in output.getvalue()
    assert "From other machines: http://192.0.2.7:8080" in output.getvalue()
    assert ("sixteen-letters-" in output.getvalue()) is told


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_this_machine_needs_none(host: str) -> None:
    assert ServeConfig(host=host).loopback is True


def test_tls_needs_both_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve", "--certfile", str(tmp_path / "a.pem")]) == 2
    assert "TLS needs both files" in capsys.readouterr().err
    with pytest.raises(ConfigError, match="no such file; check --certfile"):
        prepare(ServeConfig(certfile=tmp_path / "a.pem", keyfile=tmp_path / "b.pem"), NOTHING_KEPT)


def test_self_signed_makes_a_certificate_and_excludes_others(tmp_path: Path) -> None:
    config = prepare(ServeConfig(self_signed=True, cert_folder=tmp_path / "tls"), NOTHING_KEPT)
    assert config.certfile == tmp_path / "tls" / "cert.pem"
    assert prepare(config, NOTHING_KEPT) == config
    with pytest.raises(ValidationError, match="makes a certificate of its own"):
        ServeConfig(self_signed=True, certfile=tmp_path / "a.pem", keyfile=tmp_path / "b.pem")


def test_others_are_told_where_and_how_they_get_a_microphone(tmp_path: Path) -> None:
    config = ServeConfig(host="0.0.0.0", token="sixteen-letters-")
    where, why = hints("http://127.0.0.1:8080/#token=sixteen-letters-", config, ["127.0.0.1", "192.0.2.7"])
    assert where == "From other machines: http://192.0.2.7:8080/#token=sixteen-letters-"
    assert "only on localhost or over TLS" in why
    assert "--self-signed" in why
    tls = prepare(config.model_copy(update={"self_signed": True, "cert_folder": tmp_path}), NOTHING_KEPT)
    where, warning = hints("https://127.0.0.1:8080/#token=sixteen-letters-", tls, ["192.0.2.7"])
    assert where == "From other machines: https://192.0.2.7:8080/#token=sixteen-letters-"
    assert "fingerprint" in warning
    assert hints("http://127.0.0.1:8080", ServeConfig(), ["192.0.2.7"]) == []


def test_every_address_listens_on_both_protocols() -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    with listen("::", 0) as listener:
        assert listener.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == 0


def test_small_answers_are_sent_at_once() -> None:
    """asyncio sets TCP_NODELAY only where the socket's protocol is named."""
    with listen("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP


def recordings(folder: Path) -> RuntimeConfig:
    return RuntimeConfig(recording=RecordingConfig(folder=folder))


def test_a_recordings_folder_that_is_a_file_is_refused_at_the_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("kept")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        assert run(["serve", "--model", "no such model", "--port", "0", "--recordings", str(place)]) == 2
        captured = capsys.readouterr()
        assert f"error: {place}" in captured.err
        assert "with --recordings" in captured.err
        assert "Loading" not in captured.out
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.parametrize(
    ("number", "error", "text"),
    [
        (errno.EACCES, ConfigError, "recordings cannot be kept there"),
        (errno.EROFS, ConfigError, "choose another folder with --recordings, or --no-record"),
        (errno.ENOSPC, DiskFull, "the disk is full"),
    ],
)
def test_a_folder_that_takes_nothing_is_refused_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, error: type[Exception], text: str
) -> None:
    def refuse(**_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(error, match=text):
        prepare(ServeConfig(), recordings(tmp_path))
    prepare(ServeConfig(), NOTHING_KEPT)


def test_a_disk_without_room_is_refused_at_the_start(tmp_path: Path) -> None:
    crowded = RuntimeConfig(recording=RecordingConfig(folder=tmp_path, min_free_mb=1e9))
    with pytest.raises(DiskFull, match="free some space, or serve with --no-record"):
        prepare(ServeConfig(), crowded)
    assert list(tmp_path.iterdir()) == []


def test_the_address_carries_scheme_and_token(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert address(ServeConfig(), listener) == f"http://127.0.0.1:{port}"
        pem = tmp_path / "a.pem"
        tls = ServeConfig(host="::1", token="a&b", certfile=pem, keyfile=pem)
        assert address(tls, listener) == f"https://[::1]:{port}/#token=a%26b"
        every = ServeConfig(host="0.0.0.0", token="sixteen-letters-")
        assert address(every, listener) == f"http://127.0.0.1:{port}/#token=sixteen-letters-"


def test_the_page_is_in_the_package_and_asks_nobody_else() -> None:
    files = {path.name: path.read_text(encoding="utf-8") for path in page_folder().iterdir()}
    assert {"index.html", "style.css", "main.js"} <= set(files)
    svg = "http://www.w3.org/2000/svg"
    assert not [
        name for name, text in files.items() if "//" in text.replace(svg, "") and "http" in text.split("//")[0][-6:]
    ]


def test_help_names_the_options() -> None:
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    assert "--token-file" in result.output
