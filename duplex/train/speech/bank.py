"""The clip bank: spoken lines of users on disk, 16 bit at 16 kHz, one sample file and one index per part.

Nothing is ever changed, only appended: the index line of a script is written after its samples, so a killed run loses
at most one script. Nothing here depends on synthesis or on the use of the lines.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from configs.base import ConfigError
from duplex.io.whole_files import whole_lines, write_text
from duplex.model.interface import Samples

_FULL_SCALE = 32767
_SAMPLE_BYTES = 2


class BankError(ConfigError):
    """The clip bank cannot be used. The message says which file, why and how to fix it."""


@dataclass(frozen=True)
class Piece:
    """A stretch of speech spoken in one breath.

    Attributes:
        text: its words.
        mark: how it ends: c clause that continues, s statement, q question, f filler, b backchannel, i command.
        offset, length: position of its samples in the part's file.
    """

    text: str
    mark: str
    offset: int = 0
    length: int = 0


@dataclass(frozen=True)
class Line:
    """One turn of the user and the right answer.

    Attributes:
        text: the whole turn.
        answer: the assistant's right answer, "" where none is due.
        kind, key: kind of question in the corpus, and what a right answer must contain.
        long: whether the answer is a long one.
        pieces: the turn's speech.
    """

    text: str
    answer: str
    kind: str
    key: str
    long: bool
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class ReadingScript:
    """Lines that belong together and are spoken by one voice, in order.

    `prompt` is the system prompt under which the answers are right; `voice` is "" until they have been spoken.
    """

    name: str
    prompt: str
    lines: tuple[Line, ...]
    voice: str = ""


class BankPart:
    """One part of a bank, opened for reading."""

    def __init__(self, folder: Path, part: str) -> None:
        """Raises `BankError` if there is no such part."""
        index, samples = _paths(folder, part)
        if not index.exists() or not samples.exists():
            raise BankError(f"{index} is missing; run 'duplex train speech' first")
        self.name = part
        self.scripts = list(_read(index))
        self._samples = np.memmap(samples, np.int16, "r") if samples.stat().st_size else np.zeros(0, np.int16)

    def samples(self, piece: Piece) -> Samples:
        """Speech of a piece, [N] float32, -1..1."""
        span = self._samples[piece.offset : piece.offset + piece.length]
        return span.astype(np.float32) / np.float32(_FULL_SCALE)


class BankWriter:
    """One part of a bank, opened for appending; `done` names the scripts that are already there."""

    def __init__(self, folder: Path, part: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._index, self._samples = _paths(folder, part)
        scripts = list(_read(self._index)) if self._index.exists() else []
        self.done = {script.name for script in scripts}
        self._end = max((p.offset + p.length for s in scripts for line in s.lines for p in line.pieces), default=0)
        write_text(self._index, "".join(_dump(script) for script in scripts))
        with self._samples.open("ab") as file:
            file.truncate(self._end * _SAMPLE_BYTES)

    def add(self, script: ReadingScript, speech: list[list[Samples]]) -> None:
        """Append a script; `speech[line][piece]` are its samples at 16 kHz."""
        lines = []
        with self._samples.open("ab") as file:
            for line, clips in zip(script.lines, speech, strict=True):
                pieces = [self._place(piece, clip) for piece, clip in zip(line.pieces, clips, strict=True)]
                lines.append(Line(line.text, line.answer, line.kind, line.key, line.long, tuple(pieces)))
                for clip in clips:
                    file.write((np.clip(clip, -1, 1) * _FULL_SCALE).astype(np.int16).tobytes())
        placed = ReadingScript(script.name, script.prompt, tuple(lines), script.voice)
        with self._index.open("a", encoding="utf-8") as file:
            file.write(_dump(placed))
        self.done.add(script.name)

    def _place(self, piece: Piece, clip: Samples) -> Piece:
        placed = Piece(piece.text, piece.mark, self._end, len(clip))
        self._end += len(clip)
        return placed


def _paths(folder: Path, part: str) -> tuple[Path, Path]:
    return folder / f"{part}.jsonl", folder / f"{part}.i16"


def _dump(script: ReadingScript) -> str:
    return json.dumps(asdict(script), ensure_ascii=False) + "\n"


def _read(index: Path) -> Iterator[ReadingScript]:
    """Scripts of an index; a last line whose writing was interrupted is left out."""
    for row in whole_lines(index.read_text(encoding="utf-8")):
        yield _script(json.loads(row))


def _script(values: dict[str, object]) -> ReadingScript:
    lines = values.pop("lines")
    assert isinstance(lines, list)
    return ReadingScript(lines=tuple(_line(line) for line in lines), **values)  # type: ignore[arg-type]


def _line(values: dict[str, object]) -> Line:
    pieces = values.pop("pieces")
    assert isinstance(pieces, list)
    return Line(pieces=tuple(Piece(**piece) for piece in pieces), **values)  # type: ignore[arg-type]
