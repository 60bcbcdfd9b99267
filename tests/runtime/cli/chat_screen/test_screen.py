"""Events on the terminal."""

import io

import numpy as np
from rich.console import Console

from duplex.model.chat.chat_events import (
    AnswerEnded,
    AudioChunk,
    ChatEvent,
    TextPiece,
    ToolCalled,
)
from duplex.model.tools.records import BrokenCall, ToolCall, ToolResult
from runtime.cli.chat_screen.screen import Screen, ShownTurn, printable


def show(*events: ChatEvent) -> tuple[str, str, ShownTurn]:
    """The contents of stdout and stderr, and the turn."""
    out, err = io.StringIO(), io.StringIO()
    plain = [Console(file=file, highlight=False, soft_wrap=True, markup=False) for file in (out, err)]
    turn = Screen(*plain).show(events, ShownTurn())
    return out.getvalue(), err.getvalue(), turn


def test_what_is_written_and_what_is_said_stand_apart() -> None:
    sound = np.zeros(2400, dtype=np.float32)
    out, err, turn = show(
        TextPiece("the "), TextPiece("plan"), TextPiece("It [b]is.", True), AudioChunk(sound), AnswerEnded("end", "all")
    )
    assert (out, err) == ("the plan\nIt [b]is.\n", "")
    assert turn.figures() == {"answer": "all", "how": "end", "tools": [], "seconds": 0.1}


def test_calls_have_lines_of_their_own() -> None:
    call, broken = ToolCall("weather", {"city": "Ulm"}), BrokenCall("{", "it is not valid JSON")
    result = ToolResult(call, "5")
    out, _, turn = show(
        TextPiece("Wait."),
        ToolCalled(call),
        ToolCalled(broken),
        result,
        TextPiece("Five."),
        AnswerEnded("end", "Five."),
    )
    assert out.splitlines() == [
        "Wait.",
        "-> weather(city='Ulm')",
        "-> (not a call: it is not valid JSON) {",
        "<- 5",
        "Five.",
    ]
    assert turn.tools[0]["call"] == {"name": "weather", "arguments": {"city": "Ulm"}}


def test_an_answer_that_did_not_end_by_itself_is_noted() -> None:
    assert "reached its longest length" in show(TextPiece("a"), AnswerEnded("longest", "a"))[1]
    assert "waiting for their results" in show(AnswerEnded("calls", "", (ToolCall("f", {}),)))[1]
    assert "no answer" in show(AnswerEnded("end", ""))[1]


def test_terminal_commands_are_left_out() -> None:
    assert printable("a\x1b[2Jb\x07\n\tü") == "a[2Jb\n\tü"
