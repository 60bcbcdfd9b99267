"""What a language model offers to whoever speaks its answers: messages in, pieces of text out, cancelled at once.

Every kind of language model implements `LanguageModel`. None of these calls waits for the model, so that they may be
made between two slots; only `take` with `until_ms` does, for conversations on a virtual clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Role = Literal["system", "user", "assistant", "tool"]
Finish = Literal["stop", "length", "calls", "error"]


@dataclass(frozen=True)
class RequestedCall:
    """A function that the model calls; `arguments` is the text of a JSON object, as it was written."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class ChatMessage:
    """One message of a conversation.

    Attributes:
        role: who wrote it.
        content: its text.
        calls: functions that an assistant's message calls.
        call_id: the call that a tool's message answers.
    """

    role: Role
    content: str
    calls: tuple[RequestedCall, ...] = ()
    call_id: str = ""


@dataclass(frozen=True)
class AnswerPiece:
    """What came of an answer at one moment.

    Attributes:
        text: the next text; "" where there is none.
        calls: functions that the model calls; they come whole, with the last piece.
        finish: why the answer is over, "" while it is not.
        error: what went wrong in one line (what, why, how to fix), where `finish` is "error".
        at_ms: when it came, milliseconds since the request.
    """

    text: str = ""
    calls: tuple[RequestedCall, ...] = ()
    finish: Finish | Literal[""] = ""
    error: str = ""
    at_ms: float = 0.0


class LlmError(Exception):
    """A language model cannot be used. The message says what, why and how to fix it, in one line."""


class Generation(Protocol):
    """An answer that is being written."""

    def take(self, until_ms: float | None = None) -> list[AnswerPiece]:
        """Pieces that came since the last call; the last piece of an answer has `finish`.

        Args:
            until_ms: wait until the request is this old, or the answer is over, and leave what came later for the next
                call; None takes what is there.
        """
        ...

    def cancel(self) -> None:
        """Stop writing; nothing comes any more. May be called at any time, more than once."""
        ...


class LanguageModel(Protocol):
    """A language model for several conversations at the same time. Safe to call from one thread."""

    name: str
    """As users know it; holds no key."""
    fingerprint: str
    """Identifies model and settings."""
    continues: bool
    """Whether it goes on with an answer, where the last message is the assistant's; otherwise it begins a new one."""

    def generate(
        self, conversation: int, messages: Sequence[ChatMessage], tools: Sequence[dict[str, Any]] = ()
    ) -> Generation:
        """Begin to answer. What is under way in the same conversation is cancelled.

        Args:
            conversation: whose answer it is; a local model keeps its keys and values for the next one.
            messages: all of it, the system prompt first.
            tools: definitions of functions as OpenAI writes them. What it calls comes as `AnswerPiece.calls`, however
                the model writes it.
        """
        ...

    def prefill(self, conversation: int, messages: Sequence[ChatMessage], tools: Sequence[dict[str, Any]] = ()) -> None:
        """Read `messages` ahead of an answer; the last one, the user's, may still grow. May do nothing."""
        ...

    def forget(self, conversation: int) -> None:
        """The conversation is over: cancel what is under way, and free its memory."""
        ...

    def close(self) -> None:
        """End threads and processes."""
        ...
