"""Reads Praat's TextGrid: interval tiers of labelled spans, in all of its text forms.

Praat reads only free-standing strings in quotes, numbers, and flags in angle brackets. Every other word is a comment,
and so is the rest of a line after `!` (Praat manual, "TextGrid file formats"; `sys/abcio.cpp` of Praat). The long, the
short and the old short form have the same tokens in the same order; the chronological form names the tier of every
interval instead.

This module handles the file format, whatever the labels mean.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Final

from duplex.eval.errors import EvaluationError
from duplex.io.whole_files import shorten

_INTERVALS, _POINTS = "IntervalTier", "TextTier"
_CHRONOLOGICAL: Final = "Praat chronological TextGrid text file"
_WORD: Final = re.compile(
    r"""
    (?P<comment>![^\r\n]*)
    | "(?P<string>(?:[^"]|"")*)"(?P<stuck>\S?)
    | <(?P<flag>[^<>\r\n]*)>
    | (?P<number>[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)[^\s]*
    | (?P<broken>["<])
    | \S+
    """,
    re.VERBOSE | re.ASCII,
)
_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Interval:
    """A labelled span, seconds; `text` may be empty."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class Tier:
    """A tier; several tiers of a file may have the same name. `points`: number of points in a point tier, which are not
    read."""

    name: str
    intervals: tuple[Interval, ...]
    points: int = 0


def read_textgrid(path: Path) -> tuple[Tier, ...]:
    """Read the tiers in the file's order.

    Raises:
        EvaluationError: the file is missing or is not a TextGrid.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise EvaluationError(f"{path}: cannot be read ({error.strerror}); check the path") from None
    try:
        return _tiers(_Tokens(decode_text(data)))
    except ValueError as error:
        raise EvaluationError(f"{path}: is not a TextGrid ({error}); save it from Praat as text") from None


def decode_text(data: bytes) -> str:
    """Decode text as Praat does: UTF-16 with a byte order mark, else UTF-8, else Latin-1.

    Raises:
        ValueError: the data has the byte order mark of UTF-16 but is not UTF-16.
    """
    if data[:2] in _MARKS:
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


class _Tokens:
    """The free-standing strings, numbers and flags of a file, each read by its kind."""

    def __init__(self, text: str) -> None:
        self._words = _WORD.finditer(text)
        self._text = text

    def string(self) -> str:
        """The next token, which must be a string."""
        return self._next("string").replace('""', '"')

    def flag(self) -> str:
        """The next token, which must be a flag."""
        return self._next("flag")

    def count(self) -> int:
        """The next token, which must be a non-negative integer."""
        number = self.number()
        if not number.is_integer() or number < 0:
            raise ValueError(f"{number:g} cannot be a count")
        return int(number)

    def number(self) -> float:
        """The next token, which must be a finite number."""
        number = float(self._next("number"))
        if not isfinite(number):
            raise ValueError("a number is too large")
        return number

    def numbers_left(self) -> Iterator[float]:
        """Yield numbers while there are more tokens."""
        while True:
            try:
                found = self.number()
            except _AtEndError:
                return
            yield found

    def _next(self, kind: str) -> str:
        for word in self._words:
            if word["stuck"] or word["broken"]:
                raise ValueError(f"line {self._line(word)}: a quote or bracket is not closed, or not doubled in a text")
            found = next((name for name in ("string", "flag", "number") if word[name] is not None), None)
            if found is None:
                continue
            if found != kind:
                raise ValueError(f"line {self._line(word)}: there is a {found} where a {kind} must be")
            return word[found]
        raise _AtEndError("it ends too early")

    def _line(self, word: "re.Match[str]") -> int:
        return self._text.count("\n", 0, word.start()) + 1


class _AtEndError(ValueError):
    """There are no more tokens."""


def _tiers(tokens: _Tokens) -> tuple[Tier, ...]:
    kind = tokens.string()
    if kind == _CHRONOLOGICAL:
        return _chronological(tokens)
    if kind not in ("ooTextFile", "ooTextFile short") or tokens.string() != "TextGrid":
        raise ValueError('it does not begin with "ooTextFile" and "TextGrid"')
    _span(tokens)
    return tuple(_tier(tokens) for _ in range(tokens.count())) if tokens.flag() == "exists" else ()


def _tier(tokens: _Tokens) -> Tier:
    kind, name = _head(tokens)
    return _make(name, [_READERS[kind](tokens) for _ in range(tokens.count())])


def _chronological(tokens: _Tokens) -> tuple[Tier, ...]:
    _span(tokens)
    heads = [_head(tokens) for _ in range(tokens.count())]
    items: list[list[Interval | None]] = [[] for _ in heads]
    for number in tokens.numbers_left():
        if number not in range(1, len(heads) + 1):
            raise ValueError(f"there is no tier {number:g}")
        kind, _ = heads[int(number) - 1]
        items[int(number) - 1].append(_READERS[kind](tokens))
    return tuple(_make(name, some) for (_, name), some in zip(heads, items, strict=True))


def _make(name: str, items: Sequence[Interval | None]) -> Tier:
    intervals = tuple(one for one in items if one is not None)
    return Tier(name, intervals, len(items) - len(intervals))


def _head(tokens: _Tokens) -> tuple[str, str]:
    """Kind and name of a tier; its span is that of the file and is skipped."""
    kind, name = tokens.string(), tokens.string()
    if kind not in _READERS:
        raise ValueError(f"there is no kind of tier '{shorten(kind)}'")
    _span(tokens)
    return kind, name


def _interval(tokens: _Tokens) -> Interval:
    start, end = _span(tokens)
    return Interval(tokens.string(), start, end)


def _point(tokens: _Tokens) -> None:
    tokens.number()
    tokens.string()


_READERS: Final[dict[str, Callable[[_Tokens], Interval | None]]] = {_INTERVALS: _interval, _POINTS: _point}


def _span(tokens: _Tokens) -> tuple[float, float]:
    return tokens.number(), tokens.number()
