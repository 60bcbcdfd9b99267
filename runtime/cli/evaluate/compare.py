"""`duplex evaluate compare`: compares two reports of one suite.

This module handles the command line; `duplex.eval.reports.compare` computes the differences.
"""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table

from configs.eval.statistics import ComparisonConfig
from duplex.eval.reports.cells import bounds, show
from duplex.eval.reports.compare import Comparison, Difference, compare
from duplex.eval.reports.report import plain, write_json
from duplex.eval.reports.schema import read_report
from runtime.cli.common import JsonFile, err, out
from runtime.cli.paths import file

REDIRECTED_WIDTH: Final = 160
_STYLES: Final = {"better": "green", "worse": "bold red"}

First = Annotated[Path, typer.Argument(metavar="A", help="A report.json or the folder of a run.")]
Second = Annotated[Path, typer.Argument(metavar="B", help="The same for another run of the same suite.")]
FailOnWorse = Annotated[bool, typer.Option("--fail-on-worse", help="Exit with 1 if a figure with a bar got worse.")]
Definitions = Annotated[Path | None, file("--config", help="YAML file: how runs are compared.")]


def command(
    first: First,
    second: Second,
    fail_on_worse: FailOnWorse = False,
    json_file: JsonFile = None,
    config: Definitions = None,
) -> None:
    """Compare two runs of a suite: differences with their 95 % intervals, dialogue by dialogue."""
    rules = ComparisonConfig.from_yaml(config) if config else ComparisonConfig()
    found = compare(read_report(first), read_report(second), rules)
    if json_file:
        write_json({"a": str(first), "b": str(second), **plain(asdict(found))}, json_file)
    console = out()
    console.width = console.width if console.is_terminal else REDIRECTED_WIDTH
    console.print(_table(f"{found.suite}: A {first}, B {second}, {found.pairs} dialogues in both", found))
    for line in _notes(found):
        err().print(line)
    if fail_on_worse and found.worse:
        raise typer.Exit(1)


def _table(title: str, found: Comparison) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("figure")
    for head in ("A", "B", "B - A"):
        table.add_column(head, justify="right")
    table.add_column("95 % interval")
    table.add_column("p", justify="right")
    table.add_column("B is")
    for difference in (one for one in found.differences if not one.detail):
        table.add_row(*_cells(difference), style=_STYLES.get(difference.verdict))
    return table


def _cells(found: Difference) -> tuple[str, ...]:
    percent = found.number == "share"
    name = found.name if found.number in ("share", "value") else f"{found.name}, {found.number}"
    numbers = (show(value, percent) for value in (found.first, found.second, found.difference))
    return name, *numbers, bounds(found.low, found.high, percent), show(found.p), found.verdict


def _notes(found: Comparison) -> Iterator[str]:
    """What a reader should know before trusting the table."""
    for side, ids in (("A", found.only_first), ("B", found.only_second)):
        if ids:
            yield f"{len(ids)} dialogues are only in {side} and were left out"
    if found.missing:
        yield f"figures of only one report: {'; '.join(found.missing)}"
    if found.settings:
        yield f"settings that differ: {', '.join(found.settings)}"
    if found.unlike:
        yield f"warning: not the same measurement, these differ: {', '.join(found.unlike)}"
