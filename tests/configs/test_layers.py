"""Configurations from several sources: who wins, and whose mistake an error names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from configs.base import ConfigError
from configs.layers import build, environment_layer, file_layer, option_layer
from configs.runtime.server import ServerConfig


def configured(
    tmp_path: Path, text: str = "{}", variables: Mapping[str, str] | None = None, **options: tuple[str, Any]
) -> ServerConfig:
    path = tmp_path / "duplex.yaml"
    path.write_text(text)
    given = {name.replace("__", "."): value for name, value in options.items()}
    layers = [file_layer(path), environment_layer(ServerConfig, variables or {}), option_layer(given)]
    return build(ServerConfig, layers)


def test_the_command_line_wins_over_the_environment_over_the_file_over_the_default(tmp_path: Path) -> None:
    text = "serve: {port: 1, drain_s: 1, keep_closed: 1}"
    variables = {"DUPLEX_SERVE__PORT": "2", "DUPLEX_SERVE__DRAIN_S": "2"}
    config = configured(tmp_path, text, variables, serve__port=("--port", 3), serve__host=("--host", None))
    serve = config.serve
    assert (serve.port, serve.drain_s, serve.keep_closed, serve.host) == (3, 2.0, 1, "127.0.0.1")


def test_every_kind_of_value_fits_a_variable(tmp_path: Path) -> None:
    variables = {
        "DUPLEX_DEADLINE_MS": "150",
        "DUPLEX_ENGINE__MAX_SESSIONS": "5",
        "DUPLEX_RECORDING__ENABLED": "false",
        "DUPLEX_RECORDING__KEEP_DAYS": "null",
        "DUPLEX_RECORDING__FOLDER": "[odd",
        "DUPLEX_SERVE__ALLOWED_HOSTS": "[a.example, b.example]",
        "DUPLEX_SERVE__TOKEN": "12345678901234567890",
        "DUPLEX_SERVE__LOG": "{format: json}",
        "DUPLEX_SERVE__LOG__QUOTES": "yes",
        "DUPLEX_TOKEN": "of another program",
        "DUPLEX_CACHE": "/somewhere",
    }
    config = configured(tmp_path, "recording: {keep_days: 3}", variables)
    assert (config.deadline_ms, config.engine.max_sessions, config.recording.enabled) == (150.0, 5, False)
    assert (config.recording.keep_days, config.recording.folder) == (None, Path("[odd"))
    assert config.serve.allowed_hosts == ("a.example", "b.example")
    assert config.serve.token == "12345678901234567890"
    assert (config.serve.log.format, config.serve.log.quotes) == ("json", True)


@pytest.mark.parametrize(
    ("text", "variables", "said"),
    [
        ("engine: {sessions: 3}", {}, "duplex.yaml: engine.sessions: unknown key; remove it or check its spelling"),
        ("model: mini", {}, "duplex.yaml: model: unknown key; remove it or check its spelling"),
        ("serve: {port: far}", {}, "duplex.yaml: serve.port: Input should be a valid integer"),
        ("serve: {allowed_hosts: [a, 5]}", {}, "duplex.yaml: serve.allowed_hosts: Input should be a valid string"),
        ("serve: 8080", {}, "duplex.yaml: serve: must hold 'key: value' lines"),
        ("serve: 8080", {"DUPLEX_SERVE__PORT": "1"}, "duplex.yaml: serve: must hold 'key: value' lines"),
        ("serve: {port: 1}", {"DUPLEX_SERVE__PORT": "99999"}, "DUPLEX_SERVE__PORT: Input should be less than"),
        ("5: 6", {}, "5: Keys should be strings"),
        ("serve: {5: 6}", {}, "duplex.yaml: serve: Keys should be strings"),
        ("{}", {"DUPLEX_SERVE__PRT": "1"}, "DUPLEX_SERVE__PRT: unknown key; remove it or check its spelling"),
        ("{}", {"DUPLEX_SERVER__PORT": "1"}, "DUPLEX_SERVER__PORT: unknown key; remove it or check its spelling"),
        ("{}", {"DUPLEX_SERVE__LOG": "[1]"}, "DUPLEX_SERVE__LOG: must hold 'key: value' lines"),
        ("{}", {"DUPLEX_SERVE__HOST": "0.0.0.0"}, "--host 0.0.0.0: is not an address of this machine alone"),
    ],
)
def test_a_mistake_is_named_as_its_user_wrote_it(
    tmp_path: Path, text: str, variables: dict[str, str], said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        configured(tmp_path, text, variables)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_option_with_a_wrong_value_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^--sessions: Input should be greater"):
        configured(tmp_path, "engine: {max_sessions: 4}", engine__max_sessions=("--sessions", 0))


def test_what_is_shown_can_be_read_again_and_keeps_the_secret(tmp_path: Path) -> None:
    secret = {"DUPLEX_SERVE__TOKEN": "sixteen-letters-"}
    config = configured(tmp_path, "serve: {host: 0.0.0.0}\nrecording: {keep_days: 2.5}", secret)
    shown = config.to_public_yaml()
    assert "sixteen-letters-" not in shown
    assert shown.startswith("# serve.token is set and not shown; give it in DUPLEX_SERVE__TOKEN\n")
    assert configured(tmp_path, shown, secret) == config
    assert configured(tmp_path, ServerConfig().to_public_yaml()) == ServerConfig()
