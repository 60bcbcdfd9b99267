"""Function calls as text, in the format of Qwen and Hermes: `<tool_call>{"name": ..., "arguments": {...}}</tool_call>`.

This module handles tags and JSON; it does not depend on the functions or on what writes the text.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from configs.model.patterns import TOOLS_SECTION
from duplex.io.whole_files import parse_json
from duplex.model.tools.records import BrokenCall, ToolCall

_OPENS: Final = "<tool_call>"
_CLOSES: Final = "</tool_call>"
_RESPONSE_CLOSES: Final = "</tool_response>"


class CallParser:
    """Splits a stream of text into plain text and calls. Text that may be the start of a tag waits for more."""

    def __init__(self) -> None:
        self._text = ""
        self.inside = False
        """Whether a call has begun and not ended."""

    def feed(self, piece: str) -> list[str | ToolCall | BrokenCall]:
        """Add `piece`; returns the text and the calls that it completes, in order."""
        self._text += piece
        found: list[str | ToolCall | BrokenCall] = []
        while (cut := self._text.find(self._tag)) >= 0:
            before, self._text = self._text[:cut], self._text[cut + len(self._tag) :]
            if self.inside:
                found.append(parse_call(before))
            elif before:
                found.append(before)
            self.inside = not self.inside
        if not self.inside and (plain := self._plain()):
            self._text = self._text[len(plain) :]
            found.append(plain)
        return found

    def end(self) -> list[str | ToolCall | BrokenCall]:
        """End the text; returns what was still waiting. A call without its closing tag counts if its JSON is
        complete."""
        rest, inside = self._text, self.inside
        self._text, self.inside = "", False
        if inside:
            return [parse_call(rest)]
        return [rest] if rest else []

    @property
    def undecided(self) -> bool:
        """Whether waiting text may still become a call or plain text."""
        return not self.inside and bool(self._text)

    @property
    def _tag(self) -> str:
        return _CLOSES if self.inside else _OPENS

    def _plain(self) -> str:
        """Take the text up to where a tag may have begun."""
        for length in range(min(len(_OPENS) - 1, len(self._text)), 0, -1):
            if _OPENS.startswith(self._text[-length:]):
                return self._text[:-length]
        return self._text


def parse_call(text: str) -> ToolCall | BrokenCall:
    """Parse the JSON between the tags of a call. Arguments may be a JSON object or a string that contains one."""
    try:
        values = parse_json(text)
    except ValueError as error:
        return BrokenCall(text.strip(), f"it is not valid JSON ({error})")
    if not isinstance(values, dict) or not isinstance(values.get("name"), str):
        return BrokenCall(text.strip(), 'it must be an object with "name" and "arguments"')
    arguments = values.get("arguments", values.get("parameters", {}))
    if isinstance(arguments, str):
        return read_call(values["name"], arguments)
    if not isinstance(arguments, dict):
        return BrokenCall(text.strip(), '"arguments" must be an object')
    return ToolCall(values["name"], arguments)


def read_call(name: str, arguments: str) -> ToolCall | BrokenCall:
    """A call whose arguments are text; without a name, the text is that of a call that could not be parsed."""
    if not name:
        return parse_call(arguments)
    try:
        values = parse_json(arguments) if arguments.strip() else {}
    except ValueError as error:
        return BrokenCall(arguments.strip(), f"it is not valid JSON ({error})")
    if not isinstance(values, dict):
        return BrokenCall(arguments.strip(), '"arguments" must be an object')
    return ToolCall(name, values)


def tools_section(definitions: Sequence[dict[str, Any]]) -> str:
    """Text to put after the system prompt: the available tools, and how to call them."""
    lines = "\n".join(json.dumps(definition, ensure_ascii=False) for definition in definitions)
    return TOOLS_SECTION.replace("{tools}", lines)


def response_text(contents: Iterable[str]) -> str:
    """Text of the turn that gives the model the results of its calls; no result can close its own tag."""
    safe = (content.replace(_RESPONSE_CLOSES, "<\\/tool_response>") for content in contents)
    return "\n".join(f"<tool_response>\n{content}\n{_RESPONSE_CLOSES}" for content in safe)
