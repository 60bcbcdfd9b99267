"""The interactive chat with a scripted partner: results given by the user, interrupted answers."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from rich.console import Console

from configs.model.patterns import Pattern
from duplex.model.chat.chat_events import AnswerEnded, ChatEvent, TextPiece
from duplex.model.interface import Samples
from duplex.model.tools.records import ToolCall
from runtime.cli.chat_screen.screen import Screen, ShownTurn
from runtime.cli.chat_screen.shell import Shell

CALLS = (ToolCall("colour", {}), ToolCall("size", {}))


class Asking:
    """A partner that calls two of the user's functions, or is interrupted."""

    fingerprint, pattern, note = "asking", Pattern.T2T, ""

    def __init__(self) -> None:
        self.given: list[Sequence[str]] = []

    def ask(self, text: str = "", pcm: Samples | None = None) -> Iterator[ChatEvent]:
        """Call functions, or do what Ctrl-C does."""
        yield TextPiece("Hm")
        if text == "stop":
            raise KeyboardInterrupt
        yield AnswerEnded("calls", "Hm", CALLS)

    def give(self, contents: Sequence[str]) -> Iterator[ChatEvent]:
        """The answer."""
        self.given.append(contents)
        yield TextPiece("Well.")
        yield AnswerEnded("end", "Well.")

    def new(self, pattern: Pattern) -> None:
        """Nothing to forget."""

    def close(self) -> None:
        """Nothing to release."""


def talk(monkeypatch: pytest.MonkeyPatch, typed: str, asks: bool = True) -> tuple[Asking, list[ShownTurn]]:
    """Type lines; returns the partner and the turns."""
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    partner, turns = Asking(), list[ShownTurn]()
    console = Console(file=io.StringIO())

    def keep(turn: ShownTurn, text: str, recording: Path | None) -> None:
        turns.append(turn)

    Shell(partner, Screen(console, console), console, keep, asks).run()
    return partner, turns


def test_the_user_gives_results(monkeypatch: pytest.MonkeyPatch) -> None:
    partner, (turn,) = talk(monkeypatch, "Guess.\nblue\nbig\n")
    assert partner.given == [["blue", "big"]]
    assert (turn.how, turn.text, turn.waiting) == ("end", "Well.", ())


def test_without_a_user_the_calls_are_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    partner, turns = talk(monkeypatch, "Guess.\n", asks=False)
    assert partner.given == []
    assert (turns[0].how, turns[0].waiting) == ("calls", CALLS)


def test_an_answer_is_broken_off_and_the_chat_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    _, turns = talk(monkeypatch, "stop\nGuess.\nblue\nbig\n")
    assert [turn.how for turn in turns] == ["broken off", "end"]
