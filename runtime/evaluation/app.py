"""`duplex evaluate`: a command for every suite, for all of them, and for recordings and reports.

Knows the command line; a run of a suite is `runtime.evaluation.run`.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from duplex.eval.measures.figures import all_met
from duplex.eval.reports.report import table, write_json
from duplex.eval.runner import OnRow
from duplex.eval.suite import Facts
from duplex.eval.suites.catalog import REACTIVE, SUITES, TURN_TAKING, Sources
from runtime.commands.common import JsonFile, Model, PolicyName, err, out, progress
from runtime.evaluation import policy
from runtime.evaluation.options import (
    DATA,
    OUT,
    TRIALS,
    Audio,
    Check,
    Data,
    Definitions,
    Fresh,
    Jobs,
    Limit,
    Out,
    Seed,
    Trials,
    definitions,
)
from runtime.evaluation.run import OnStart, Result, Run, measure

REDIRECTED_WIDTH = 140
Reactive = Annotated[bool, typer.Option("--reactive", help=SUITES[REACTIVE].question)]

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="Measure the model: docs/evaluation.md.")


@app.command("list")
def list_suites(json_file: JsonFile = None) -> None:
    """Name the suites."""
    names = Table("suite", "what it asks")
    for name, entry in SUITES.items():
        names.add_row(name, entry.question)
    out().print(names)
    if json_file:
        write_json({"suites": {name: entry.question for name, entry in SUITES.items()}}, json_file)


@app.command(TURN_TAKING, help=SUITES[TURN_TAKING].question)
def turn_taking(
    reactive: Reactive = False,
    data: Data = DATA,
    trials: Trials = TRIALS,
    model: Model = "mini",
    policy: PolicyName = "balanced",
    seed: Seed = 0,
    out_folder: Out = OUT,
    limit: Limit = None,
    jobs: Jobs = 1,
    fresh: Fresh = False,
    audio: Audio = False,
    check: Check = False,
    json_file: JsonFile = None,
    config: Definitions = None,
) -> None:
    """Two questions, or a question into a long answer."""
    sources = Sources(definitions(config), data, trials, seed)
    settings = Run(sources, model, policy, out_folder, limit, jobs, fresh, audio)
    _show([REACTIVE if reactive else TURN_TAKING], settings, check, json_file)


def _command(*names: str) -> Callable[..., None]:
    """A command with the common options that runs these suites."""

    def command(
        data: Data = DATA,
        trials: Trials = TRIALS,
        model: Model = "mini",
        policy: PolicyName = "balanced",
        seed: Seed = 0,
        out_folder: Out = OUT,
        limit: Limit = None,
        jobs: Jobs = 1,
        fresh: Fresh = False,
        audio: Audio = False,
        check: Check = False,
        json_file: JsonFile = None,
        config: Definitions = None,
    ) -> None:
        sources = Sources(definitions(config), data, trials, seed)
        _show(names, Run(sources, model, policy, out_folder, limit, jobs, fresh, audio), check, json_file)

    return command


def _show(names: Sequence[str], settings: Run, check: bool, json_file: Path | None) -> None:
    """Run the suites one after the other; every result is printed and kept as soon as it is there."""
    results = {}
    for name in names:
        with _counted(name) as on_start:
            results[name] = measure(name, settings, on_start)
        _print(name, settings, results[name])
    if json_file:
        write_json(results[names[0]].values if len(names) == 1 else _overview(results), json_file)
    if check and not all(all_met(result.figures) for result in results.values()):
        raise typer.Exit(1)


@contextmanager
def _counted(name: str) -> Iterator[OnStart]:
    with progress() as bar:

        def on_start(total: int, done: int) -> OnRow:
            task = bar.add_task(name, total=total, completed=done)
            return lambda _: bar.advance(task)

        yield on_start


def _print(name: str, settings: Run, result: Result) -> None:
    console = out()
    console.width = console.width if console.is_terminal else REDIRECTED_WIDTH
    console.print(table(f"{name}, {settings.model}, {settings.policy}", result.figures))
    err().print(f"report with timelines: {result.folder / 'report.html'}")


def _overview(results: dict[str, Result]) -> Facts:
    """The reports of several suites without their conversations."""
    kept = ("schema", "settings", "machine", "figures")
    return {"suites": {name: {key: result.values[key] for key in kept} for name, result in results.items()}}


for _name, _entry in SUITES.items():
    if _name != TURN_TAKING:
        app.command(_name, help=_entry.question)(_command(_name))
app.command("all", help="All suites, one after the other.")(_command(*SUITES))
app.command("policy")(policy.command)
