"""A model that answers from a script."""

from collections.abc import Iterator

from duplex.model.chat.chat_events import AnswerEnded, AudioChunk, TextPiece

Part = str | AudioChunk


class Scripted:
    """A `Speaker`: answers the n-th time with the n-th list of parts; `told` is what functions gave."""

    def __init__(self, *answers: list[Part]) -> None:
        self.told: list[str] = []
        self._answers = iter(answers)

    def answer(self) -> Iterator[TextPiece | AudioChunk | AnswerEnded]:
        """The next answer of the script."""
        parts = next(self._answers)
        for part in parts:
            yield TextPiece(part, spoken=True) if isinstance(part, str) else part
        yield AnswerEnded("end", "".join(part for part in parts if isinstance(part, str)))

    def tell(self, text: str) -> None:
        """Keep it for later."""
        self.told.append(text)


def call(name: str, arguments: str = "{}") -> str:
    """A call as a model writes it."""
    return f'<tool_call>\n{{"name": "{name}", "arguments": {arguments}}}\n</tool_call>'
