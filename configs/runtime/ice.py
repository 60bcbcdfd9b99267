"""STUN and TURN servers: through them a call is made where two networks do not let each other's packets in.

This module handles values; it does not depend on how a server is asked.
"""

import re
from pathlib import Path
from typing import Final

from pydantic import Field, field_validator, model_validator

from configs.base import Config

_URL: Final = re.compile(
    r"(?P<scheme>stun|turns?):(?P<host>[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?:\?transport=(?P<transport>udp|tcp))?"
)
_PORTS: Final = range(1, 65_536)
_WORD: Final = r"^[!-~]+$"
_PLACE: Final = "serve.ice"


class IceServer(Config):
    """A STUN or TURN server (RFC 7064, RFC 7065).

    `urls`: its addresses, for example `stun:HOST`, `turn:HOST:3478?transport=udp`, `turns:HOST:5349`. `username`,
    `credential`: a fixed account of a TURN server; `credential_file`: a file that holds the credential.
    """

    urls: tuple[str, ...] = Field(min_length=1)
    username: str | None = Field(default=None, pattern=_WORD)
    credential: str | None = Field(default=None, pattern=_WORD, repr=False)
    credential_file: Path | None = None

    @field_validator("urls")
    @classmethod
    def _right(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        for url in urls:
            _check_url(url)
        return urls

    @property
    def relays(self) -> bool:
        """Whether it is a TURN server."""
        return any(url.startswith("turn") for url in self.urls)

    @property
    def own_urls(self) -> tuple[str, ...]:
        """The addresses that the server's own connections can use: no IPv6 address in figures, no TLS over UDP."""
        return tuple(
            url for url in self.urls if "[" not in url and not (url.startswith("turns:") and url.endswith("=udp"))
        )


class IceConfig(Config):
    """The servers that pages, other clients and the server's own connections use.

    `credential`: that of all servers with a `username` and no credential of their own; it can come from a variable.
    `secret`, `secret_file`: shared with TURN servers without a `username` (coturn: `static-auth-secret`), which then
    take accounts that hold for `lifetime_s` seconds; each connection gets one of its own.
    `relay_only`: audio always passes a TURN server, so that neither end learns the other's address.
    `pages_only`: the server's own connections do without, because clients reach its addresses.
    `gather_s`: how long, in seconds, an answer waits for the addresses that these servers give.
    """

    servers: tuple[IceServer, ...] = ()
    credential: str | None = Field(default=None, pattern=_WORD, repr=False)
    secret: str | None = Field(default=None, pattern=_WORD, repr=False)
    secret_file: Path | None = None
    lifetime_s: float = Field(default=3600.0, ge=60.0)
    relay_only: bool = False
    pages_only: bool = False
    gather_s: float = Field(default=2.0, gt=0.0, le=10.0)

    @model_validator(mode="after")
    def _complete(self) -> "IceConfig":
        if self.secret and self.secret_file:
            raise ValueError(f"{_PLACE}: has both secret and secret_file; give one of them")
        for place, server in enumerate(self.servers):
            self._check_account(f"{_PLACE}.servers.{place}", server)
        if self.relay_only and not any(url.startswith("turn") for url in self._usable):
            raise ValueError(
                f"{_PLACE}.relay_only: needs a TURN server that both ends can use; add one to {_PLACE}.servers"
            )
        return self

    @property
    def _usable(self) -> list[str]:
        """Addresses that both ends of a connection can use."""
        return [url for server in self.servers for url in (server.urls if self.pages_only else server.own_urls)]

    def _check_account(self, place: str, server: IceServer) -> None:
        if server.credential and server.credential_file:
            raise ValueError(f"{place}: has both credential and credential_file; give one of them")
        own = server.credential or server.credential_file
        if own and not server.username:
            raise ValueError(f"{place}: has a credential without a username; give both")
        if server.username and not (own or self.credential):
            raise ValueError(f"{place}: has a username without a credential; give credential_file, or credential")
        if server.relays and not (server.username or self.secret or self.secret_file):
            raise ValueError(
                f"{place}: a TURN server needs an account; give username and credential_file, or {_PLACE}.secret_file"
            )


def _check_url(url: str) -> None:
    match = _URL.fullmatch(url)
    shown = "what contains '@'" if "@" in url else f"'{url}'"  # it may be a password
    if match is None:
        raise ValueError(
            f"{shown} is no address of a STUN or TURN server; write stun:HOST:PORT, turn:HOST:PORT, "
            "turn:HOST:PORT?transport=tcp or turns:HOST:PORT"
        )
    if match["port"] and int(match["port"]) not in _PORTS:
        raise ValueError(f"{shown} has a port that does not exist; give one of 1 to {_PORTS[-1]}")
    if match["scheme"] == "stun" and match["transport"]:
        raise ValueError(f"{shown} names a transport, which addresses with stun: do not have; leave it out")
