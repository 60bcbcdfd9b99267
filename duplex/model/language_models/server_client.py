"""The `openai` client, set up so that nothing surprises: one try, no more headers than needed, no key in an error.

Knows HTTP and the environment; knows nothing of answers.
"""

import ipaddress
import logging
import os
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Protocol
from urllib.parse import SplitResult, urlsplit

from duplex.model.language_models.connection import Connection
from duplex.model.language_models.interface import LlmError
from duplex.model.language_models.server_errors import NotModelsError

_NO_KEY: Final = "none"
"""Sent where there is no key: local servers need none, but the client wants one."""
_CONNECT_S: Final = 10.0
"""How long the connection may take, and TLS again."""
_LIST_S: Final = 5.0
"""How long a server may be silent when it is asked for its models."""
_HEADERS: Final = frozenset(
    {"host", "accept", "accept-encoding", "content-type", "content-length", "user-agent", "authorization"}
)
_TELLING_LOGGERS: Final = ("openai", "httpcore", "httpcore2")
"""When they debug, they write what was said, and headers of responses, where a server may repeat the key."""
_OPENAI_HEADERS: Final = frozenset({"openai-organization", "openai-project"})


class ReceivedResponse(Protocol):
    """A response whose body is read as it comes."""

    @property
    def headers(self) -> Any:
        """By name, in any case."""
        ...

    def iter_bytes(self) -> Iterator[bytes]:
        """The body as it comes."""
        ...


class ServerClient:
    """Requests to one server. Safe to call from several threads; each request can be broken from any thread."""

    def __init__(self, address: str, key: str) -> None:
        """`key`: "" where there is none.

        Raises:
            LlmError: a proxy that the environment names cannot be used.
        """
        import openai  # takes long, and other language models do not need it

        for name in _TELLING_LOGGERS:
            logging.getLogger(name).setLevel(logging.INFO)
        self._address = urlsplit(address)
        self._of_thread = threading.local()
        self._timeout = openai.Timeout(None, connect=_CONNECT_S)
        self._openai = openai.OpenAI(
            api_key=key or _NO_KEY,
            base_url=address,
            max_retries=0,
            default_headers={"Authorization": f"Bearer {key or _NO_KEY}"},
            http_client=self._open_http(openai.DefaultHttpxClient),
        )
        self._create: Callable[..., Any] = self._openai.chat.completions.create

    @contextmanager
    def ask(self, body: dict[str, Any], connection: Connection) -> Iterator[ReceivedResponse]:
        """Ask for a chat completion and wait for the begin of the response, without limit.

        Raises:
            openai.APIError: the server refuses, or there is no connection.
        """
        self._of_thread.connection = connection
        with self._create(**body, stream=True, timeout=self._timeout) as stream:
            yield stream.response  # the bytes: the client's own parser hides how a stream ended, and what was wrong

    def list_models(self, connection: Connection) -> list[str]:
        """Names of the models that the server has.

        Raises:
            openai.APIError: the server refuses, or there is no connection.
            NotModelsError: it sends something else.
        """
        self._of_thread.connection = connection
        told = self._openai.get("/models", cast_to=object, options={"timeout": _LIST_S})
        models = told.get("data") if isinstance(told, dict) else None
        if not isinstance(models, list):
            raise NotModelsError
        return [model["id"] for model in models if isinstance(model, dict) and isinstance(model.get("id"), str)]

    def close(self) -> None:
        """End the connections."""
        self._openai.close()

    def _open_http(self, http_client: Any) -> Any:
        options: dict[str, Any] = {"follow_redirects": False, "event_hooks": {"request": [self._prepare]}}
        if _is_near(self._address.hostname or ""):  # a proxy of the environment is for the way to the outside
            options |= {"trust_env": False, "verify": ssl.create_default_context()}
        try:
            return http_client(**options)
        except (ImportError, ValueError, TypeError) as error:
            raise LlmError(
                "The proxy in HTTP_PROXY, HTTPS_PROXY or ALL_PROXY cannot be used. Correct it, or name "
                f"{self._address.hostname} in NO_PROXY."
            ) from error

    def _prepare(self, request: Any) -> None:
        """Before a request: the server learns no more than it needs, and the request's connection can be broken.

        A connection serves one request only: an idle one may have ended without notice, and nothing is retried.
        """
        needed = _HEADERS
        if (self._address.hostname or "").endswith("openai.com"):
            needed |= _OPENAI_HEADERS
        for name in list(request.headers):
            if name.lower() not in needed:
                del request.headers[name]
        request.headers["Connection"] = "close"
        request.extensions["trace"] = self._of_thread.connection.trace


def parse_address(source: str, key_variable: str) -> str:
    """The address of a server as it is used and shown.

    Raises:
        LlmError: it is none, or holds what may be a key.
    """
    try:
        parts = urlsplit(source.strip())
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # the port
        parts, is_good = SplitResult("", "", "", "", ""), False
    if parts.username or parts.password or parts.query or parts.fragment:
        raise LlmError(
            "The address of the language model server holds more than host, port and path. "
            f"Leave the rest out; a key belongs in the environment variable {key_variable}."
        )
    if not is_good:
        raise LlmError(f"{source!r} is not the address of a server. Write it like http://127.0.0.1:11434/v1.")
    return parts.geturl().rstrip("/")


def read_key(variable: str) -> str:
    """The key in the environment; "" where there is none.

    Raises:
        LlmError: it holds characters that no key has; the message does not show it.
    """
    key = os.environ.get(variable, "").strip()
    if not all("!" <= char <= "~" for char in key):
        raise LlmError(f"The key in {variable} holds a space or a character that no key has. Set it again.")
    return key


def _is_near(host: str) -> bool:
    """Whether a host is this machine or stands in the same network."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".local", ".localhost", ".internal"))
