"""Answer sources for tests: one that tells what it is asked, and a language model whose pieces come at given times."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from configs.model.language_models import LanguageModelConfig
from duplex.model.interface import Came, OfferedTool
from duplex.model.language_models.interface import AnswerPiece, ChatMessage

CONFIG = LanguageModelConfig(source="a test")


class AskedAnswers:
    """`AnswerSource` of one row: `asked` has the last message of each request, "" stands for one that was dropped."""

    fingerprint, reason = "", "a test"

    def __init__(self, config: LanguageModelConfig = CONFIG) -> None:
        self.config = config
        self.asked: list[tuple[ChatMessage, ...]] = []
        self.prefilled: list[str] = []
        self.resumed: list[tuple[str, ...]] = []
        self.wanted = self.confirmed = False
        self.tools: tuple[OfferedTool, ...] = ()
        self.allowed: Collection[str] | None = None
        self.next: Came | None = None

    @property
    def questions(self) -> list[str]:
        """The last message of each request."""
        return [messages[-1].content for messages in self.asked]

    def open(self, row: int, tools: Collection[str] | None = None) -> None:
        self.wanted, self.allowed = False, tools

    def ask(self, row: int, messages: Sequence[ChatMessage]) -> None:
        self.asked.append(tuple(messages))
        self.wanted, self.confirmed = True, False

    def confirm(self, row: int) -> None:
        self.confirmed = self.wanted

    def resume(self, row: int, messages: Sequence[ChatMessage], rest: Sequence[str]) -> None:
        self.ask(row, messages)
        self.resumed.append(tuple(rest))

    def prefill(self, row: int, messages: Sequence[ChatMessage]) -> None:
        self.prefilled.append(messages[-1].content)

    def drop(self, row: int) -> None:
        self.wanted = False

    def poll(self, row: int) -> Came | None:
        came, self.next = self.next, None
        return came

    def close(self) -> None:
        pass


@dataclass
class ScriptedGeneration:
    """`Generation` of given pieces; on a virtual clock they come at their times, else all at once."""

    pieces: list[AnswerPiece]
    cancelled: bool = False

    def take(self, until_ms: float | None = None) -> list[AnswerPiece]:
        due = [piece for piece in self.pieces if until_ms is None or piece.at_ms <= until_ms]
        self.pieces = self.pieces[len(due) :]
        return due

    def cancel(self) -> None:
        self.cancelled = True
        self.pieces = []


class ScriptedLlm:
    """`LanguageModel` that answers every request with `text`, a word every `word_ms`, the first after `first_ms`.


    `replies`: other answers, by the last message.
    """

    name, fingerprint, continues = "scripted", "scripted", False

    def __init__(self, text: str, first_ms: float = 250.0, word_ms: float = 60.0, error: str = "") -> None:
        self.text, self.first_ms, self.word_ms, self.error = text, first_ms, word_ms, error
        self.requests: list[tuple[ChatMessage, ...]] = []
        self.generations: list[ScriptedGeneration] = []
        self.replies: dict[str, str] = {}
        self.closed = False

    def generate(self, conversation: int, messages: Sequence[ChatMessage], tools: Sequence[dict[str, Any]] = ()) -> Any:
        self.requests.append(tuple(messages))
        words = self.replies.get(messages[-1].content, self.text).split(" ")
        pieces = [
            AnswerPiece(word if index == len(words) - 1 else f"{word} ", at_ms=self.first_ms + index * self.word_ms)
            for index, word in enumerate(words)
        ]
        finish = "error" if self.error else "stop"
        pieces[-1] = replace(pieces[-1], finish=finish, error=self.error)
        self.generations.append(ScriptedGeneration(pieces))
        return self.generations[-1]

    def prefill(self, conversation: int, messages: Sequence[ChatMessage], tools: Sequence[dict[str, Any]] = ()) -> None:
        pass

    def forget(self, conversation: int) -> None:
        pass

    def close(self) -> None:
        self.closed = True
