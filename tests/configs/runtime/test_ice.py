"""STUN and TURN servers: right addresses pass, wrong ones and incomplete accounts are one line without the secret."""

from typing import Any

import pytest

from configs.base import ConfigError
from configs.layers import build as build_layers
from configs.layers import environment_layer
from configs.runtime.ice import IceConfig
from configs.runtime.server import ServerConfig

TURN = {"urls": ["turn:a.example"], "username": "u", "credential": "hush-hush"}


def build(**ice: Any) -> IceConfig:
    return ServerConfig.from_mapping({"serve": {"ice": ice}}, "test").serve.ice


@pytest.mark.parametrize(
    "url",
    [
        "stun:a.example", "stun:192.0.2.7:3478", "stun:[2001:db8::7]:3478", "turn:a.example", "turn:a.example:3478",
        "turn:a.example:443?transport=tcp", "turn:a.example?transport=udp", "turns:a.example:5349?transport=tcp",
    ],
)  # fmt: skip
def test_addresses_as_browsers_take_them(url: str) -> None:
    assert build(servers=[TURN | {"urls": [url]}]).servers[0].urls == (url,)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("a.example", "'a.example' is no address of a STUN or TURN server; write stun:HOST:PORT"),
        ("stun://a.example", "is no address"),
        ("http:a.example", "is no address"),
        ("turn:", "is no address"),
        ("turn:a.example:port", "is no address"),
        ("turn:2001:db8::7", "is no address"),
        ("turn:a.example?transport=sctp", "is no address"),
        ("turn:u:hush-hush@a.example", "what contains '@' is no address"),
        ("turn:a.example:0", "has a port that does not exist"),
        ("turn:a.example:70000", "has a port that does not exist"),
        ("stun:a.example?transport=udp", "names a transport"),
    ],
)
def test_a_wrong_address_is_one_line(url: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build(servers=[TURN | {"urls": [url]}])
    message = str(caught.value)
    assert message.startswith("test: 'serve.ice.servers.0.urls' is wrong: ")
    assert said in message
    assert "\n" not in message
    assert "hush" not in message


@pytest.mark.parametrize(
    ("ice", "said"),
    [
        ({"servers": [{"urls": ["turn:a.example"]}]}, "serve.ice.servers.0: a TURN server needs an account"),
        ({"servers": [TURN | {"credential": None}]}, "has a username without a credential"),
        ({"servers": [TURN | {"username": None}]}, "has a credential without a username"),
        ({"servers": [TURN | {"credential_file": "f"}]}, "has both credential and credential_file"),
        ({"secret": "hush-hush", "secret_file": "f"}, "has both secret and secret_file"),
        ({"servers": [{"urls": ["stun:a.example"]}], "relay_only": True}, "relay_only: needs a TURN server"),
        ({"servers": [TURN | {"urls": ["turn:[::1]"]}], "relay_only": True}, "relay_only: needs a TURN server"),
        ({"servers": [TURN | {"urls": []}]}, "serve.ice.servers.0.urls"),
        ({"secret": "hush hush"}, "serve.ice.secret"),
    ],
)
def test_what_is_incomplete_is_one_line(ice: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build(**ice)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "hush" not in str(caught.value)


def test_the_own_connections_leave_out_what_they_cannot_use() -> None:
    urls = ["turn:[::1]", "turns:a.example?transport=udp", "turns:a.example", "turn:a.example?transport=udp"]
    assert build(servers=[TURN | {"urls": urls}]).servers[0].own_urls == tuple(urls[2:])


def test_secrets_come_from_variables_and_are_not_shown() -> None:
    variables = {
        "DUPLEX_SERVE__ICE__SERVERS": "[{urls: [turn:a.example], username: u}, {urls: [turn:b.example]}]",
        "DUPLEX_SERVE__ICE__CREDENTIAL": "hush-hush",
        "DUPLEX_SERVE__ICE__SECRET": "0123456789",
    }
    config = build_layers(ServerConfig, [environment_layer(ServerConfig, variables)])
    assert (config.serve.ice.credential, config.serve.ice.secret) == ("hush-hush", "0123456789")
    shown = config.to_public_yaml()
    assert "hush" not in shown + repr(config)
    assert "0123456789" not in shown + repr(config)
    assert "# serve.ice.secret is set and not shown; give it in DUPLEX_SERVE__ICE__SECRET\n" in shown


def test_a_printed_configuration_names_the_hidden_credential_of_a_server() -> None:
    config = ServerConfig.model_validate({"serve": {"ice": {"servers": [TURN, TURN | {"credential": "hush-too"}]}}})
    shown = config.to_public_yaml()
    assert "hush" not in shown + repr(config)
    note = "# serve.ice.servers.credential is set and not shown; write it into a file and give credential_file\n"
    assert shown.startswith(note)
    assert config.serve.ice.servers[1].credential == "hush-too"
