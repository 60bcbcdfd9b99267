"""Results for people and programs: a JSON file and a table for the terminal.

Knows figures and rows; knows nothing of how they were made.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from configs.evaluation import Bar
from duplex.eval.measures.figures import Figure
from duplex.eval.reports.timeline import page
from duplex.eval.suite import Facts, Row

SCHEMA = 1
_SHARES = ("share", "low", "high")


def report(suite: str, settings: Facts, machine: Facts, figures: Sequence[Figure], rows: Sequence[Row]) -> Facts:
    """Everything about a run as plain values; `machine` is the only part that two equal runs may differ in."""
    return {
        "schema": SCHEMA,
        "suite": suite,
        "settings": settings,
        "machine": machine,
        "figures": [_figure(figure) for figure in figures],
        "dialogues": [row.to_json() for row in rows],
    }


def write_json(values: Facts, path: Path) -> None:
    """Write a report; the folder is made."""
    write_text(json.dumps(values, ensure_ascii=False, indent=1) + "\n", path)


def write_text(text: str, path: Path) -> None:
    """Write a text file; the folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def html(values: Facts, figures: Sequence[Figure]) -> str:
    """The report as a single HTML page with a timeline per conversation."""
    settings = values["settings"]
    title = f"{values['suite']}: {settings.get('model', '')}, {settings.get('policy', '')}"
    subtitle = f"fingerprint {settings.get('fingerprint', '')}, seed {settings.get('seed', '')}"
    return page(title, subtitle, [_cells(figure) for figure in figures], values["dialogues"])


def table(title: str, figures: Sequence[Figure]) -> Table:
    """The figures with their intervals and bars, details left out."""
    out = Table(title=title, title_justify="left")
    out.add_column("figure")
    out.add_column("result", justify="right")
    out.add_column("95 % interval, percentiles")
    out.add_column("n")
    out.add_column("bar")
    for figure in figures:
        if not figure.detail:
            out.add_row(figure.name, result(figure), around(figure), _n(figure), _bars(figure))
    return out


def result(figure: Figure) -> str:
    """The main number of a figure."""
    numbers = figure.numbers
    if "share" in numbers:
        return shown(numbers["share"], "share")
    return shown(numbers["value"], "value") if "value" in numbers else f"p50 {shown(numbers['p50'], 'p50')}"


def around(figure: Figure) -> str:
    """Interval or percentiles of a figure."""
    numbers = figure.numbers
    if "share" in numbers:
        return f"{shown(numbers['low'], 'low')} - {shown(numbers['high'], 'high')}"
    return "" if "value" in numbers else ", ".join(f"{k} {shown(numbers[k], k)}" for k in ("mean", "p90", "p95"))


def shown(value: float | None, kind: str) -> str:
    """A number as people read it: shares in percent."""
    if value is None:
        return "-"
    return f"{100 * value:.1f} %" if kind in _SHARES else f"{value:.3g}"


def _n(figure: Figure) -> str:
    return f"{figure.numbers['n']:g} {figure.of}"


def _cells(figure: Figure) -> Facts:
    bars = [{"text": _bar(bar), "css": "met" if figure.met(bar) else "missed"} for bar in figure.bars]
    return {"name": figure.name, "n": _n(figure), "result": result(figure), "around": around(figure), "bars": bars}


def _bars(figure: Figure) -> Text:
    text = Text()
    for bar in figure.bars:
        if figure.numbers.get(bar.of) is None:
            mark, style = "no data", "yellow"
        else:
            mark, style = ("met", "green") if figure.met(bar) else ("MISSED", "red")
        text.append(f"{_bar(bar)} {mark} ", style)
    return text


def _bar(bar: Bar) -> str:
    name = "" if bar.of in ("share", "value") else f"{bar.of} "
    return f"{name}{bar.sense} {shown(bar.limit, bar.of)}"


def _figure(figure: Figure) -> Facts:
    bars = [{**bar.model_dump(), "met": figure.met(bar)} for bar in figure.bars]
    return {"name": figure.name, "of": figure.of, **figure.numbers, "bars": bars}
