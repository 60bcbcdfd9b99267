"""Refuses requests that a stranger's page sends through a user's browser; keeps answers out of caches and referrers.

A page under a name that its owner lets resolve to this machine (DNS rebinding) is told by the Host header, a page of
another site by the Origin header. This module handles headers; it does not depend on routes, tokens or sessions.
"""

import ipaddress
import re
import socket
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runtime.webrtc.edge import STATUS, error_answer

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_DOTTED: Final = re.compile(r"[.:]")
_NAME: Final = re.compile(r"[a-z0-9_.-]{1,253}")
_UNCACHED: Final = ("/api/", "/metrics")


def own_names(host: str, allowed: Collection[str]) -> frozenset[str]:
    """Names under which a server on `host` may be asked for: the host, those of this machine, and `allowed`.

    Addresses in figures and names without a dot, which no stranger can register, are its own in any case.
    """
    machine = socket.gethostname().lower()
    return frozenset({host.lower(), machine, f"{machine}.local", *(name.lower() for name in allowed)})


class OwnRequests:
    """ASGI middleware: answers 421 to a foreign Host and 403 to a foreign Origin."""

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        """`names`: as from `own_names`."""
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host, origin = _split(f"{scope.get('scheme', 'http')}://{headers.get('host', '')}"), headers.get("origin")
        if host is None or not self._is_own(host[0]):
            await error_answer("bad_host", _not_known_as(host), STATUS["bad_host"])(scope, receive, send)
        elif origin is not None and _split(origin) != host:
            text = "a page of another site sent this; open this server's own page"
            await error_answer("bad_origin", text, STATUS["bad_origin"])(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _is_own(self, name: str) -> bool:
        if name in self._names or not _DOTTED.search(name):
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


class PrivateAnswers:
    """ASGI middleware: no answer is interpreted as another type or leaves its address behind; the API's are not
    stored."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and add headers to its answer."""

        async def add_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Referrer-Policy"] = "no-referrer"
                headers["X-Content-Type-Options"] = "nosniff"
                if scope["path"].startswith(_UNCACHED):
                    headers["Cache-Control"] = "no-store"
            await send(message)

        await self._app(scope, receive, add_headers if scope["type"] == "http" else send)


def _split(url: str) -> tuple[str, int | None] | None:
    """Name and port of an address, in lower case; None if it has none ("null")."""
    try:
        parts = urlsplit(url)
        name, port = parts.hostname, parts.port
    except ValueError:
        return None
    return (name.lower(), port or _DEFAULT_PORTS.get(parts.scheme)) if name else None


def _not_known_as(host: tuple[str, int | None] | None) -> str:
    if host is None or not _NAME.fullmatch(host[0]):
        return "the request names no host; open the page by its address, for example http://127.0.0.1:8080"
    return f"this server is not known as {host[0]}; open it by its address, or start it with --allow-host {host[0]}"
