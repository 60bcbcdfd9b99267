"""Events that a chat reports while it answers a question. They are plain records; nothing here imports torch."""

from dataclasses import dataclass
from typing import Literal

from duplex.model.interface import Samples
from duplex.model.tools.records import BrokenCall, ToolCall, ToolResult

How = Literal["end", "longest", "full", "calls", "rounds"]


@dataclass(frozen=True)
class TextPiece:
    """Text that became readable. `spoken`: it is part of what is said aloud; otherwise it is only written."""

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
class AnswerEnded:
    """The answer has ended.

    Attributes:
        how: "end" (the model ended it), "longest" (it reached the longest length), "full" (the conversation has no room
            left), "calls" (the caller has to give the results of `waiting`), "rounds" (it kept calling functions).
        text: the whole text of the last answer.
        waiting: calls of functions that only the caller can run.
    """

    how: How
    text: str
    waiting: tuple[ToolCall, ...] = ()


ChatEvent = TextPiece | AudioChunk | ToolCalled | ToolResult | AnswerEnded
"""Any event of an answer. Events come in the order in which they happen; `AnswerEnded` is always the last."""
