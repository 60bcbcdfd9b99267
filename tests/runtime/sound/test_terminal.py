"""The terminal shows what was heard, what was cut, and who speaks."""

import io

from rich.console import Console
from rich.text import Text

from runtime.sound.terminal import TerminalView
from runtime.webrtc.messages import (
    Cut,
    LatencyMessage,
    PlannedWords,
    SlotMessage,
    ToolMessage,
    UserCaption,
    WordSounding,
)


def screen(view: TerminalView) -> str:
    console = Console(file=io.StringIO(), width=100, force_terminal=True, color_system="truecolor")
    with console.capture() as capture:
        console.print(view.draw(-20.0, -100.0, 65.0, "echo -30 dB"))
    return capture.get()


def slot(state: str, p: float, degraded: tuple[str, ...] = ()) -> SlotMessage:
    return SlotMessage(
        t=1, p=p, state=state, event="", user_db=-20, assistant_db=-30, step_ms=41.6, slack_ms=100, degraded=degraded
    )


def test_an_empty_screen_says_what_to_do() -> None:
    assert "Say something. Ctrl-C ends" in screen(TerminalView("Duplex"))


def test_a_conversation_is_shown_with_its_figures() -> None:
    view = TerminalView("Duplex · mini")
    view.take(UserCaption(turn=0, text="What rains?", start_s=0, end_s=1))
    view.take(PlannedWords(answer=0, first=0, words=("Water", "does", "mostly.")))
    view.take(WordSounding(answer=0, index=0, text="Water"))
    view.take(slot("SPEAK", 0.9, ("late",)))
    view.take(LatencyMessage(kind="response", ms=512.0))
    view.take(LatencyMessage(kind="response", ms=700.0))
    text = screen(view)
    for part in (
        "Duplex · mini",
        "What rains?",
        "Water",
        "mostly",
        "speaking",
        "0.90",
        "1:05",
        "response 700 ms (median 606)",
    ):
        assert part in text
    assert "1 slots degraded" in text
    assert "echo -30 dB" in text


def test_what_was_cut_is_struck_through() -> None:
    view = TerminalView("Duplex")
    view.take(PlannedWords(answer=0, first=0, words=("one", "two", "three")))
    view.take(WordSounding(answer=0, index=1, text="two"))
    view.take(Cut(answer=0, heard=1))
    view.take(slot("MUTE", 0.1))
    text = screen(view)
    assert "\x1b[9;31mtwo" in text
    assert "\x1b[9;31mthree" in text
    assert "\x1b[9;31mone" not in text
    assert "listening" in text


def test_a_comma_follows_its_word() -> None:
    view = TerminalView("Duplex")
    view.take(PlannedWords(answer=0, first=0, words=("Sorry", ",", "I", "don't", ".")))
    plain = Text.from_ansi(screen(view)).plain
    assert "Sorry, I don't." in plain


def test_calls_of_functions_are_a_line_each() -> None:
    view = TerminalView("Duplex")
    call = ToolMessage(call=0, name="time_in", arguments='{"place": "Tokyo"}')
    view.take(call)
    assert "time_in Tokyo ..." in screen(view)
    view.take(call.model_copy(update={"result": "14:32"}))
    view.take(ToolMessage(call=1, name="time_in", arguments="{}", result='{"error": "no place"}', failed=True))
    text = screen(view)
    assert "time_in Tokyo -> 14:32" in text
    assert "time_in -> error: no place" in text
