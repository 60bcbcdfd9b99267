"""`duplex evaluate`: a command for every suite, for all of them, and for recordings and reports.

Knows the command line; a run of a suite is `runtime.cli.evaluate.run`.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from typer.core import TyperGroup

from configs.audio import AUDIO
from configs.base import ConfigError
from configs.eval.conditions import NO_CONDITION
from duplex.eval.measures.figures import all_met
from duplex.eval.reports.report import table, write_json, write_text
from duplex.eval.runner import OnRow
from duplex.eval.suite import Facts
from duplex.eval.suites.catalog import REACTIVE, SUITES, TURN_TAKING, Sources
from duplex.eval.users.conditions import parse
from runtime.cli.common import JsonFile, Model, PolicyName, err, out, progress
from runtime.cli.evaluate import compare, export, policy, score
from runtime.cli.evaluate.options import (
    DATA,
    OUT,
    TRIALS,
    Audio,
    Check,
    ConditionTexts,
    Data,
    Definitions,
    Fresh,
    Gap,
    Jobs,
    Limit,
    Out,
    Seed,
    Trials,
    definitions,
    gaps_of,
)
from runtime.cli.evaluate.run import OnStart, Result, Run, measure

REDIRECTED_WIDTH = 140
Reactive = Annotated[bool, typer.Option("--reactive", help=SUITES[REACTIVE].question)]


class Commands(TyperGroup):
    """Suites and commands; one that is not there is named in one line."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As typer does.

        Raises:
            ConfigError: there is no such suite or command.
        """
        if args and self.get_command(ctx, args[0]) is None:
            known = ", ".join(self.list_commands(ctx))
            raise ConfigError(f"there is no suite '{args[0]}'; choose one of {known}")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Measure the model: docs/evaluation.md.",
)


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
    gap: Gap = None,
    data: Data = DATA,
    trials: Trials = TRIALS,
    model: Model = "mini",
    policy: PolicyName = "balanced",
    condition: ConditionTexts = None,
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
    settings = Run(
        Sources(definitions(config), data, trials, seed), model, policy, out_folder, limit, jobs, fresh, audio
    )
    runs = [one for base in _gaps(settings, gap) for one in _conditions(base, condition)]
    _show([(REACTIVE if reactive else TURN_TAKING, one) for one in runs], check, json_file)


def _command(*names: str) -> Callable[..., None]:
    """A command with the common options that runs these suites."""

    def command(
        data: Data = DATA,
        trials: Trials = TRIALS,
        model: Model = "mini",
        policy: PolicyName = "balanced",
        condition: ConditionTexts = None,
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
        settings = Run(
            Sources(definitions(config), data, trials, seed), model, policy, out_folder, limit, jobs, fresh, audio
        )
        _show([(name, one) for name in names for one in _conditions(settings, condition)], check, json_file)

    return command


def _conditions(settings: Run, texts: Sequence[str] | None) -> Iterator[Run]:
    """A run for every condition that is asked for."""
    for condition in parse(texts or ()):
        yield replace(settings, condition=condition)


def _gaps(settings: Run, text: str | None) -> Iterator[Run]:
    """A run for every gap between the two questions."""
    if text is None:
        yield settings
        return
    config = settings.sources.config
    for gap in gaps_of(text):
        turn_taking = config.turn_taking.model_copy(update={"gap_s": gap})
        sources = replace(settings.sources, config=config.model_copy(update={"turn_taking": turn_taking}))
        yield replace(settings, sources=sources, variant=f"gap{gap:g}")


def _show(runs: Sequence[tuple[str, Run]], check: bool, json_file: Path | None) -> None:
    """One run after the other; every result is printed and kept as soon as it is there."""
    results: list[Result] = []
    for name, settings in runs:
        with _counted(name) as on_start:
            results.append(measure(name, settings, on_start))
        _print(name, settings, results[-1])
    if len(results) > 1:
        _summarise(results, runs[0][1].out)
    if json_file:
        write_json(results[0].values if len(results) == 1 else _overview(results), json_file)
    if check and not all(all_met(result.figures) for result in results):
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
    title = ", ".join([name, settings.model, settings.policy, *filter(None, _variant(settings))])
    console.print(table(title, result.figures))
    for rate, count in result.resampled.items():
        err().print(f"note: {count} sound files have {rate} Hz and were resampled to {AUDIO.input_rate} Hz")
    err().print(f"report with timelines: {result.folder / 'report.html'}")


def _variant(settings: Run) -> tuple[str, str]:
    clean = settings.condition == NO_CONDITION
    return settings.variant, "" if clean else settings.condition.name


def _summarise(results: Sequence[Result], folder: Path) -> None:
    """The Markdown reports of several runs in one file."""
    path = folder / "summary.md"
    write_text("\n".join((result.folder / "report.md").read_text(encoding="utf-8") for result in results), path)
    err().print(f"all figures: {path}")


def _overview(results: Sequence[Result]) -> Facts:
    """The reports of several runs without their conversations."""
    kept = ("schema", "suite", "settings", "machine", "figures")
    return {"reports": [{key: result.values[key] for key in kept} for result in results]}


for _name, _entry in SUITES.items():
    if _name != TURN_TAKING:
        app.command(_name, help=_entry.question)(_command(_name))
app.command("all", help="All suites, one after the other.")(_command(*SUITES))
app.command("score")(score.command)
app.command("compare")(compare.command)
app.command("export")(export.export_command)
app.command("fdb-agreement")(export.agreement_command)
app.command("policy")(policy.command)
