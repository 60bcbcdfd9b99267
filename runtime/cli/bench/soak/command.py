"""`duplex bench soak`: talks to a server for an hour and fails if something grows, leaks or comes late."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from duplex.eval.reports.cells import describe_language_model
from runtime.cli.bench.command import MOST_SESSIONS, QUESTIONS
from runtime.cli.bench.own_server import RunningServer, start_server
from runtime.cli.bench.soak.judge import Bars, Verdict, judge, missed
from runtime.cli.bench.soak.processes import check_system
from runtime.cli.bench.soak.samples import Measured
from runtime.cli.bench.soak.soak import SoakConfig, soak
from runtime.cli.bench.soak.table import show_table
from runtime.cli.bench.spoken import read_speech
from runtime.cli.common import JsonFile, PatternOptions, out, progress, write_json
from runtime.cli.option_groups import with_option_groups
from runtime.cli.paths import file
from runtime.cli.values import number
from runtime.clock import SystemClock
from runtime.engine.worker import loader_with
from runtime.pcm import Pcm16

SHORTEST_MIN, LONGEST_MIN, MOST_PPM = 0.2, 1440.0, 1000.0
SHORTEST_EVERY_S, LONGEST_EVERY_S = 0.5, 60.0
_MIN_S: Final = 60.0


@dataclass(frozen=True)
class SoakReport:
    """A soak and its verdicts. `llm`: the server's language model, as reports of evaluations name it; or None."""

    model: str
    llm: dict[str, Any] | None
    config: SoakConfig
    bars: Bars
    passed: bool
    verdicts: tuple[Verdict, ...]
    measured: Measured


@with_option_groups
def command(
    chosen: PatternOptions,
    minutes: Annotated[float, number(SHORTEST_MIN, LONGEST_MIN, "Length of the conversations.", unit="min")] = 60.0,
    sessions: Annotated[int, number(1, MOST_SESSIONS, "Conversations at once.", whole=True)] = 2,
    drift_ppm: Annotated[
        float, number(0, MOST_PPM, "By how much the clients' clocks are off, every other one + and -.", unit="ppm")
    ] = 200.0,
    every: Annotated[
        float, number(SHORTEST_EVERY_S, LONGEST_EVERY_S, "Time between two measurements.", unit="s")
    ] = 5.0,
    say: Annotated[list[Path] | None, file(help="What the clients say; default: three questions.")] = None,
    json_file: JsonFile = None,
) -> None:
    """Serve long conversations with drifting clocks, and fail if memory or lag grows or something leaks.

    The exit code is 1 if a bar is missed. Linux only.
    """
    check_system()
    audio = read_speech(say or [QUESTIONS])
    config = SoakConfig(minutes * _MIN_S, sessions, drift_ppm, every, pattern=chosen.pattern)
    loader = loader_with(chosen.resolve_changes())
    with progress() as bar:
        task = bar.add_task(f"{sessions} sessions, {minutes:g} min", total=config.seconds)
        with start_server(chosen.model, sessions, loader) as server:
            report = run_soak(server, config, audio, lambda at_s: bar.update(task, completed=at_s))
    show(report)
    if json_file:
        write_json(json_file, asdict(report))
    if not report.passed:
        raise typer.Exit(1)


def run_soak(
    server: RunningServer, config: SoakConfig, audio: Pcm16, on_progress: Callable[[float], None] = lambda at_s: None
) -> SoakReport:
    """Soak a server in real time and judge what was measured; see `soak`.

    `on_progress` is called with the seconds of the soak so far.
    """
    measured = asyncio.run(
        soak(server, config, audio, SystemClock(), on_sample=lambda sample: on_progress(sample.at_s))
    )
    bars = Bars()
    verdicts = judge(measured, bars)
    return SoakReport(server.info.model, server.llm, config, bars, not missed(verdicts), verdicts, measured)


def show(report: SoakReport) -> None:
    """Print a report."""
    console, config = out(), report.config
    console.print(
        f"{report.model}: {config.sessions} session(s) of {config.seconds / _MIN_S:g} min, clocks off by "
        f"{config.drift_ppm:g} ppm; {len(report.measured.samples)} samples"
    )
    if report.llm is not None:
        console.print(f"language model: {describe_language_model(report.llm)}")
    show_table(report.verdicts, console)
    for line in notes(report):
        console.print(line)


def notes(report: SoakReport) -> Sequence[str]:
    """What explains the figures, a line each."""
    late = report.measured.client_late_share
    own = [f"{100 * late:.2g} % of the clients' own packets left late: this machine is busy"] if late else []
    return [*report.measured.ended, *own]
