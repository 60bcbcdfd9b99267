"""Writes results for people and programs: the values of a report, a strict JSON file, a table for the terminal.

`duplex.eval.reports.schema` defines the content of the file. Nothing here depends on how figures and rows were made.
"""

import json
from collections.abc import Sequence
from math import isinf, isnan
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.table import Table
from rich.text import Text

from configs.eval.statistics import StatisticsConfig
from duplex.eval.errors import EvaluationError
from duplex.eval.measures.figures import DIGITS, Figure
from duplex.eval.reports.cells import Cells, cells
from duplex.eval.reports.schema import SCHEMA
from duplex.eval.suite import DialogueRow, Facts
from duplex.io import whole_files as files

_STYLES: Final = {"met": "green", "missed": "bold red", "no data": "yellow"}


def report(
    suite: str, settings: Facts, machine: Facts, figures: Sequence[Figure], rows: Sequence[DialogueRow]
) -> Facts:
    """Everything about a run as plain values; `machine` is the only part in which two equal runs may differ."""
    statistics = figures[0].statistics if figures else StatisticsConfig()
    return {
        "schema": SCHEMA,
        "suite": suite,
        "settings": plain(settings),
        "machine": plain(machine),
        "statistics": plain(statistics.model_dump()),
        "figures": [plain(_figure(figure), DIGITS) for figure in figures],
        "dialogues": [plain(row.to_json(), DIGITS) for row in rows],
    }


def write_json(values: Facts, path: Path) -> None:
    """Write plain values as strict JSON, with each item of a list on a line; creates the folder.

    Raises:
        EvaluationError: the file cannot be written.
    """
    write_text(_lay_out(plain(values), "") + "\n", path)


def write_text(text: str, path: Path) -> None:
    """Write a whole text file; creates the folder.

    Raises:
        EvaluationError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_text(path, text)
    except OSError as error:
        raise EvaluationError(f"{path}: cannot be written ({error.strerror}); choose another place") from None


def plain(value: Any, digits: int | None = None) -> Any:
    """Convert to values that JSON has: infinity becomes "inf", NaN becomes None, floats are rounded to `digits`.

    Text that cannot be encoded (a file name) is escaped, as on the terminal.
    """
    if isinstance(value, dict):
        return {files.escape(str(key)): plain(one, digits) for key, one in value.items()}
    if isinstance(value, str):
        return files.escape(value)
    if isinstance(value, list | tuple):
        return [plain(one, digits) for one in value]
    if isinstance(value, np.generic):
        value = value.item()
    if not isinstance(value, float):
        return value
    if isinf(value):
        return "inf" if value > 0 else "-inf"
    return None if isnan(value) else value if digits is None else round(value, digits)


def table(title: str, figures: Sequence[Figure]) -> Table:
    """A table of the figures with their intervals and bars, without details."""
    out = Table(title=title, title_justify="left")
    out.add_column("figure")
    out.add_column("result", justify="right")
    out.add_column("95 % interval")
    out.add_column("spread")
    out.add_column("n")
    out.add_column("bar")
    for figure in figures:
        if not figure.detail:
            cell = cells(figure)
            out.add_row(cell.name, cell.result, cell.interval, cell.spread, cell.n, _bars(cell))
    return out


def _bars(cell: Cells) -> Text:
    text = Text()
    for bar in cell.bars:
        mark = bar.mark.upper() if bar.mark == "missed" else bar.mark
        text.append(f"{bar.text} {mark} ", _STYLES[bar.mark])
    return text


def _figure(figure: Figure) -> Facts:
    bars = [{**bar.model_dump(), "met": figure.meets(bar)} for bar in figure.bars]
    values: Facts = {"values": figure.values} if figure.kind != "number" else {}
    if figure.kind == "ratio":
        values["over"] = figure.summary.over
    known = {"name": figure.name, "of": figure.of, "kind": figure.kind, **figure.numbers}
    return {**known, "bars": bars, "detail": figure.detail, **values}


def _lay_out(value: Any, indent: str) -> str:
    """Readable JSON: keys on lines of their own except inside lists, and likewise items of lists of lists."""
    if isinstance(value, dict) and value:
        lines = (f"{indent} {_line(key)}: {_lay_out(one, indent + ' ')}" for key, one in value.items())
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
        return "[\n" + ",\n".join(f"{indent} {_line(one)}" for one in value) + f"\n{indent}]"
    return _line(value)


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
