"""The form of OpenAI's chat completions: messages as they are sent, and what a streamed chunk says.

Knows JSON; knows nothing of the network. Servers differ in what they leave out, so what is absent is accepted; what has
another shape is not.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from duplex.io.whole_files import parse_json
from duplex.model.language_models.interface import ChatMessage, RequestedCall

DONE: Final = "[DONE]"
"""The data of the last event."""
_REASONING: Final = ("reasoning_content", "reasoning", "thinking")
"""Where servers put what the model thinks, apart from what it says."""


class BadChunkError(Exception):
    """What came, the message, is no chunk of a chat."""


class ReportedError(Exception):
    """The server reports an error in place of a chunk. The message is the server's."""


@dataclass(frozen=True)
class CallPart:
    """Part of a call that the model writes: parts with the same `index` are one call."""

    index: int | None
    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class CompletionChunk:
    """What one event says.

    Attributes:
        text: for the user, with what the model thinks where it writes that between marks.
        thinks: the model thinks, and the server keeps that apart.
        calls: parts of calls.
        finish: the server's reason for the end of the answer; "" while it goes on.
        has_choice: it tells something of the answer; others tell the use of tokens, for example.
    """

    text: str = ""
    thinks: bool = False
    calls: tuple[CallPart, ...] = ()
    finish: str = ""
    has_choice: bool = True


def write_messages(messages: Sequence[ChatMessage]) -> list[dict[str, Any]]:
    """Messages in the form that the server reads."""
    return [_write_message(message) for message in messages]


def _write_message(message: ChatMessage) -> dict[str, Any]:
    written: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.calls:
        written["content"] = message.content or None
        written["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.calls
        ]
    if message.role == "tool":
        written["tool_call_id"] = message.call_id
    return written


def parse_chunk(data: str) -> CompletionChunk:
    """Read the data of an event.

    Raises:
        BadChunkError: it has another form.
        ReportedError: it is the server's report of an error.
    """
    try:
        read = parse_json(data)
    except ValueError as error:
        raise BadChunkError(data) from error
    chunk = _expect(dict, read, data)
    if chunk.get("error") or chunk.get("object") == "error":
        raise ReportedError(reported_message(chunk))
    choices = _expect(list, chunk.get("choices") or [], data)
    if not choices:
        return CompletionChunk(has_choice=False)
    return _parse_choice(_expect(dict, choices[0], data), data)


def _parse_choice(choice: dict[str, Any], data: str) -> CompletionChunk:
    delta = _expect(dict, choice.get("delta") or {}, data)
    calls = _expect(list, delta.get("tool_calls") or [], data)
    return CompletionChunk(
        text=_text(delta.get("content"), data) + _text(delta.get("refusal"), data),
        thinks=any(delta.get(name) for name in _REASONING),
        calls=tuple(_parse_call(_expect(dict, call, data), data) for call in calls),
        finish=_expect(str, choice.get("finish_reason") or "", data),
    )


def _parse_call(call: dict[str, Any], data: str) -> CallPart:
    function = _expect(dict, call.get("function") or {}, data)
    arguments = function.get("arguments") or ""
    return CallPart(
        index=call["index"] if isinstance(call.get("index"), int) else None,
        id=_expect(str, call.get("id") or "", data),
        name=_expect(str, function.get("name") or "", data),
        arguments=json.dumps(arguments) if isinstance(arguments, dict) else _expect(str, arguments, data),
    )


def _text(content: Any, data: str) -> str:
    """The text of a delta; where it comes in parts, of those parts that are text and not thoughts, for example."""
    if isinstance(content, list):
        parts = [_expect(dict, part, data) for part in content]
        return "".join(_expect(str, part.get("text") or "", data) for part in parts if part.get("type") == "text")
    return _expect(str, content or "", data)


def _expect(kind: type, value: Any, data: str) -> Any:
    if not isinstance(value, kind):
        raise BadChunkError(data)
    return value


def reported_message(body: Any) -> str:
    """What a server says of an error, in any of the forms in use; "" where it says nothing."""
    if isinstance(body, Mapping):
        for name in ("error", "message", "detail", "msg", "error_message", "code", "type"):
            if body.get(name) and (message := reported_message(body[name])):
                return message
        return ""
    if isinstance(body, list):
        return "; ".join(filter(None, map(reported_message, body)))
    return "" if body is None else str(body)


@dataclass
class CallAssembler:
    """Puts the parts of calls together. A part without an index, or with an id of its own, begins a call."""

    _calls: list[RequestedCall] = field(default_factory=list)
    _indices: list[int | None] = field(default_factory=list)

    def add(self, part: CallPart) -> None:
        """Add the next part of a call, or begin one."""
        place = self._find(part)
        if place is None:
            self._calls.append(RequestedCall(part.id or f"call_{len(self._calls)}", part.name, part.arguments))
            self._indices.append(part.index)
            return
        call = self._calls[place]
        self._calls[place] = RequestedCall(call.id, call.name or part.name, call.arguments + part.arguments)

    def _find(self, part: CallPart) -> int | None:
        """The call that `part` belongs to."""
        for place in reversed(range(len(self._calls))):
            call = self._calls[place]
            if part.id and part.name and part.id != call.id:
                continue
            same = part.index is not None or part.id == call.id or not part.name
            if same and part.index == self._indices[place]:
                return place
        return None

    @property
    def calls(self) -> tuple[RequestedCall, ...]:
        """The calls so far, in the order in which they began; those without a name are none."""
        return tuple(call for call in self._calls if call.name)
