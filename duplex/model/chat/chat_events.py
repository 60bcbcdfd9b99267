"""What comes of a question while it is answered. Plain records; nothing here imports torch."""

from dataclasses import dataclass
from typing import Any, Literal

from duplex.model.interface import Samples

How = Literal["end", "longest", "full", "calls", "rounds"]


@dataclass(frozen=True)
class ToolCall:
    """A call that the model wrote."""

    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class BrokenCall:
    """Something between the tags of a call that is none. `reason`: what is wrong with it."""

    text: str
    reason: str


@dataclass(frozen=True)
class TextPiece:
    """Text that became readable. `spoken`: it belongs to what is said aloud, else it is written only."""

    text: str
    spoken: bool = False


@dataclass(frozen=True)
class AudioChunk:
    """The next [n] samples of the answer at 24 kHz."""

    samples: Samples


@dataclass(frozen=True)
class ToolCalled:
    """The model called a function, or tried to."""

    call: ToolCall | BrokenCall


@dataclass(frozen=True)
class ToolResult:
    """What the model is told about a call. `failed`: it is an error."""

    call: ToolCall | BrokenCall
    content: str
    failed: bool = False


@dataclass(frozen=True)
class AnswerEnded:
    """The answer is over.

    Attributes:
        how: "end" by itself, "longest" (it reached the longest length), "full" (the conversation has no room left),
            "calls" (the caller has to give the results of `waiting`), "rounds" (it kept calling functions).
        text: all of the last answer.
        waiting: calls of functions that only the caller can run.
    """

    how: How
    text: str
    waiting: tuple[ToolCall, ...] = ()


ChatEvent = TextPiece | AudioChunk | ToolCalled | ToolResult | AnswerEnded
"""In the order in which they happen; `AnswerEnded` is always the last."""
