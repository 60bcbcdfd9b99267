"""Tries many inputs of a kind in a process of its own, so that a hang or a crash is seen and named."""

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from tests.fuzz.kind import FaultError, try_input
from tests.fuzz.kinds import KINDS

HANG_S: Final = 60.0
"""An input that takes longer hangs, and its process is ended."""
_POLL_S: Final = 0.2


@dataclass
class Summary:
    """What came of the inputs of a kind. `faults`: by what they are, the numbers of the inputs that have them."""

    kind: str
    accepted: int = 0
    refused: int = 0
    faults: dict[str, list[int]] = field(default_factory=dict)

    @property
    def done(self) -> int:
        """How many inputs were tried."""
        return self.accepted + self.refused + sum(map(len, self.faults.values()))

    def add(self, number: int, outcome: str) -> None:
        """Count an input: "accepted", "refused" or what its fault is."""
        if outcome in ("accepted", "refused"):
            setattr(self, outcome, getattr(self, outcome) + 1)
        else:
            self.faults.setdefault(outcome, []).append(number)

    def line(self) -> str:
        """The summary in one line."""
        count = sum(map(len, self.faults.values()))
        found = f"{count} faults of {len(self.faults)} kinds" if count else "no fault"
        return f"{self.kind}: {self.done} inputs, {self.accepted} accepted, {self.refused} refused, {found}"


def outcomes(kind: str, seed: int, numbers: range) -> Iterator[tuple[int, str]]:
    """Try inputs in this process: the number of each, and "accepted", "refused" or what its fault is."""
    made = KINDS[kind]()
    with TemporaryDirectory() as folder, made.reading(Path(folder)) as reader:
        for number in numbers:
            data = made.draw(seed, number)
            try:
                yield number, "accepted" if try_input(reader, data) else "refused"
            except FaultError as error:
                yield number, str(error)


def run_kind(kind: str, seed: int, count: int, on_input: Callable[[int], None]) -> Summary:
    """Try `count` inputs, going on after a hang or a crash; `on_input` is called with how many are done."""
    summary = Summary(kind)
    begin = 0
    while begin < count:
        begin = _run_until_stopped(summary, seed, range(begin, count), on_input)
    return summary


def _run_until_stopped(summary: Summary, seed: int, numbers: range, on_input: Callable[[int], None]) -> int:
    """Try inputs in a new process; returns the number from which another one has to go on."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(theirs, summary.kind, seed, numbers))
    process.start()
    theirs.close()
    current, heard = numbers.start, time.monotonic()
    try:
        while current < numbers.stop:
            if ours.poll(_POLL_S):
                number, outcome = ours.recv()
                summary.add(number, outcome)
                current, heard = number + 1, time.monotonic()
                on_input(summary.done)
            elif time.monotonic() - heard > HANG_S:
                summary.add(current, f"it hangs: more than {HANG_S:.0f} s")
                current += 1
                break
    except EOFError:
        process.join()
        summary.add(current, f"the process ended with {process.exitcode}")
        current += 1
    finally:
        process.kill()
        process.join()
    return current


def _child(pipe: Any, kind: str, seed: int, numbers: range) -> None:
    # Decoders write notes on damaged files to descriptor 2.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    for one in outcomes(kind, seed, numbers):
        pipe.send(one)
