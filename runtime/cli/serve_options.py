"""The options of `duplex serve` about the server, and the configuration that they, the environment and a file make.

An option that is not given is None, so that a variable or the file decides. Nothing here depends on sockets.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from configs.base import ConfigError
from configs.layers import build, environment_layer, file_layer, option_layer
from configs.runtime.serve import ServeConfig
from configs.runtime.server import ServerConfig
from runtime.cli.paths import file as file_option
from runtime.cli.token_file import choose_token
from runtime.cli.values import LARGEST_PORT, make_parser, number

MOST_SESSIONS: Final = 4096
_DEFAULTS: Final = ServeConfig()
_FORMATS: Final = ("text", "json")


def format_name(text: str) -> str:
    """Parse the name of a format of the log.

    Raises:
        ConfigError: there is no such format.
    """
    if text not in _FORMATS:
        raise ConfigError(f"must be {' or '.join(_FORMATS)}, not '{text}'")
    return text


@dataclass(frozen=True)
class ServerOptions:
    """Where the server listens, who may use it, and what it keeps."""

    host: Annotated[
        str | None,
        typer.Option(
            help=f"Address to listen on, else {_DEFAULTS.host}; any but this machine's own needs a token.",
        ),
    ] = None
    port: Annotated[
        int | None,
        number(0, LARGEST_PORT, f"Port of the page, else {_DEFAULTS.port}; 0 takes a free one.", whole=True),
    ] = None
    token_file: Annotated[Path | None, file_option("--token-file", help="File with the clients' token.")] = None
    token: Annotated[
        str | None, typer.Option(help="The token itself; lists of processes show it.", envvar="DUPLEX_TOKEN")
    ] = None
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="Name under which browsers reach this server, if not by its address; give several."),
    ] = None
    certfile: Annotated[Path | None, typer.Option(help="TLS certificate (PEM).")] = None
    keyfile: Annotated[Path | None, typer.Option(help="TLS key (PEM).")] = None
    self_signed: Annotated[
        bool | None,
        typer.Option("--self-signed", help="TLS with a certificate made here; browsers warn about it once."),
    ] = None
    cert_folder: Annotated[
        Path | None,
        typer.Option(help=f"Where the certificate of --self-signed is kept, else {_DEFAULTS.cert_folder}."),
    ] = None
    qr: Annotated[
        bool | None,
        typer.Option("--qr/--no-qr", help="Show the address as a QR code in a terminal, which is usual with TLS."),
    ] = None
    sessions: Annotated[
        int | None, number(1, MOST_SESSIONS, "Conversations at once; further ones are refused.", whole=True)
    ] = None
    recordings: Annotated[Path | None, typer.Option(help="Folder for recordings, logs and transcripts.")] = None
    record: Annotated[
        bool | None,
        typer.Option("--record/--no-record", help="Record conversations to disk, which is usual, or keep nothing."),
    ] = None
    log_format: Annotated[
        str | None,
        typer.Option(
            "--log-format", parser=make_parser(format_name), metavar="NAME", help="Format of the log: text or json."
        ),
    ] = None

    def configure(self, file: Path | None, variables: Mapping[str, str]) -> ServerConfig:
        """The configuration: these options win over the environment's variables, which win over the file.

        Raises:
            ConfigError: the file cannot be read, a key does not exist, a value is wrong, or two do not fit together.
        """
        given = {
            "serve.host": ("--host", self.host),
            "serve.port": ("--port", self.port),
            "serve.token": ("--token", choose_token(self.token, self.token_file)),
            "serve.allowed_hosts": ("--allow-host", tuple(self.allow_host) if self.allow_host else None),
            "serve.certfile": ("--certfile", self.certfile),
            "serve.keyfile": ("--keyfile", self.keyfile),
            "serve.self_signed": ("--self-signed", self.self_signed),
            "serve.cert_folder": ("--cert-folder", self.cert_folder),
            "serve.qr": ("--qr", self.qr),
            "serve.log.format": ("--log-format", self.log_format),
            "engine.max_sessions": ("--sessions", self.sessions),
            "recording.folder": ("--recordings", self.recordings),
            "recording.enabled": ("--record", self.record),
        }
        files = [file_layer(file)] if file else []
        return build(ServerConfig, [*files, environment_layer(ServerConfig, variables), option_layer(given)])
