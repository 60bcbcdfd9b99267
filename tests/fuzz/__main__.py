"""The command: a progress bar, one line per kind, and how to repeat each fault."""

import argparse
import sys
import traceback
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.fuzz.kind import FaultError, try_input
from tests.fuzz.kinds import KINDS
from tests.fuzz.run import Summary, run_kind

_SHOWN = 20
"""Kinds of faults that are shown of each kind of input."""


def main() -> int:
    """The command; its status is 1 if there was a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Inputs that are almost right.")
    parser.add_argument("--inputs", type=int, default=100_000, help="how many, all kinds together (default: 100000)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same inputs (default: 1)")
    parser.add_argument("--kind", choices=list(KINDS), help="one kind instead of all")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="one input of --kind, with its traceback")
    options = parser.parse_args()
    if options.only is not None:
        if options.kind is None:
            parser.error("--only needs --kind")
        return _one(options.kind, options.seed, options.only)
    kinds = [options.kind] if options.kind else list(KINDS)
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    console.print(f"seed {options.seed}")
    return max([_all(console, kind, options.seed, max(1, options.inputs // len(kinds))) for kind in kinds])


def _all(console: Console, kind: str, seed: int, count: int) -> int:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(kind, total=count)
        summary = run_kind(kind, seed, count, lambda done: bar.update(task, completed=done))
    console.print(summary.line())
    for line in _faults(summary, seed):
        console.print(line)
    return int(bool(summary.faults))


def _faults(summary: Summary, seed: int) -> list[str]:
    most = sorted(summary.faults.items(), key=lambda one: -len(one[1]))[:_SHOWN]
    again = f"python -m tests.fuzz --seed {seed} --kind {summary.kind} --only"
    return [f"  {len(numbers)} x {fault}\n    again: {again} {numbers[0]}" for fault, numbers in most]


def _one(kind: str, seed: int, number: int) -> int:
    """Try one input, and show it and its fault."""
    made = KINDS[kind]()
    data = made.draw(seed, number)
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    console.print(f"{len(data)} bytes: {data[:2000]!r}")
    with TemporaryDirectory() as folder, made.reading(Path(folder)) as reader:
        try:
            console.print("accepted" if try_input(reader, data) else "refused")
        except FaultError:
            console.print(traceback.format_exc())
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
