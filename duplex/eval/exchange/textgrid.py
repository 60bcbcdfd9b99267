"""TextGrid of Praat, long or short form: tiers of intervals and points with a text each.

A tier is somebody's when its name says so (user, assistant, ...). An interval with a text is a label: of the type that the
text names ("backchannel"), else "speech" with the text as its words. Points have no length and are left out.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from configs.scoring import LabelsConfig
from duplex.eval.errors import EvaluationError
from duplex.eval.exchange.labels import KINDS, Kind, Label, Placed, side_named

_TOKEN = re.compile(r'"(?:[^"]|"")*"|[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|<exists>|<absent>')
_INDEX = re.compile(r"^\s*(?:item|intervals|points)\s*\[\d*\]\s*:?", re.MULTILINE)
_COMMENT = re.compile(r"^\s*!.*$", re.MULTILINE)
_INTERVALS, _POINTS = "IntervalTier", "TextTier"
_HEADER = 6
"""File type, object class, start, end, whether there are tiers, how many."""


@dataclass(frozen=True)
class Tier:
    """A tier of intervals: (start, end, text)."""

    name: str
    intervals: tuple[tuple[float, float, str], ...]


def read_textgrid(text: str, path: Path, config: LabelsConfig) -> Iterator[Placed]:
    """Labels of the tiers of both sides.

    Raises:
        EvaluationError: it is no TextGrid, or no tier is named after a side.
    """
    tiers = _tiers(text, path)
    owned = [(tier, side) for tier in tiers if (side := side_named(tier.name, config))]
    if not owned:
        names = ", ".join(f"'{tier.name}'" for tier in tiers) or "none"
        raise EvaluationError(f"{path}: no tier is named after a side (tiers: {names}); name them user and assistant")
    for tier, side in owned:
        for number, (start, end, words) in enumerate(tier.intervals, 1):
            if words.strip():
                kind, said = _kind(words.strip())
                yield f"{path}: interval {number} of tier '{tier.name}'", Label(side, kind, start, end, said)


def _kind(words: str) -> tuple[Kind, str]:
    named = next((kind for kind in KINDS if kind == words.lower()), None)
    return (named, "") if named else ("speech", words)


def _tiers(text: str, path: Path) -> list[Tier]:
    """Both forms hold the same values in the same order; the long one has names and numbers of items between them."""
    tokens = iter(_TOKEN.findall(_INDEX.sub("", _COMMENT.sub("", text))))
    try:
        header = [next(tokens) for _ in range(_HEADER)]
        if header[1] != '"TextGrid"':
            raise EvaluationError(f"{path}: is no TextGrid but {header[1]}; save the TextGrid object of Praat")
        tiers = [_tier(tokens) for _ in range(int(header[5]))]
    except (StopIteration, ValueError):
        raise EvaluationError(f"{path}: is no complete TextGrid; save it again as a text file") from None
    return [tier for tier in tiers if tier is not None]


def _tier(tokens: Iterator[str]) -> Tier | None:
    """The next tier; None for one of points."""
    form, name = _quoted(next(tokens)), _quoted(next(tokens))
    next(tokens), next(tokens)
    count = int(next(tokens))
    if form == _POINTS:
        for _ in range(count):
            next(tokens), next(tokens)
        return None
    if form != _INTERVALS:
        raise ValueError(form)
    intervals = [(float(next(tokens)), float(next(tokens)), _quoted(next(tokens))) for _ in range(count)]
    return Tier(name, tuple(intervals))


def _quoted(token: str) -> str:
    if not token.startswith('"'):
        raise ValueError(token)
    return token[1:-1].replace('""', '"')
