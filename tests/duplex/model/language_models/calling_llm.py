"""A language model for tests that follows a script: what it writes and calls, request by request."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from duplex.model.language_models.interface import AnswerPiece, ChatMessage, RequestedCall
from tests.duplex.model.language_models.scripted_answers import ScriptedGeneration


@dataclass(frozen=True)
class Turn:
    """What comes of one request: text, then calls as (name, arguments), or an error."""

    text: str = ""
    calls: tuple[tuple[str, dict[str, Any]], ...] = ()
    error: str = ""

    def piece(self) -> AnswerPiece:
        """All of it at once."""
        calls = tuple(RequestedCall(f"c{n}", name, json.dumps(given)) for n, (name, given) in enumerate(self.calls))
        finish = "error" if self.error else "calls" if calls else "stop"
        return AnswerPiece(self.text, calls, finish, self.error, at_ms=100.0)  # type: ignore[arg-type]


def call(name: str, **arguments: Any) -> Turn:
    """A turn of one call without text."""
    return Turn(calls=((name, arguments),))


class CallingLlm:
    """`LanguageModel`: each conversation has a script of its own, and its last turn is repeated.

    Attributes:
        requests: messages by conversation.
        tools: definitions, request by request.
    """

    name, fingerprint, continues = "calling", "calling", False

    def __init__(self, *script: Turn, **scripts: Sequence[Turn]) -> None:
        """`scripts`: by "row1" and so on, where conversations differ."""
        self._script, self._scripts = script, scripts
        self.requests: dict[int, list[tuple[ChatMessage, ...]]] = {}
        self.tools: list[tuple[dict[str, Any], ...]] = []
        self.prefilled: list[tuple[Sequence[ChatMessage], Sequence[dict[str, Any]]]] = []
        self.generations: list[ScriptedGeneration] = []
        self.closed = False

    def generate(self, conversation: int, messages: Sequence[ChatMessage], tools: Sequence[dict[str, Any]] = ()) -> Any:
        asked = self.requests.setdefault(conversation, [])
        asked.append(tuple(messages))
        self.tools.append(tuple(tools))
        self.generations.append(ScriptedGeneration([self.choose(conversation, messages).piece()]))
        return self.generations[-1]

    def choose(self, conversation: int, messages: Sequence[ChatMessage]) -> Turn:
        """What comes of a request."""
        script = self._scripts.get(f"row{conversation}", self._script)
        return script[min(len(self.requests[conversation]), len(script)) - 1]

    def prefill(self, conversation: int, messages: Sequence[ChatMessage], tools: Sequence[dict[str, Any]] = ()) -> None:
        self.prefilled.append((messages, tools))

    def forget(self, conversation: int) -> None:
        pass

    def close(self) -> None:
        self.closed = True
