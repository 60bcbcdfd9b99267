"""`duplex serve` up to the point where clients come: options, addresses, ports."""

import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from configs.base import ConfigError
from configs.runtime.serve import ServeConfig
from runtime.cli.main import run
from runtime.cli.serve import PortInUse, address, app, listen, page_folder


def test_a_taken_port_is_named_before_anything_is_loaded(capsys: pytest.CaptureFixture[str]) -> None:
    with listen("127.0.0.1", 0) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortInUse, match="another program listens there; choose another one with --port"):
            listen("127.0.0.1", port)
        assert run(["serve", "--model", "no such model", "--port", str(port)]) == 1
    error = capsys.readouterr().err
    assert "another program listens there" in error
    assert "Traceback" not in error


def test_an_address_that_is_not_ours_is_named() -> None:
    with pytest.raises(PortInUse, match=r"cannot listen on 203\.0\.113\.7:0"):
        listen("203.0.113.7", 0)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "::", "example.org"])
def test_other_addresses_need_a_token(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve", "--host", host, "--port", "0"]) == 2
    assert "give --token WORD" in capsys.readouterr().err
    assert ServeConfig(host=host, token="word").loopback is False


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_this_machine_needs_none(host: str) -> None:
    assert ServeConfig(host=host).loopback is True


def test_tls_needs_both_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve", "--certfile", str(tmp_path / "a.pem")]) == 2
    assert "TLS needs both files" in capsys.readouterr().err
    with pytest.raises(ConfigError, match="no such file"):
        ServeConfig(certfile=tmp_path / "a.pem", keyfile=tmp_path / "b.pem").check_files()


def test_the_address_carries_scheme_and_token(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert address(ServeConfig(), listener) == f"http://127.0.0.1:{port}"
        pem = tmp_path / "a.pem"
        tls = ServeConfig(host="::1", token="a&b", certfile=pem, keyfile=pem)
        assert address(tls, listener) == f"https://[::1]:{port}/?token=a%26b"


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
    assert "--token" in result.output
