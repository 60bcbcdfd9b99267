"""The interactive chat: reads typed lines and commands, and prints answers."""

import shlex
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from configs.base import ConfigError
from configs.model.patterns import TRANSCRIBE, Pattern
from duplex.model.interface import Samples
from runtime.audio_file import load_audio
from runtime.cli.chat_screen.partner import Partner
from runtime.cli.chat_screen.screen import Screen, ShownTurn
from runtime.cli.common import show_error, show_notes
from runtime.errors import USER_ERRORS

HELP = """\
TEXT                 ask in writing (patterns T2M, T2T)
/wav FILE [TEXT]     ask with a recording; TEXT is an instruction
/transcribe FILE     what is said in a recording (pattern S2T)
/pattern NAME        begin a new conversation in another pattern
/new                 begin a new conversation
/quit                end"""

Kept = Callable[[ShownTurn, str, Path | None], None]
"""Called with a finished turn, its text and its recording."""


class Shell:
    """Reads lines until /quit, the end of the input, or Ctrl-C. `asks`: whether the user can be asked for results of
    calls."""

    def __init__(self, partner: Partner, screen: Screen, console: Console, keep: Kept, asks: bool) -> None:
        self._partner, self._screen, self._console, self._keep, self._asks = partner, screen, console, keep, asks

    def run(self) -> None:
        """Run the chat. An error in a turn is one line, and the conversation continues."""
        while (line := self._line(f"{self._partner.pattern}> ")) is not None:
            try:
                if not self._command(line.strip()):
                    return
            except USER_ERRORS as error:
                show_error(error)

    def ask(self, text: str, recording: Path | None, pcm: Samples | None) -> None:
        """Take one turn; Ctrl-C interrupts the answer. The user is asked for results that only the user has."""
        turn = ShownTurn()
        try:
            self._screen.show(self._partner.ask(text, pcm), turn)
            while turn.waiting and self._asks:
                results = [self._line(f"result of {call.name}: ") or "" for call in turn.waiting]
                self._screen.show(self._partner.give(results), turn)
        except KeyboardInterrupt:
            turn.how = "broken off"
            self._console.print()
        self._keep(turn, text, recording)

    def _command(self, line: str) -> bool:
        """Run the command of a line; False ends the chat."""
        word, _, rest = line.partition(" ")
        if not line.startswith("/"):
            if line:
                self.ask(line, None, None)
        elif word == "/quit":
            return False
        elif word == "/new":
            self._partner.new(self._partner.pattern)
        elif word == "/pattern":
            self._partner.new(Pattern.by_name(rest.strip()))
            if self._partner.note:
                self._console.print(self._partner.note)
        elif word == "/wav":
            path, *text = _words(rest)
            self._ask_recording(Path(path), " ".join(text))
        elif word == "/transcribe":
            if self._partner.pattern is not Pattern.S2T:
                raise ConfigError("a recording is transcribed in pattern S2T; type /pattern S2T first")
            self._ask_recording(Path(_words(rest)[0]), TRANSCRIBE)
        else:
            self._console.print(HELP)
        return True

    def _ask_recording(self, path: Path, text: str) -> None:
        audio = load_audio(path)
        show_notes(audio.notes, path)
        self.ask(text, path, audio.samples)

    def _line(self, prompt: str) -> str | None:
        try:
            return self._console.input(prompt)
        except (EOFError, KeyboardInterrupt):
            self._console.print()
            return None


def _words(line: str) -> list[str]:
    """Words of a line, at least one; quotes keep a path with spaces together."""
    try:
        words = shlex.split(line)
    except ValueError:
        words = []
    if not words:
        raise ConfigError("a file is missing; put quotes around a path with spaces")
    return words
