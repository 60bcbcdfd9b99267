"""The terminal's display of a conversation: levels, who speaks, captions, latencies.

This module uses messages and rich; it does not depend on sound.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from statistics import median
from threading import Lock

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from duplex.model.interface import EndedCall, StartedCall
from duplex.model.tools.call_lines import call_line
from runtime.webrtc.messages import (
    Cut,
    LatencyMessage,
    NoticeMessage,
    PlannedWords,
    ServerMessage,
    SlotMessage,
    ToolMessage,
    UserCaption,
    WordSounding,
)
from tdm.slots import State

FLOOR_DB = -60.0
BAR = 28
SHOWN = 8
JOINED = tuple(".,;:!?…)’”'")
"""First characters of words that follow the previous word without a space."""
USER, ASSISTANT, QUIET, CUT = "bright_cyan", "orange3", "grey50", "red"


@dataclass
class Bubble:
    """Like a bubble of the page: the user's turn, a call of a function, or an answer with its words and how many of
    them were heard."""

    side: str
    words: list[str] = field(default_factory=list)
    heard: int = 0
    cut: bool = False


class TerminalView:
    """Takes the server's messages and draws the present state."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._lines: OrderedDict[tuple[str, int], Bubble] = OrderedDict()
        self._slot: SlotMessage | None = None
        self._latencies: dict[str, list[float]] = {"response": [], "stop": []}
        self._degraded = 0
        self._notices: dict[str, str] = {}
        self._lock = Lock()

    def take(self, message: ServerMessage) -> None:
        """Take a message to a client; another thread may be drawing meanwhile."""
        with self._lock:
            self._take(message)

    def _take(self, message: ServerMessage) -> None:
        match message:
            case SlotMessage():
                self._slot = message
                self._degraded += bool(message.degraded)
            case UserCaption():
                self._line("user", message.turn).words = [message.text]
            case PlannedWords():
                self._line("assistant", message.answer).words += message.words
            case WordSounding():
                self._show_spoken(message)
            case Cut():
                line = self._line("assistant", message.answer)
                line.heard, line.cut = message.heard, True
            case ToolMessage():
                self._line("tool", message.call).words = [_tool_line(message)]
            case NoticeMessage():
                self._notices[message.code] = message.message
            case LatencyMessage():
                self._latencies[message.kind].append(message.ms)
            case _:
                pass

    def draw(self, user_db: float, assistant_db: float, seconds: float, note: str = "") -> RenderableType:
        """Draw the display; levels are dB relative to full scale."""
        meters = Table.grid(padding=(0, 1))
        you, assistant = Text("you", USER), Text("assistant", ASSISTANT)
        meters.add_row(you, _bar(user_db, USER), assistant, _bar(assistant_db, ASSISTANT))
        hint = Text("Say something. Ctrl-C ends the conversation.", QUIET)
        with self._lock:
            captions = [self._caption(line) for line in list(self._lines.values())[-SHOWN:]]
            state, footer = self._state(), self._footer(seconds, note)
            notices = [Text(text, CUT) for text in self._notices.values()]
        body = Group(meters, state, Text(), *(captions or [hint]), Text(), *notices, footer)
        return Panel(body, title=self._title, title_align="left", border_style=QUIET)

    def _line(self, side: str, number: int) -> Bubble:
        return self._lines.setdefault((side, number), Bubble(side))

    def _show_spoken(self, message: WordSounding) -> None:
        line = self._line("assistant", message.answer)
        line.words += [message.text] * (message.index + 1 - len(line.words))
        line.heard = max(line.heard, message.index + 1)

    def _caption(self, line: Bubble) -> Text:
        if line.side == "user":
            return Text(f"  you  {' '.join(line.words)}", USER)
        if line.side == "tool":
            return Text(f"       {' '.join(line.words)}", QUIET)
        text = Text("       ")
        for place, word in enumerate(line.words):
            text.append("" if place == 0 or word[:1] in JOINED else " ")
            text.append(word, ASSISTANT if place < line.heard else f"{CUT} strike" if line.cut else QUIET)
        return text

    def _state(self) -> Text:
        if self._slot is None:
            return Text("waiting for the first slot", QUIET)
        speaks = self._slot.state == State.SPEAK.name
        filled = round(self._slot.p * 10)
        doing = "● speaking " if speaks else "◌ thinking " if self._slot.thinking else "○ listening "
        text = Text(doing, ASSISTANT if speaks else USER)
        return text.append(f"p(speak) {'▮' * filled}{'▯' * (10 - filled)} {self._slot.p:.2f}", QUIET)

    def _footer(self, seconds: float, note: str) -> Text:
        parts = [f"{int(seconds) // 60}:{int(seconds) % 60:02d}"]
        for kind, values in self._latencies.items():
            parts += [f"{kind} {values[-1]:.0f} ms (median {median(values):.0f})"] if values else []
        parts += [f"step {self._slot.step_ms:.0f} ms"] if self._slot else []
        parts += [f"{self._degraded} slots degraded"] if self._degraded else []
        parts += [note] if note else []
        return Text(" · ".join(parts), QUIET)


def _tool_line(message: ToolMessage) -> str:
    started = StartedCall("", message.name, message.arguments)
    return call_line(started, None if message.result is None else EndedCall("", message.result, message.failed))


def _bar(db: float, style: str) -> Text:
    filled = round(BAR * min(1.0, max(0.0, 1.0 - db / FLOOR_DB)))
    return Text("█" * filled, style).append("░" * (BAR - filled), QUIET)
