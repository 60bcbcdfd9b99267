"""Formats the events of an answer for the terminal and for a file."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from rich.console import Console

from configs.audio import AUDIO
from duplex.model.chat.chat_events import (
    AnswerEnded,
    AudioChunk,
    ChatEvent,
    TextPiece,
    ToolCalled,
)
from duplex.model.interface import Samples
from duplex.model.tools.records import BrokenCall, ToolCall, ToolResult

_NOTES = {
    "longest": "(the answer reached its longest length)",
    "full": "(the conversation has no room left; /new begins another)",
    "calls": "(the calls are waiting for their results)",
    "rounds": "(the model kept calling functions)",
}


@dataclass
class ShownTurn:
    """One answer: `how` it ended, `waiting` calls, its sound [n] at 24 kHz in `pieces`."""

    text: str = ""
    how: str = ""
    waiting: tuple[ToolCall, ...] = ()
    pieces: list[Samples] = field(default_factory=list)
    tools: list[dict[str, Any]] = field(default_factory=list)

    @property
    def samples(self) -> Samples:
        """All its sound."""
        return np.concatenate(self.pieces) if self.pieces else np.zeros(0, dtype=np.float32)

    def figures(self) -> dict[str, Any]:
        """Plain values."""
        seconds = round(len(self.samples) / AUDIO.output_rate, 3)
        return {"answer": self.text, "how": self.how, "tools": self.tools, "seconds": seconds}


class Screen:
    """Streams answers to `out`, notes to `err`."""

    def __init__(self, out: Console, err: Console) -> None:
        self._out, self._err = out, err
        self._begun = False
        self._spoken = False

    def show(self, events: Iterable[ChatEvent], turn: ShownTurn) -> ShownTurn:
        """Print events as they come, and store them in `turn`."""
        self._begun = self._spoken = False
        for event in events:
            if isinstance(event, TextPiece):
                self._text(event)
            elif isinstance(event, AudioChunk):
                turn.pieces.append(event.samples)
            elif isinstance(event, ToolCalled):
                self._line(f"-> {_show_call(event.call)}")
            elif isinstance(event, ToolResult):
                turn.tools.append(asdict(event))
                self._line(f"<- {event.content}")
            else:
                self._end(event, turn)
        return turn

    def _text(self, piece: TextPiece) -> None:
        """Print text; what is only written and what is said begin a line each."""
        if self._begun and piece.spoken and not self._spoken:
            self._out.print()
        self._spoken, self._begun = piece.spoken, True
        self._out.print(printable(piece.text), end="")

    def _line(self, text: str) -> None:
        if self._begun:
            self._out.print()
        self._begun = False
        self._out.print(printable(text))

    def _end(self, ended: AnswerEnded, turn: ShownTurn) -> None:
        if self._begun:
            self._out.print()
        turn.text, turn.how, turn.waiting = ended.text, ended.how, ended.waiting
        if note := _NOTES.get(ended.how, "" if ended.text else "(no answer)"):
            self._err.print(note)


def printable(text: str) -> str:
    """Remove characters that a terminal would take as a command."""
    return "".join(sign for sign in text if sign.isprintable() or sign in "\n\t")


def _show_call(call: ToolCall | BrokenCall) -> str:
    if isinstance(call, BrokenCall):
        return f"(not a call: {call.reason}) {call.text}"
    return f"{call.name}({', '.join(f'{name}={value!r}' for name, value in call.arguments.items())})"
