"""Praat's TextGrid: interval tiers of labelled spans, in the long and in the short text form.

Knows the file format (Praat manual, "TextGrid file formats"); knows nothing of what the labels mean.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from duplex.eval.errors import EvaluationError

_TOKEN = re.compile(r'"((?:[^"]|"")*)"|<(\w+)>|(?<![\w.])(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)(?![\w\]])')
_INTERVALS, _POINTS = "IntervalTier", "TextTier"


@dataclass(frozen=True)
class Interval:
    """A labelled span, seconds; `text` may be empty."""

    text: str
    start: float
    end: float


def read_textgrid(path: Path) -> dict[str, tuple[Interval, ...]]:
    """The interval tiers by name, in the file's order; point tiers are left out.

    Raises:
        EvaluationError: the file is missing, or no TextGrid.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise EvaluationError(f"{path}: cannot be read ({error.strerror}); check the path") from None
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
        return dict(_tiers(_tokens(text)))
    except ValueError as error:
        raise EvaluationError(f"{path}: is no TextGrid ({error}); save it from Praat as text") from None


def _tokens(text: str) -> Iterator[str]:
    """Strings, numbers and flags of the file; what Praat writes around them is free text."""
    for match in _TOKEN.finditer(text):
        string, flag, number = match.groups()
        yield string.replace('""', '"') if string is not None else flag or number
    raise ValueError("it ends too early")


def _tiers(tokens: Iterator[str]) -> Iterator[tuple[str, tuple[Interval, ...]]]:
    if (next(tokens), next(tokens)) != ("ooTextFile", "TextGrid"):
        raise ValueError('it does not begin with "ooTextFile" and "TextGrid"')
    _span(tokens)
    if next(tokens) != "exists":
        return
    for _ in range(int(next(tokens))):
        kind, name = next(tokens), next(tokens)
        _span(tokens)
        count = int(next(tokens))
        if kind == _INTERVALS:
            yield name, tuple(_interval(tokens) for _ in range(count))
        elif kind == _POINTS:
            for _ in range(2 * count):
                next(tokens)
        else:
            raise ValueError(f"there is no kind of tier '{kind}'")


def _interval(tokens: Iterator[str]) -> Interval:
    start, end = _span(tokens)
    return Interval(next(tokens), start, end)


def _span(tokens: Iterator[str]) -> tuple[float, float]:
    return float(next(tokens)), float(next(tokens))
