"""`duplex evaluate SUITE` and `all`: runs suites, and prints and keeps their results.

This module handles the command line; `runtime.cli.evaluate.suite_run` runs a suite.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from configs.audio import AUDIO
from configs.eval.conditions import NO_CONDITION
from duplex.eval.errors import EvaluationError
from duplex.eval.measures.figures import meets_all_bars
from duplex.eval.reports.cells import describe_language_model
from duplex.eval.reports.report import table, write_json, write_text
from duplex.eval.runner import OnRow
from duplex.eval.suite import Facts
from duplex.eval.suites.suite_names import QUESTIONS, REACTIVE, TURN_TAKING
from duplex.eval.users.conditions import parse
from runtime.cli.common import JsonFile, err, out, progress
from runtime.cli.evaluate.options import Gap, RunOptions
from runtime.cli.evaluate.suite_run import OnStart, Run, SuiteResult, measure
from runtime.cli.option_groups import with_option_groups
from runtime.cli.values import NumberList
from runtime.errors import user_line

REDIRECTED_WIDTH = 140
Reactive = Annotated[bool, typer.Option("--reactive", help=QUESTIONS[REACTIVE])]


def list_suites(json_file: JsonFile = None) -> None:
    """Name the suites."""
    names = Table("suite", "what it asks")
    for name, question in QUESTIONS.items():
        names.add_row(name, question)
    out().print(names)
    if json_file:
        write_json({"suites": QUESTIONS}, json_file)


@with_option_groups
def turn_taking(asked: RunOptions, reactive: Reactive = False, gap: Gap = None, json_file: JsonFile = None) -> None:
    """Two questions, or a question during a long answer."""
    runs = [one for base in _gaps(asked.run(), gap) for one in _conditions(base, asked.condition)]
    name = REACTIVE if reactive else TURN_TAKING
    _finish([_measure(name, one) for one in runs], asked, json_file)


turn_taking.__doc__ = QUESTIONS[TURN_TAKING]


def suite_command(name: str) -> Callable[..., None]:
    """Make the command of a suite."""

    @with_option_groups
    def command(asked: RunOptions, json_file: JsonFile = None) -> None:
        _finish([_measure(name, one) for one in _conditions(asked.run(), asked.condition)], asked, json_file)

    command.__doc__ = QUESTIONS[name]
    return command


@with_option_groups
def all_suites(asked: RunOptions, json_file: JsonFile = None) -> None:
    """Run all suites, one after the other; those that cannot run are left out and named.

    The exit code is 1 if a suite was left out.
    """
    results: list[SuiteResult] = []
    left_out: dict[str, str] = {}
    runs = list(_conditions(asked.run(), asked.condition))
    for name in QUESTIONS:
        try:
            results.extend(_measure(name, one) for one in runs)
        except EvaluationError as error:
            left_out[name] = user_line(error)
    for name, why in left_out.items():
        err().print(f"left out: {name}: {why}", style="red")
    _finish(results, asked, json_file, left_out)
    if left_out:
        raise typer.Exit(1)


def _conditions(settings: Run, texts: Sequence[str] | None) -> Iterator[Run]:
    """A run for every requested condition."""
    for condition in parse(texts or ()):
        yield replace(settings, condition=condition)


def _gaps(settings: Run, gaps: NumberList | None) -> Iterator[Run]:
    """A run for every gap between the two questions."""
    if gaps is None:
        yield settings
        return
    config = settings.sources.config
    for gap in gaps.values:
        turn_taking = config.turn_taking.model_copy(update={"gap_s": gap})
        sources = replace(settings.sources, config=config.model_copy(update={"turn_taking": turn_taking}))
        yield replace(settings, sources=sources, variant=f"gap{gap:g}")


def _measure(name: str, settings: Run) -> SuiteResult:
    """Run a suite and print the result."""
    with _count(name) as on_start:
        result = measure(name, settings, on_start)
    _print(name, settings, result)
    return result


def _finish(
    results: Sequence[SuiteResult], asked: RunOptions, json_file: Path | None, left_out: dict[str, str] | None = None
) -> None:
    """Summarise several runs, write the figures, and fail if a bar is missed."""
    if len(results) > 1:
        _summarise(results, asked.out)
    if json_file:
        alone = len(results) == 1 and left_out is None
        write_json(results[0].values if alone else _overview(results, left_out or {}), json_file)
    if asked.check and not all(meets_all_bars(result.figures) for result in results):
        raise typer.Exit(1)


@contextmanager
def _count(name: str) -> Iterator[OnStart]:
    with progress() as bar:

        def on_start(total: int, done: int) -> OnRow:
            task = bar.add_task(name, total=total, completed=done)
            return lambda _: bar.advance(task)

        yield on_start


def _print(name: str, settings: Run, result: SuiteResult) -> None:
    console = out()
    console.width = console.width if console.is_terminal else REDIRECTED_WIDTH
    title = ", ".join([name, settings.model.name, settings.policy, *filter(None, _variant(settings))])
    console.print(table(title, result.figures))
    if llm := result.values["settings"].get("llm"):
        console.print(f"language model: {describe_language_model(llm)}")
    for rate, count in result.resampled.items():
        err().print(f"note: {count} sound files have {rate} Hz and were resampled to {AUDIO.input_rate} Hz")
    for note in result.notes:
        err().print(f"note: {note}")
    err().print(f"report with timelines: {result.folder / 'report.html'}")


def _variant(settings: Run) -> tuple[str, ...]:
    clean = settings.condition == NO_CONDITION
    return settings.model.pattern or "", settings.variant, "" if clean else settings.condition.name


def _summarise(results: Sequence[SuiteResult], folder: Path) -> None:
    """Write the Markdown reports of several runs to one file."""
    path = folder / "summary.md"
    write_text("\n".join((result.folder / "report.md").read_text(encoding="utf-8") for result in results), path)
    err().print(f"all figures: {path}")


def _overview(results: Sequence[SuiteResult], left_out: dict[str, str]) -> Facts:
    """The reports of several runs without their conversations."""
    kept = ("schema", "suite", "settings", "machine", "figures")
    reports = [{key: result.values[key] for key in kept} for result in results]
    return {"reports": reports, **({"left_out": left_out} if left_out else {})}
