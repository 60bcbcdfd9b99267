"""Writes the summary of a report in Markdown, fit for a README: settings, figures, the dialogues to look at first."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from duplex.eval.measures.figures import Figure
from duplex.eval.reports.cells import cells, settings_line
from duplex.eval.reports.latencies import RESPONSE, STOP, slowest
from duplex.eval.suite import Facts

WORST: Final = 10
"""Number of dialogues that are listed."""

_FIGURES: Final = ("figure", "result", "95 % interval", "mean, p90, p95", "n", "bar")
_DIALOGUES: Final = ("dialogue", "group", "worst", "slowest response", "slowest stop")


def markdown(values: Facts, figures: Sequence[Figure]) -> str:
    """The summary of a report's values and the figures that it was made from."""
    settings = ", ".join(f"{key} {value}" for key, value in settings_line(values["settings"]) if key != "suite")
    parts = [
        f"# {values['suite']}",
        settings,
        _table(_FIGURES, (_figure(figure) for figure in figures if not figure.detail)),
        "\n".join(_notes(figures)),
        "## Worst dialogues",
        _table(_DIALOGUES, (_dialogue(row) for row in _worst(values["dialogues"]))),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _figure(figure: Figure) -> tuple[str, ...]:
    cell = cells(figure)
    bars = ", ".join(f"{bar.text} {'**missed**' if bar.mark == 'missed' else bar.mark}" for bar in cell.bars)
    return cell.name, cell.result, cell.interval, cell.spread, cell.n, bars


def _notes(figures: Sequence[Figure]) -> Iterator[str]:
    bars = [figure.meets(bar) for figure in figures for bar in figure.bars]
    if bars:
        yield f"{sum(bars)} of {len(bars)} bars are met."
    yield "Intervals: Wilson for rates; for latencies (signed seconds) of the median, bootstrap over dialogues."
    details = sum(figure.detail for figure in figures)
    if details:
        yield f"{details} more figures are in report.json."


def _worst(rows: Sequence[Facts]) -> list[Facts]:
    return sorted(rows, key=lambda row: (-row["worst"], row["id"]))[:WORST]


def _dialogue(row: Facts) -> tuple[str, ...]:
    return row["id"], row["group"], f"{row['worst']:g}", *(_seconds(slowest(row, kind)) for kind in (RESPONSE, STOP))


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s"


def _table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = [heads, ["---"] * len(heads), *lines]
    return "\n".join("| " + " | ".join(_cell(text) for text in row) + " |" for row in rows)


def _cell(text: str) -> str:
    """Escape characters that would end a cell or begin a tag."""
    return re.sub(r"<(?=\S)", "&lt;", text).replace("|", "\\|").replace("\n", " ")
