"""Runs all tests: `python -m scripts.run_tests --jobs 2`. With other arguments it is pytest.

Tests that keep real time (a browser, a sound card, a peer at the other end of a connection) have the machine to
themselves; then the others run side by side, a file at a time. `pytest` alone runs the same tests one by one.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
LIVE: Final = (
    "tests/browser",
    "tests/runtime/cli/bench/soak/test_live.py",
    "tests/runtime/cli/bench/test_serve.py",
    "tests/runtime/sound",
    "tests/runtime/webrtc",
)


def main() -> int:
    """The command; its status is pytest's."""
    parser = argparse.ArgumentParser(prog="python -m scripts.run_tests", description=__doc__)
    parser.add_argument("--jobs", type=int, default=2, help="how many tests run side by side")
    parser.add_argument("pytest", nargs="*", help="arguments for pytest; default: all tests")
    options = parser.parse_args()
    return run_tests(Path(sys.executable), options.jobs, options.pytest)


def run_tests(python: Path, jobs: int, arguments: Sequence[str] = ()) -> int:
    """Run pytest under `python`; returns the first status that is not 0."""
    if arguments:
        return _run(python, arguments)
    alone = _run(python, LIVE)
    others = _run(python, ["--numprocesses", str(jobs), "--dist", "loadfile", *(f"--ignore={path}" for path in LIVE)])
    return alone or others


def _run(python: Path, arguments: Sequence[str]) -> int:
    return subprocess.run([python, "-m", "pytest", *arguments], cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
