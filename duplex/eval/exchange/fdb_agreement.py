"""Checks that our definitions of Full-Duplex-Bench v1 give the same results as its own scorers.

This runs the unmodified `eval_pause_handling.py` and `eval_smooth_turn_taking.py` of a checkout on folders in its
layout, and compares the numbers that they print with ours. The checkout is temporary, because its licence (CC BY-NC)
differs from ours.

This module depends on the scripts' names and output, not on runs.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from configs.eval.protocols import FullDuplexBenchConfig
from duplex.eval.errors import EvaluationError
from duplex.eval.exchange.fdb_folder import FolderScores, scores

_PAUSE, _SMOOTH = "eval_pause_handling.py", "eval_smooth_turn_taking.py"
_RATE, _LATENCY = "takeover rate", "latency as published, s"
_WANTED = {_PAUSE: (_RATE,), _SMOOTH: (_RATE, _LATENCY)}
_PRINTED = {_RATE: "Average take turn", _LATENCY: "Average latency"}
_EQUAL = 1e-9


@dataclass(frozen=True)
class Agreement:
    """One number of one folder.

    Attributes:
        folder, script: what was scored, and with which script. samples: number in the folder. figure: the number's
            name.
        theirs, ours: the number; None if there is none (their script stops if there is nothing to average).
    """

    folder: str
    script: str
    samples: int
    figure: str
    theirs: float | None
    ours: float | None

    @property
    def agrees(self) -> bool:
        """Whether both are the same number, or both None."""
        if self.theirs is None or self.ours is None:
            return self.theirs is self.ours
        return abs(self.theirs - self.ours) <= _EQUAL


def agreement(checkout: Path, folder: Path, config: FullDuplexBenchConfig) -> list[Agreement]:
    """Both scores of one folder: from the pause scorer and, if every sample has a turn's end, the smooth-turn scorer.

    Args:
        checkout: checkout of Full-Duplex-Bench. folder: ROOT of ROOT/ID/output.json.

    Raises:
        EvaluationError: the checkout has no such scripts, or the folder no samples.
    """
    ours = scores(folder, config)
    smooth = all((folder / name / "turn_taking.json").is_file() for name in ours.samples)
    return [
        line
        for script in ((_PAUSE, _SMOOTH) if smooth else (_PAUSE,))
        for line in _lines(checkout, script, folder, ours)
    ]


def _lines(checkout: Path, script: str, folder: Path, ours: FolderScores) -> Iterator[Agreement]:
    printed = _run(_script(checkout, script), folder)
    figures, wanted = ours.figures(), _WANTED[script]
    for figure in wanted if printed else wanted[-1:]:
        found = re.search(rf"^{_PRINTED[figure]}:\s*(\S+)\s*$", printed, re.MULTILINE)
        theirs = float(found[1]) if found else None
        yield Agreement(folder.name, script, len(ours.samples), figure, theirs, figures[figure])


def _script(checkout: Path, name: str) -> Path:
    found = next(iter(sorted(checkout.rglob(name))), None)
    if found is None:
        raise EvaluationError(f"{checkout}: holds no {name}; give a checkout of DanielLin94144/Full-Duplex-Bench")
    return found


def _run(script: Path, folder: Path) -> str:
    """What the script prints; "" if it stops because there is no latency to average."""
    command = [sys.executable, str(script.resolve()), "--root_dir", str(folder.resolve())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and "ZeroDivisionError" not in done.stderr:
        last = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise EvaluationError(f"{script.name}: stopped on {folder} ({last[0]}); install what it imports")
    return "" if done.returncode else done.stdout
