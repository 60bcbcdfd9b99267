"""An answer from the events of a server: text without thoughts, calls put together, and why it ended.

Knows nothing of the network: events come as text, pieces go to a function.
"""

from collections.abc import Callable, Iterable

from duplex.model.language_models.chat_completions import DONE, CallAssembler, CompletionChunk, parse_chunk
from duplex.model.language_models.connection import Patience
from duplex.model.language_models.interface import AnswerPiece, Finish
from duplex.model.language_models.reasoning import ReasoningFilter
from duplex.model.language_models.server_errors import CutOffError, NotAStreamError, NoTextError


class AnswerReader:
    """Reads one answer. The last piece has `finish`; where none can be given, an error is raised instead."""

    def __init__(self, put: Callable[[AnswerPiece], None], patience: Patience, begins_inside: bool = False) -> None:
        self._put, self._patience = put, patience
        self.reasoning = ReasoningFilter(begins_inside)
        self._calls = CallAssembler()
        self._has_choice = False

    def read(self, events: Iterable[str]) -> None:
        """Give the pieces of the answer, up to its end.

        Raises:
            BadChunkError, NotEventsError, NotAStreamError: the server sends something else.
            ReportedError: the server reports an error.
            CutOffError: the connection ended before the answer did.
            NoTextError: the server kept the answer back, or its limit left none.
        """
        for data in events:
            if data.strip() == DONE:
                return self._finish_without_reason()
            chunk = parse_chunk(data)
            self._has_choice |= chunk.has_choice
            self._take(chunk)
            if chunk.finish:
                return self._finish(chunk.finish)
        raise CutOffError

    def _take(self, chunk: CompletionChunk) -> None:
        text = self.reasoning.feed(chunk.text)
        for part in chunk.calls:
            self._calls.add(part)
        if chunk.text or chunk.thinks or chunk.calls:
            self._patience.note(bool(text or chunk.calls), chunk.thinks or self.reasoning.has_thought)
        if text:
            self._put(AnswerPiece(text))

    def _finish_without_reason(self) -> None:
        """Some servers end without a reason; one that has sent nothing but the end is no server of chats."""
        if not self._has_choice:
            raise NotAStreamError("no answer")
        self._finish("stop")

    def _finish(self, reason: str) -> None:
        text = self.reasoning.finish(cut_off=reason == "length")
        calls = self._calls.calls
        if reason == "content_filter":
            raise NoTextError("its content filter stopped it. Ask in other words, or take another model.")
        if reason == "error":
            raise NoTextError("the server ended it with an error. Look at the server's log.")
        if reason == "length" and calls:
            raise NoTextError("its limit of tokens cut a function call off. Raise `longest`.")
        if reason == "length" and self._patience.thinks and not (self._patience.has_text or text):
            raise NoTextError("thinking used up its limit of tokens. Raise `longest`, or turn its thinking off.")
        self._put(AnswerPiece(text, calls=calls, finish=_FINISHES.get(reason, "stop") if not calls else "calls"))


_FINISHES: dict[str, Finish] = {"length": "length"}
