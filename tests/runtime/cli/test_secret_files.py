"""Secrets of STUN and TURN servers from files: they are read at the start and shown nowhere."""

from pathlib import Path
from typing import Any

import pytest

from configs.base import ConfigError
from configs.runtime.ice import IceConfig
from runtime.cli.main import run
from runtime.cli.secret_files import read_secrets


def test_files_take_the_place_of_values(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush\n")
    (tmp_path / "credential").write_text("quiet\n")
    servers = [
        {"urls": ["turn:a.example"]},
        {"urls": ["turn:b.example"], "username": "u", "credential_file": tmp_path / "credential"},
    ]
    ice = read_secrets(IceConfig.model_validate({"servers": servers, "secret_file": tmp_path / "secret"}))
    assert (ice.secret, ice.servers[1].credential) == ("hush", "quiet")
    assert read_secrets(ice) == ice


def test_a_file_without_a_secret_is_named_and_not_quoted(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("hush hush")
    with pytest.raises(ConfigError, match="holds no secret") as caught:
        read_secrets(IceConfig(secret_file=path))
    assert "hush" not in str(caught.value)
    with pytest.raises(ConfigError, match=r"cannot be read .* check serve\.ice\.secret_file"):
        read_secrets(IceConfig(secret_file=tmp_path / "none"))


def test_the_server_starts_with_what_the_files_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    served: list[Any] = []
    monkeypatch.setattr("runtime.cli.serve.serve", lambda *given: served.append(given))
    (tmp_path / "secret").write_text("hush")
    file = tmp_path / "a.yaml"
    ice = f"{{servers: [{{urls: ['turn:a.example']}}], secret_file: {tmp_path / 'secret'}}}"
    file.write_text(f"serve: {{port: 0, ice: {ice}}}\nrecording: {{folder: {tmp_path / 'r'}}}\n")
    assert run(["serve", "--model", "tiny", "--config", str(file)]) == 0
    assert served[0][1].ice.secret == "hush"
    capsys.readouterr()
    assert run(["serve", "--config", str(file), "--print-config"]) == 0
    shown = capsys.readouterr().out
    assert f"secret_file: {tmp_path / 'secret'}" in shown
    assert "hush" not in shown


@pytest.mark.parametrize(
    ("ice", "said"),
    [
        ("{servers: [{urls: ['turn//a.example']}]}", "'turn//a.example' is no address of a STUN or TURN server"),
        ("{servers: [{urls: ['turn:a.example']}]}", "serve.ice.servers.0: a TURN server needs an account"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], ice: str, said: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(f"serve: {{ice: {ice}}}")
    assert run(["serve", "--config", str(file)]) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.count("\n") == 1
