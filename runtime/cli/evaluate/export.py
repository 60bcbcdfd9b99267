"""`duplex evaluate export`: exports a saved run for other projects' scorers, and checks that these agree with ours.

This module handles the command line; the layouts are in `duplex.eval.exchange`.
"""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from configs.eval.protocols import ProtocolsConfig
from duplex.eval.errors import EvaluationError
from duplex.eval.exchange.export_fdb import TASKS, export_fdb
from duplex.eval.exchange.fdb_agreement import Agreement, agreement
from duplex.eval.exchange.formats import FORMATS, Export, find_format
from duplex.eval.exchange.saved import SavedRun
from duplex.eval.suite import Facts
from runtime.cli.common import JsonFile, err, out, progress, write_json
from runtime.cli.paths import folder_to_write
from runtime.cli.values import make_parser

_FDB = "fdb"
REDIRECTED_WIDTH = 140
FormatName = Annotated[
    str, typer.Argument(metavar="FORMAT", help=", ".join(f"{name}: {one.project}" for name, one in FORMATS.items()))
]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run that was made with --audio.")]
OutFolder = Annotated[
    Path, typer.Argument(metavar="OUT", parser=make_parser(folder_to_write), help="New folder for the export.")
]
TaskName = Annotated[str | None, typer.Option("--task", help=f"Of fdb: {', '.join(TASKS)}; else the run's first.")]
Checkout = Annotated[Path, typer.Argument(metavar="CHECKOUT", help="A checkout of DanielLin94144/Full-Duplex-Bench.")]
Folders = Annotated[list[Path], typer.Argument(metavar="FOLDER...", help="Folders of ID/output.json, one per task.")]


def export_command(
    format_name: FormatName, run: RunFolder, out_folder: OutFolder, task: TaskName = None, json_file: JsonFile = None
) -> None:
    """Write a run in the layout of another project, so that its own scorers run on it."""
    export = _exporter(format_name, task)
    saved = SavedRun.load(run)
    with progress() as bar:
        steps = bar.add_task(format_name, total=len(saved.rows))
        written = export(saved, out_folder, lambda _: bar.advance(steps), ProtocolsConfig())
    for note in written.notes:
        err().print(note)
    out().print(f"{out_folder}: {written.rows} conversations; our figures of the same files:")
    for name, value in _flat(written.figures).items():
        out().print(f"  {name}: {'-' if value is None else value}")
    if json_file:
        facts = {"format": format_name, "conversations": written.rows, "figures": written.figures}
        write_json(json_file, {**facts, "notes": list(written.notes)})


def agreement_command(checkout: Checkout, folders: Folders, json_file: JsonFile = None) -> None:
    """Run Full-Duplex-Bench's pause and smooth-turn scorers next to ours; fails if they differ."""
    lines: list[Agreement] = []
    with progress() as bar:
        steps = bar.add_task("agreement", total=len(folders))
        for folder in folders:
            lines += agreement(checkout, folder, ProtocolsConfig().full_duplex_bench)
            bar.advance(steps)
    console = out()
    console.width = console.width if console.is_terminal else REDIRECTED_WIDTH
    console.print(_table(lines))
    if json_file:
        write_json(json_file, {"lines": [_facts(line) for line in lines], "agree": all(line.agrees for line in lines)})
    if not all(line.agrees for line in lines):
        raise typer.Exit(1)


def _exporter(name: str, task: str | None) -> Export:
    chosen = find_format(name)
    if task is None:
        return chosen.export
    if name != _FDB:
        raise EvaluationError(f"--task is for {_FDB}, not for {name}; leave it out")
    return partial(export_fdb, task=task)


def _flat(figures: Facts) -> Facts:
    """Flatten nested figures; their names are joined."""
    inner = {
        f"{name} {key}": one for name, value in figures.items() if isinstance(value, dict) for key, one in value.items()
    }
    return {**{name: value for name, value in figures.items() if not isinstance(value, dict)}, **inner}


def _table(lines: list[Agreement]) -> Table:
    table = Table("folder", "scorer", "samples", "figure", "theirs", "ours", "agree")
    for line in lines:
        numbers = ("-" if number is None else f"{number:.6g}" for number in (line.theirs, line.ours))
        table.add_row(
            line.folder, line.script, str(line.samples), line.figure, *numbers, "yes" if line.agrees else "NO"
        )
    return table


def _facts(line: Agreement) -> Facts:
    return {
        "folder": line.folder,
        "scorer": line.script,
        "samples": line.samples,
        "figure": line.figure,
        "theirs": line.theirs,
        "ours": line.ours,
        "agrees": line.agrees,
    }
