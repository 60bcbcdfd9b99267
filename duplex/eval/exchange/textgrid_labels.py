"""Reads labels from a TextGrid, in which each side has one or several tiers.

A tier belongs to a side if its name says so (user, assistant, ...). An interval with a text is a label: of the type
that the text names ("backchannel"), or otherwise "speech" with the text as its words.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from configs.eval.scoring import LabelsConfig
from duplex.eval.errors import EvaluationError
from duplex.eval.exchange.labels import KINDS, Found, Label, LabelKind, PlacedLabel, Side, find_side
from duplex.eval.exchange.textgrid import Tier, read_textgrid
from duplex.io.whole_files import shorten

Owned = tuple[Tier, Side]
"""A tier and its side."""


def read_tiers(path: Path, config: LabelsConfig) -> Found:
    """Read the labels of both sides' tiers, with a note of what is left out.

    Raises:
        EvaluationError: the file is not a TextGrid, or no tier is named after a side.
    """
    tiers = read_textgrid(path)
    owned = [(tier, side) for tier in tiers if (side := find_side(tier.name, config))]
    if not owned:
        raise EvaluationError(
            f"{path}: no tier is named after a side (tiers: {_names(tiers)}); name them user and assistant"
        )
    return Found(tuple(_labels(owned, path)), tuple(_notes(tiers, owned, path)))


def _labels(owned: Sequence[Owned], path: Path) -> Iterator[PlacedLabel]:
    for tier, side in owned:
        for number, interval in enumerate(tier.intervals, 1):
            if words := interval.text.strip():
                kind, said = _kind(words)
                place = f"{path}: interval {number} of tier '{shorten(tier.name)}'"
                yield place, Label(side, kind, interval.start, interval.end, said)


def _notes(tiers: Sequence[Tier], owned: Sequence[Owned], path: Path) -> Iterator[str]:
    for side, count in Counter(side for tier, side in owned if tier.intervals).items():
        if count > 1:
            names = _names([tier for tier, whose in owned if whose == side])
            yield f"{path}: {count} tiers are the {side}'s ({names}); the labels of all of them are used"
    known = [tier for tier, _ in owned]
    if left_out := [tier for tier in tiers if tier not in known]:
        yield f"{path}: left out the tiers that are not named after a side: {_names(left_out)}"
    if points := [tier for tier in known if tier.points]:
        yield f"{path}: left out the points of {_names(points)}; labels are intervals"


def _names(tiers: Sequence[Tier]) -> str:
    return ", ".join(f"'{shorten(tier.name)}'" for tier in tiers) or "none"


def _kind(words: str) -> tuple[LabelKind, str]:
    named = next((kind for kind in KINDS if kind == words.lower()), None)
    return (named, "") if named else ("speech", words)
