"""A language model behind an OpenAI-compatible server: Ollama, llama.cpp, vLLM, LM Studio, a provider.

Each answer has a thread of its own, which asks, reads and ends with one last piece whatever happens, and another that
ends it when the server is silent for too long. Nothing is retried: an answer that comes late is worse than an error.
"""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final

from configs.model.language_models import LanguageModelConfig
from duplex.model.language_models.answer_reader import AnswerReader
from duplex.model.language_models.budget import estimate_definitions, estimate_tokens, fit_messages
from duplex.model.language_models.chat_completions import DONE, parse_chunk, write_messages
from duplex.model.language_models.connection import Connection, Patience
from duplex.model.language_models.interface import ChatMessage, Generation, LanguageModel, LlmError
from duplex.model.language_models.server_client import ServerClient, parse_address, read_key
from duplex.model.language_models.server_errors import NotAStreamError, Server, WhichModelError
from duplex.model.language_models.server_sent_events import read_events
from duplex.model.language_models.stream import PieceStream

_CLOSE_S: Final = 2.0
"""How long `close` waits for threads."""
_REPORT: Final = 1 << 16
"""Bytes that are read of a response that is no stream: enough for the report of an error."""


@dataclass(frozen=True)
class _Request:
    """An answer under way."""

    messages: tuple[ChatMessage, ...]
    tools: tuple[dict[str, Any], ...]
    connection: Connection
    stream: PieceStream
    patience: Patience
    over: threading.Event = field(default_factory=threading.Event)


class OpenAiServer(LanguageModel):
    """`LanguageModel` over `/v1/chat/completions`. Its key is in no message, name or log."""

    continues = False

    def __init__(self, config: LanguageModelConfig, now: Callable[[], float] = time.monotonic) -> None:
        """Connects to nothing yet.

        Args:
            config: `source` is the address; without `model`, the only one that the server has is taken.
            now: seconds of a monotonic clock.

        Raises:
            LlmError: the address, the key or the proxy cannot be used.
        """
        address, key = parse_address(config.source, config.key_variable), read_key(config.key_variable)
        self._config, self._now = config, now
        self._server = Server(address, config.model or "", config.key_variable, key)
        self._client = ServerClient(address, key)
        self.name = f"{config.model} at {address}" if config.model else address
        self.fingerprint = _fingerprint(config, address)
        self._requests: dict[int, _Request] = {}
        self._threads: list[threading.Thread] = []
        self._unsupported: frozenset[str] = frozenset()
        self._begins_inside = config.begins_thinking
        self._closed = False

    def generate(
        self, conversation: int, messages: Sequence[ChatMessage], tools: Sequence[dict[str, Any]] = ()
    ) -> Generation:
        """See `LanguageModel.generate`.

        Raises:
            LlmError: after `close`.
        """
        if self._closed:
            raise LlmError(f"The language model at {self._server.address} was closed. Open it again.")
        self.forget(conversation)
        connection = Connection()
        stream = PieceStream(connection.break_off, self._now)
        patience = Patience(self._config.first_text_s, self._config.next_text_s, self._now)
        request = _Request(self._fit(messages, tools), tuple(tools), connection, stream, patience)
        self._requests[conversation] = request
        self._start(self._watch, request)
        self._start(self._answer, request)
        return stream

    def prefill(self, conversation: int, messages: Sequence[ChatMessage], tools: Sequence[dict[str, Any]] = ()) -> None:
        """Does nothing: a server would answer, and may bill it."""

    def forget(self, conversation: int) -> None:
        """See `LanguageModel.forget`."""
        if request := self._requests.pop(conversation, None):
            request.stream.cancel()
            request.connection.break_off()  # also of an answer that is over, whose server has not ended yet

    def close(self) -> None:
        """See `LanguageModel.close`. A thread that still waits for the name of a host is left behind."""
        self._closed = True
        for conversation in list(self._requests):
            self.forget(conversation)
        until = time.monotonic() + _CLOSE_S
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        self._client.close()

    def _fit(self, messages: Sequence[ChatMessage], tools: Sequence[dict[str, Any]]) -> tuple[ChatMessage, ...]:
        """The messages that are sent: those that leave room for the answer, about."""
        room = self._config.context_tokens - self._config.longest - estimate_definitions(tools)
        return tuple(fit_messages(messages, room, estimate_tokens))

    def _start(self, work: Callable[[_Request], None], request: _Request) -> None:
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=work, args=(request,), name="llm-server", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _answer(self, request: _Request) -> None:
        """The thread of an answer."""
        try:
            self._choose_model(request)
            self._ask(request)
        except Exception as error:
            names = self._list_after(error, request)
            line = self._server.explain(error, request.patience, names, bool(request.tools))
            request.stream.fail(line)  # dropped once it was cancelled
        finally:
            request.connection.release()
            request.over.set()

    def _watch(self, request: _Request) -> None:
        """The thread that ends an answer whose server is silent for too long."""
        config = self._config
        # The first text may make the end earlier, but never earlier than `next_text_s` from now.
        while not request.over.wait(min(request.patience.left_s, config.next_text_s)):
            if not request.patience.left_s:
                line = self._server.explain_silence(request.patience, config.first_text_s, config.next_text_s)
                request.stream.fail(line)
                request.connection.break_off()
                return

    def _choose_model(self, request: _Request) -> None:
        if self._server.model:
            return
        names = self._client.list_models(request.connection)
        if len(names) != 1:
            raise WhichModelError(names)
        self._server = replace(self._server, model=names[0])

    def _list_after(self, error: Exception, request: _Request) -> list[str] | None:
        """The models that the server has, where it did not find what was asked for."""
        if getattr(error, "status_code", None) not in (404, 405):
            return None
        try:
            return self._client.list_models(request.connection)
        except Exception:
            return None

    def _ask(self, request: _Request) -> None:
        """Ask and read; ask again without a parameter that the server says it does not know."""
        while True:
            try:
                return self._read(request)
            except Exception as error:
                name = _unsupported_parameter(error)
                if name is None or name in self._unsupported:
                    raise
                self._unsupported |= {name}

    def _read(self, request: _Request) -> None:
        with self._client.ask(self._write_body(request), request.connection) as response:
            kind, received = response.headers.get("content-type", ""), response.iter_bytes()
            if "html" in kind or "json" in kind:
                raise _refuse(kind, received)
            events = read_events(received)
            reader = AnswerReader(request.stream.put, request.patience, self._begins_inside)
            try:
                reader.read(events)
            finally:
                self._begins_inside |= reader.reasoning.began_inside
            self._begins_inside = self._config.begins_thinking or reader.reasoning.began_inside
            _read_on(events)

    def _write_body(self, request: _Request) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._server.model,
            "messages": write_messages(request.messages),
            "temperature": self._config.temperature,
            "max_tokens": self._config.longest,
        }
        if self._config.top_p < 1:
            body["top_p"] = self._config.top_p
        if request.tools:
            body["tools"] = list(request.tools)
        if "max_tokens" in self._unsupported:
            body["max_completion_tokens"] = body["max_tokens"]
        return {name: value for name, value in body.items() if name not in self._unsupported}


def _read_on(events: Iterable[str]) -> None:
    """The answer is complete; a server that is cut off before it has ended would report an error."""
    with suppress(Exception):
        for data in events:
            if data == DONE:
                return


def _unsupported_parameter(error: Exception) -> str | None:
    """The parameter that OpenAI's reasoning models do not know, of those that can be left out."""
    is_that = getattr(error, "code", None) in ("unsupported_parameter", "unsupported_value")
    name = getattr(error, "param", None)
    return name if is_that and name in ("max_tokens", "temperature", "top_p") else None


def _refuse(kind: str, received: Iterable[bytes]) -> Exception:
    """Why a response that is no stream cannot be used."""
    if "html" in kind:
        return NotAStreamError("a web page")
    body = b""
    for some in received:
        body += some
        if len(body) > _REPORT:
            break
    try:
        parse_chunk(body.decode("utf-8", "replace"))
    except Exception as error:
        return error
    return NotAStreamError("one JSON object in place of a stream")


def _fingerprint(config: LanguageModelConfig, address: str) -> str:
    settings = [address, config.model, config.temperature, config.longest, config.begins_thinking]
    settings += [] if config.context is None else [config.context]
    return hashlib.sha256(json.dumps(["openai", *settings]).encode()).hexdigest()[:16]
