"""What went wrong with a server of language models, in one line: what, why, and how to fix it.

Knows the exceptions of the `openai` client by their kind, and those of sockets and TLS that caused them;
asks no server.
"""

import json
import re
import socket
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from duplex.model.language_models.chat_completions import BadChunkError, ReportedError, reported_message
from duplex.model.language_models.connection import Patience
from duplex.model.language_models.server_sent_events import NotEventsError

_LONGEST: Final = 200
_SHORT: Final = 60
_LINE: Final = 800
_SECRET: Final = 8
"""Characters of a key from which on it is one."""
_CONTEXT: Final = re.compile(
    r"context.?(length|window|size|limit)|maximum (context|prompt|input)|(prompt|input|messages?) (is|are) too long"
    r"|too many (input )?tokens|exceeds? .*(tokens|context)",
    re.IGNORECASE,
)


_TOOLS: Final = re.compile(
    r"\btools?\b.*\bsupport|support.*\btools?\b|tool.?(choice|call)|function.?call|\btools param",
    re.IGNORECASE | re.DOTALL,
)
_BREAK: Final = re.compile("Protocol|ReadError|WriteError")
"""In the names of httpx's exceptions, which depend on the version of the client."""


class NotModelsError(Exception):
    """What the server sent is no list of models."""


class CutOffError(Exception):
    """The connection ended before the answer did."""


class NoTextError(Exception):
    """The answer ended without a word that could be spoken, for the reason that the message gives."""


class WhichModelError(Exception):
    """No model was chosen, and the server has none or several."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self.names = names


class NotAStreamError(Exception):
    """The server answers with something else than a stream; the message says with what."""


@dataclass(frozen=True)
class Server:
    """What error lines tell of a server.

    Attributes:
        address: without a key.
        model: as it was asked for, "" where the server chooses.
        key_variable: environment variable for the key.
        key: what must not be told to anybody; "" where there is none.
    """

    address: str
    model: str
    key_variable: str
    key: str = field(default="", repr=False)

    def explain(
        self, error: BaseException, patience: Patience, names: Sequence[str] | None = None, has_tools: bool = False
    ) -> str:
        """The line for a request that failed.

        Args:
            error: why.
            patience: tells how far the answer was.
            names: models that the server has, after it answered 404; None where it does not tell.
            has_tools: functions were offered to the model.
        """
        status = getattr(error, "status_code", None)
        if has_tools and self._refuses_tools(error, status):
            line = self._explain_tools(error)
        elif isinstance(status, int):
            line = self._explain_status(status, error, names)
        else:
            line = self._explain_stream(error, patience) or self._explain_network(error, patience)
        return _one_line(self._hide_key(line) if len(self.key) >= _SECRET else line, _LINE)

    def explain_silence(self, patience: Patience, first_s: float, next_s: float) -> str:
        """The line for a server that took longer than it may."""
        if patience.has_text:
            return (
                f"The language model at {self.address} stalled in the middle of its answer: nothing came for "
                f"{next_s:g} s. Look at the server's load, or raise next_text_s."
            )
        if patience.thinks:
            return (
                f"The language model at {self.address} has thought for {first_s:g} s without an answer. "
                "Turn its thinking off, take a model that does not think, or raise first_text_s."
            )
        return (
            f"The language model at {self.address} has sent no text for {first_s:g} s. "
            "It may be loading or busy: try again, take a smaller model, or raise first_text_s."
        )

    def clean(self, text: str, longest: int = _LONGEST) -> str:
        """What a server says, as one line of bounded length without the key."""
        return _one_line(self._hide_key(text), longest)

    def _hide_key(self, text: str) -> str:
        """Short keys are placeholders for local servers ("x", "ollama"): only whole words are them."""
        for form in (self.key, json.dumps(self.key)[1:-1], quote(self.key, safe="")) if self.key else ():
            edge = "" if len(self.key) >= _SECRET else r"\b"
            text = re.sub(edge + re.escape(form) + edge, "***", text)
        return text

    def _explain_status(self, status: int, error: Any, names: Sequence[str] | None) -> str:
        said = self._said(error)
        if status in (401, 403):
            return self._explain_key(status)
        if status in (404, 405):
            return self._explain_not_found(status, said, names)
        if status == 413 or (status in (400, 422) and _is_too_long(error, said)):
            return (
                f"The conversation is longer than the model at {self.address} can read{_in_brackets(said)}. "
                "Lower `context` and `longest`, or take a model or server setting with more context."
            )
        if status == 429:
            return self._explain_limit(error, said)
        if status >= 500:
            return (
                f"The language model server at {self.address} failed with status {status}{_in_brackets(said)}. "
                f"{self._when(error)}If it fails again, look at the server's log."
            )
        if 300 <= status < 400:
            place = self.clean(error.response.headers.get("location", "another address"))
            return f"{self.address} redirects to {place}. Give the address that it redirects to, ending with /v1."
        return (
            f"The language model server at {self.address} refuses the request with status {status}"
            f"{_in_brackets(said)}. Check the model's name and the settings."
        )

    def _refuses_tools(self, error: Any, status: int | None) -> bool:
        """Whether it is the functions that the server does not take."""
        told = isinstance(error, ReportedError) or status in (400, 404, 422, 500, 501)
        return told and bool(_TOOLS.search(self._said(error)))

    def _explain_tools(self, error: Any) -> str:
        return (
            f"The model at {self.address} takes no functions{_in_brackets(self._said(error))}. "
            "Leave out --tools, take a model that calls functions, or turn them on in the server."
        )

    def _explain_key(self, status: int) -> str:
        """Says nothing of what the server says: servers quote parts of the key."""
        if not self.key:
            return (
                f"The language model server at {self.address} asks for a key (status {status}). "
                f"Set the environment variable {self.key_variable} to it."
            )
        return (
            f"The language model server at {self.address} does not accept the key (status {status}). "
            f"Set the environment variable {self.key_variable} to a key that may use {self.model or 'the model'}."
        )

    def _explain_not_found(self, status: int, said: str, names: Sequence[str] | None) -> str:
        if names is None:
            right = "" if self.address.endswith("/v1") else f", for example {_with_v1(self.address)}"
            return (
                f"No chat completions are served at {self.address} (status {status}). "
                f"Correct the address: it should end with /v1{right}."
            )
        if self.model in names and not self.address.endswith("/v1"):
            return (
                f"No chat completions are served at {self.address} (status {status}). "
                f"Correct the address: it should end with /v1, for example {_with_v1(self.address)}."
            )
        if self.model in names:
            return (
                f"The server at {self.address} has {self.model}, but does not answer chats with it "
                f"(status {status}){_in_brackets(said)}. Take another model."
            )
        return f"The server at {self.address} has no model {self.model!r}. {_list_models(names)}"

    def _explain_limit(self, error: Any, said: str) -> str:
        if "insufficient_quota" in (getattr(error, "code", None), getattr(error, "type", None)):
            return f"The quota at {self.address} is used up (status 429){_in_brackets(said)}. Check plan and billing."
        return (
            f"The server at {self.address} accepts no more requests now (status 429){_in_brackets(said)}. "
            f"{self._when(error)}Or use another key or server."
        )

    def _explain_stream(self, error: BaseException, patience: Patience) -> str:
        if isinstance(error, BadChunkError | NotEventsError | NotAStreamError):
            sent = f"'{self.clean(str(error), _SHORT)}'" if isinstance(error, BadChunkError) else str(error)
            return (
                f"The server at {self.address} does not answer in the form of the OpenAI API: it sent {sent}. "
                "Check that the address is that of an OpenAI-compatible server and ends with /v1."
            )
        if isinstance(error, ReportedError):
            said = self.clean(str(error))
            if _CONTEXT.search(said):
                return self._explain_status(413, error, None)
            return f"The language model at {self.address} reports an error: {said}. Look at the server's log."
        if isinstance(error, NoTextError):
            return f"The language model at {self.address} gave no answer: {error}"
        if isinstance(error, WhichModelError):
            return f"The server at {self.address} has {len(error.names)} models. {_list_models(error.names)}"
        if isinstance(error, NotModelsError):
            return f"The server at {self.address} does not list its models. Name one with --llm-model."
        if isinstance(error, CutOffError):
            return self._explain_break(patience, "the server closed it")
        return ""

    def _explain_break(self, patience: Patience, why: str) -> str:
        where = "in the middle of the answer" if patience.has_text else "before the answer began"
        return (
            f"The connection to the language model at {self.address} broke {where}: {why}. "
            "Try again; if it breaks again, look at the server's log."
        )

    def _explain_network(self, error: BaseException, patience: Patience) -> str:
        causes = list(_causes(error))
        if any("Proxy" in type(cause).__name__ for cause in causes):
            return (
                f"The proxy on the way to {self.address} does not let the request through. "
                "Correct HTTP_PROXY or HTTPS_PROXY, or name the server in NO_PROXY."
            )
        for cause in causes:
            if isinstance(cause, OSError) and (line := self._explain_socket(cause)):
                return line
        if any("Timeout" in type(cause).__name__ for cause in causes):
            return f"{self.address} cannot be reached in time. Check the address, the network and the firewall."
        if any(isinstance(cause, ConnectionError) or _BREAK.search(type(cause).__name__) for cause in causes):
            return self._explain_break(patience, "the server closed it")
        return (
            f"The language model at {self.address} cannot be used: "
            f"{type(causes[-1]).__name__}: {self._said(causes[-1])}. Check the address and the server's log."
        )

    def _explain_socket(self, error: OSError) -> str:
        if isinstance(error, ssl.SSLCertVerificationError):
            return (
                f"The certificate of {self.address} is not trusted: {error.verify_message}. "
                "Correct the address, or name the file of the authority that signed it in SSL_CERT_FILE."
            )
        if isinstance(error, ssl.SSLError):
            reason = (error.reason or "no TLS").replace("_", " ").lower()
            return f"No TLS connection to {self.address} is possible: {reason}. If the server has no TLS, use http://."
        if isinstance(error, socket.gaierror):
            return f"The host of {self.address} is not known. Correct the address, or check the network."
        if isinstance(error, ConnectionRefusedError):
            return f"No server answers at {self.address}: the connection was refused. Start it, or correct the address."
        if isinstance(error, TimeoutError):
            return f"{self.address} cannot be reached in time. Check the address, the network and the firewall."
        if isinstance(error, ConnectionError):
            return ""
        return f"{self.address} cannot be reached: {error.strerror or error}. Check the address and the network."

    def _when(self, error: Any) -> str:
        """When to try again, where the server tells it in seconds or as a date."""
        told = self.clean(error.response.headers.get("retry-after", ""))
        if not told:
            return "Try again later. "
        return f"Try again in {told} s. " if told.replace(".", "", 1).isdigit() else f"Try again after {told}. "

    def _said(self, error: Any) -> str:
        """What the server says of the error; "" for a web page."""
        said = reported_message(getattr(error, "body", None) or ("" if hasattr(error, "body") else str(error)))
        return "" if said.lstrip().startswith("<") else self.clean(said).rstrip(".")


def _one_line(text: str, longest: int) -> str:
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return text if len(text) <= longest else text[: longest - 3] + "..."


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and what caused it, down to the first cause."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _is_too_long(error: Any, said: str) -> bool:
    return getattr(error, "code", None) == "context_length_exceeded" or bool(_CONTEXT.search(said))


def _in_brackets(said: str) -> str:
    return f" ({said})" if said else ""


def _with_v1(address: str) -> str:
    for end in ("/chat/completions", "/completions", "/v1/", "/api"):
        address = address.removesuffix(end)
    return address.removesuffix("/v1").rstrip("/") + "/v1"


def _list_models(names: Sequence[str]) -> str:
    if not names:
        return "It lists no model: load one into the server."
    shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    return f"It has {shown}. Name one of them with --llm-model."
