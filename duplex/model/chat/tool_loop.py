"""Alternates between a model that writes calls and the functions that answer them, until the model has an answer.

Calls start as soon as they are written, while the answer still streams; their results go back together, in the order of
the calls, when it has ended. This module uses text, calls and a `Speaker` that streams; it does not depend on models.
"""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from duplex.model.chat.chat_events import (
    AnswerEnded,
    AudioChunk,
    ChatEvent,
    TextPiece,
    ToolCalled,
)
from duplex.model.tools.calls import CallParser, response_text
from duplex.model.tools.records import BrokenCall, ToolCall, ToolResult
from duplex.model.tools.tool_runner import Running, ToolRunner

Call = ToolCall | BrokenCall


class Speaker(Protocol):
    """Anything that answers in streamed text."""

    def answer(self) -> Iterator[TextPiece | AudioChunk | AnswerEnded]:
        """Answer what is waiting; `AnswerEnded` is the last event."""
        ...

    def tell(self, text: str) -> None:
        """Take the results of function calls as a turn after the answer that made them; this turn then waits for an
        answer."""
        ...


class ToolLoop:
    """One turn of a user, with its calls."""

    def __init__(self, speaker: Speaker, runner: ToolRunner) -> None:
        self._speaker = speaker
        self._runner = runner
        self._calls: list[tuple[Call, Running | None]] = []
        self._rounds = 0

    def run(self) -> Iterator[ChatEvent]:
        """Answer what is waiting. Speech alongside a call is dropped, because it would read the call out."""
        while True:
            self._calls = []
            ended = yield from self._answer()
            if not self._calls:
                yield ended
                return
            if self._rounds == self._runner.config.rounds:
                yield replace(ended, how="rounds")
                return
            self._rounds += 1
            if waiting := self._waiting:
                yield replace(ended, how="calls", waiting=waiting)
                return
            yield from self._results([])

    def give(self, contents: Sequence[str]) -> Iterator[ChatEvent]:
        """Give the results of the waiting calls, in order; the answer continues.

        Raises:
            ValueError: there are more or fewer results than calls.
        """
        if len(contents) != len(self._waiting):
            raise ValueError(f"{len(self._waiting)} calls wait for a result, not {len(contents)}")
        yield from self._results(contents)
        yield from self.run()

    @property
    def _waiting(self) -> tuple[ToolCall, ...]:
        calls = (call for call, running in self._calls if running is None)
        return tuple(call for call in calls if isinstance(call, ToolCall) and self._runner.is_outside(call))

    def _answer(self) -> Generator[ChatEvent, None, AnswerEnded]:
        """One answer; returns how it ended."""
        parser, spoken = CallParser(), False
        sounds: list[AudioChunk] = []
        for event in self._speaker.answer():
            if isinstance(event, AnswerEnded):
                yield from self._read(parser.end(), spoken)
                yield from sounds if not self._calls else ()
                return event
            if isinstance(event, AudioChunk):
                sounds.append(event)
            else:
                spoken = event.spoken
                yield from self._read(parser.feed(event.text), spoken)
            if parser.inside or self._calls:
                sounds.clear()
            elif not parser.undecided:
                yield from sounds
                sounds.clear()
        raise RuntimeError("an answer must end with Ended")

    def _read(self, found: list[str | Call], spoken: bool) -> Iterator[ChatEvent]:
        for item in found:
            if isinstance(item, str):
                yield TextPiece(item, spoken)
            else:
                self._calls.append((item, self._start(item)))
                yield ToolCalled(item)

    def _start(self, call: Call) -> Running | None:
        """Start a call; None if it is not run here."""
        config = self._runner.config
        if self._rounds >= config.rounds or len(self._calls) >= config.calls or self._runner.is_outside(call):
            return None
        return self._runner.start(call)

    def _results(self, outside: Sequence[str]) -> Iterator[ChatEvent]:
        given = iter(outside)
        results = []
        for call, running in self._calls:
            if running is not None:
                result = running.result()
            elif self._runner.is_outside(call):
                result = ToolResult(call, self._runner.result_text(next(given)))
            else:
                limit = self._runner.config.calls
                result = self._runner.refuse(call, f"more than {limit} calls at once; call again for the rest")
            results.append(result.content)
            yield result
        self._speaker.tell(response_text(results))
