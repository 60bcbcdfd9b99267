"""Labels in a TextGrid: what both sides do, a tier each.

A tier is somebody's when its name says so (user, assistant, ...). An interval with a text is a label: of the type that
the text names ("backchannel"), else "speech" with the text as its words.
"""

from collections.abc import Iterator
from pathlib import Path

from configs.eval.scoring import LabelsConfig
from duplex.eval.errors import EvaluationError
from duplex.eval.exchange.labels import KINDS, Kind, Label, Placed, side_named
from duplex.eval.exchange.textgrid import read_textgrid


def read_tiers(path: Path, config: LabelsConfig) -> Iterator[Placed]:
    """Labels of the tiers of both sides.

    Raises:
        EvaluationError: it is no TextGrid, or no tier is named after a side.
    """
    tiers = read_textgrid(path)
    owned = [(name, side) for name in tiers if (side := side_named(name, config))]
    if not owned:
        names = ", ".join(f"'{name}'" for name in tiers) or "none"
        raise EvaluationError(f"{path}: no tier is named after a side (tiers: {names}); name them user and assistant")
    for name, side in owned:
        for number, interval in enumerate(tiers[name], 1):
            if words := interval.text.strip():
                kind, said = _kind(words)
                yield (
                    f"{path}: interval {number} of tier '{name}'",
                    Label(side, kind, interval.start, interval.end, said),
                )


def _kind(words: str) -> tuple[Kind, str]:
    named = next((kind for kind in KINDS if kind == words.lower()), None)
    return (named, "") if named else ("speech", words)
