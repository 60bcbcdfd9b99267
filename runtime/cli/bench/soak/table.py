"""Shows the verdicts of a soak as a table with a small picture of every course."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from runtime.cli.bench.soak.judge import Verdict

LEVELS: Final = "▁▂▃▄▅▆▇█"
WIDTH: Final = 24
_WIDEST: Final = 1000
RESULTS: Final = {True: ("pass", "green"), False: ("MISS", "red"), None: ("not measured", "yellow")}


def show_table(verdicts: Sequence[Verdict], console: Console) -> None:
    """Print the table; widens a console that is too narrow for its rows."""
    table = make_table(verdicts)
    wide = console.options.update(width=_WIDEST)
    console.width = max(console.width, Measurement.get(console, wide, table).maximum)
    console.print(table)


def make_table(verdicts: Sequence[Verdict]) -> Table:
    """One row per measure. `judged` is what the bar is about; slopes are per minute."""
    table = Table("measure", "start", "end", "slope/min", "judged", "bar", "result", "course", box=None)
    for one in verdicts:
        result, style = RESULTS[one.passed]
        ends = [_show(value, one.unit) for value in (one.first, one.last)]
        table.add_row(
            one.measure, *ends, _show(one.slope, one.unit), f"{one.judged} {_show(one.value)}", one.bar,
            Text(result, style), sparkline(one.course),
        )  # fmt: skip
    return table


def sparkline(values: Sequence[float | None], width: int = WIDTH) -> str:
    """A line of block characters from the least to the largest value; a space where nothing was measured.

    Args:
        values: [n], None where nothing was measured.
        width: most characters; more values are drawn as medians of neighbours.
    """
    if not values:
        return ""
    parts = np.array_split(np.array(values, dtype=np.float64), min(width, len(values)))
    levels = [np.median(part[~np.isnan(part)]) if not np.isnan(part).all() else np.nan for part in parts]
    there = [level for level in levels if not np.isnan(level)]
    low, high = (min(there), max(there)) if there else (0.0, 0.0)
    scale = (len(LEVELS) - 1) / (high - low) if high > low else 0.0
    return "".join(" " if np.isnan(level) else LEVELS[round((level - low) * scale)] for level in levels)


def _show(value: float | None, unit: str = "") -> str:
    if value is None:
        return "-"
    return f"{value:.4g} {unit}".rstrip() if abs(value) < 1000 else f"{value:.0f} {unit}".rstrip()
