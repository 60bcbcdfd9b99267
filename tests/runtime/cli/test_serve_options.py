"""The configuration of `duplex serve`: command line over environment over file over default, and how it is shown."""

import logging
import os
from pathlib import Path
from typing import Any

import pytest

from configs.runtime.server import ServerConfig
from runtime.cli.main import run
from runtime.cli.serve_options import ServerOptions


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("DUPLEX_")]:
        monkeypatch.delenv(name)


def write(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


def test_nothing_given_is_the_default() -> None:
    assert ServerOptions().configure(None, {}) == ServerConfig()


def test_every_option_of_the_server_reaches_its_key(tmp_path: Path) -> None:
    options = ServerOptions(
        host="::1", port=9, token="t", allow_host=["a.example"], certfile=tmp_path / "c", keyfile=tmp_path / "k",
        cert_folder=tmp_path, sessions=3, recordings=tmp_path / "r", record=False, log_format="json",
    )  # fmt: skip
    config = options.configure(None, {})
    serve = config.serve
    assert (serve.host, serve.port, serve.token, serve.allowed_hosts) == ("::1", 9, "t", ("a.example",))
    assert (serve.certfile, serve.keyfile, serve.cert_folder) == (tmp_path / "c", tmp_path / "k", tmp_path)
    assert (config.engine.max_sessions, config.recording.folder) == (3, tmp_path / "r")
    assert (config.recording.enabled, serve.log.format) == (False, "json")
    assert ServerOptions(self_signed=True).configure(None, {}).serve.self_signed


@pytest.mark.parametrize(
    ("arguments", "variable", "text", "enabled"),
    [
        ([], None, "{}", True),
        ([], None, "recording: {enabled: false}", False),
        ([], "true", "recording: {enabled: false}", True),
        (["--no-record"], "true", "{}", False),
        (["--record"], "false", "recording: {enabled: false}", True),
    ],
)
def test_the_effective_configuration_is_shown(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    variable: str | None,
    text: str,
    enabled: bool,
) -> None:
    if variable is not None:
        monkeypatch.setenv("DUPLEX_RECORDING__ENABLED", variable)
    file = write(tmp_path / "a.yaml", text)
    assert run(["serve", "--print-config", "--config", file, *arguments]) == 0
    shown = capsys.readouterr().out
    monkeypatch.delenv("DUPLEX_RECORDING__ENABLED", raising=False)
    again = write(tmp_path / "b.yaml", shown)
    assert run(["serve", "--print-config", "--config", again]) == 0
    assert capsys.readouterr().out == shown
    assert ServerConfig.from_yaml(Path(again)).recording.enabled is enabled


def test_a_printed_configuration_keeps_the_token_and_needs_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DUPLEX_TOKEN", "sixteen-letters-")
    assert run(["serve", "--print-config", "--host", "0.0.0.0"]) == 0
    shown = capsys.readouterr().out
    assert "sixteen" not in shown
    file = write(tmp_path / "a.yaml", shown)
    assert run(["serve", "--print-config", "--config", file]) == 0
    assert capsys.readouterr().out == shown
    monkeypatch.delenv("DUPLEX_TOKEN")
    assert run(["serve", "--print-config", "--config", file]) == 2
    assert capsys.readouterr().err.startswith("error: --host 0.0.0.0: is not an address of this machine alone")


@pytest.mark.parametrize(
    ("text", "variable", "arguments", "said"),
    [
        ("serve: {prot: 1}", {}, [], "a.yaml: serve.prot: unknown key; remove it or check its spelling"),
        ("{}", {"DUPLEX_SERVE__PROT": "1"}, [], "DUPLEX_SERVE__PROT: unknown key; remove it or check its spelling"),
        ("{}", {"DUPLEX_ENGINE__THREADS": "0"}, [], "DUPLEX_ENGINE__THREADS: Input should be greater than"),
        ("{}", {}, ["--log-format", "xml"], "--log-format: must be text or json, not 'xml'"),
    ],
)
def test_a_mistake_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    text: str,
    variable: dict[str, str],
    arguments: list[str],
    said: str,
) -> None:
    for name, value in variable.items():
        monkeypatch.setenv(name, value)
    assert run(["serve", "--config", write(tmp_path / "a.yaml", text), *arguments]) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_the_server_runs_with_what_was_configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[Any] = []
    monkeypatch.setattr("runtime.cli.serve.serve", lambda *given: served.append(given))
    monkeypatch.setenv("DUPLEX_SERVE__PORT", "0")
    monkeypatch.setenv("DUPLEX_SERVE__DRAIN_S", "7")
    file = write(tmp_path / "a.yaml", f"recording: {{folder: {tmp_path / 'r'}, keep_days: 3}}\nserve: {{port: 5}}")
    assert run(["serve", "--model", "tiny", "--sessions", "4", "--config", file]) == 0
    ((model, network, runtime, *_),) = served
    assert (model, network.port, network.drain_s) == ("tiny", 0, 7.0)
    assert (runtime.engine.max_sessions, runtime.recording.keep_days) == (4, 3.0)
    assert logging.getLogger("runtime").level == logging.INFO
