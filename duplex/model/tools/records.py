"""What models ask functions to do, and what they are told of it. Plain records; nothing here runs anything."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ToolCall:
    """A call that the model wrote."""

    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class BrokenCall:
    """Text that stands in the place of a call and is none. `reason`: what is wrong with it."""

    text: str
    reason: str


@dataclass(frozen=True)
class ToolResult:
    """What the model is told about a call. `failed`: the text is an error."""

    call: ToolCall | BrokenCall
    content: str
    failed: bool = False
