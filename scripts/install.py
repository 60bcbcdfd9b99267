"""Installs set-ups from their committed locks into a virtual environment: `python -m scripts.install demo dev eval`.

uv, which pip installs from its own lock, is several times faster than pip; if uv fails, pip is used. Both install
exactly the files whose hashes are in the lock and resolve nothing. Only Python with pip is needed.
`scripts.torch_build` decides which build of torch fits the machine.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from scripts import torch_build
from scripts.torch_build import BuildError

ROOT = Path(__file__).parents[1]
LOCKS = ROOT / "locks"
BASE = "demo"


class InstallError(Exception):
    """The set-up failed; the message says what and why."""


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m scripts.install", description=__doc__)
    parser.add_argument("locks", nargs="+", help="names of locks: demo, dev, eval, otel, tokens, train")
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv", help="the virtual environment")
    parser.add_argument(
        "--torch", default=torch_build.AUTO, help="auto, default (PyPI's), cpu, or a label such as cu130"
    )
    options = parser.parse_args()
    try:
        install(options.locks, Environment(options.venv), options.torch)
    except (InstallError, BuildError) as error:
        print(f"set-up: {error}", file=sys.stderr)
        return 1
    return 0


class Environment:
    """A virtual environment and the programs in it."""

    def __init__(self, folder: Path) -> None:
        """The environment is not created yet."""
        self.folder = folder
        scripts = "Scripts" if sys.platform == "win32" else "bin"
        self.python = folder / scripts / "python"

    def create(self) -> None:
        """Create it, unless it exists and has pip.

        Raises:
            InstallError: this Python cannot create one.
        """
        if not run([self.python, "-m", "pip", "--version"]):
            return
        if reason := run([sys.executable, "-m", "venv", "--clear", self.folder]):
            raise InstallError(f"no virtual environment at {self.folder}: {reason}")

    def pip(self, arguments: Sequence[str]) -> str:
        """Run pip; returns an empty string, or why it failed."""
        return run([self.python, "-m", "pip", "-qq", "--disable-pip-version-check", *arguments])

    def uv(self, arguments: Sequence[str | Path]) -> str:
        """Run uv; returns an empty string, or why it failed."""
        return run([self.python, "-m", "uv", *arguments])

    def add_uv(self) -> str:
        """Install uv from its lock; returns an empty string, or why that failed."""
        return self.pip(["install", "--no-deps", "--require-hashes", "-r", str(LOCKS / "uv.txt")])

    def add_lock(self, lock: Path) -> None:
        """Install exactly the files in `lock`.

        Raises:
            InstallError: a package cannot be installed.
        """
        options = ["--no-deps", "--require-hashes", "-r", str(lock)]
        if not self._has_own_index() and not self.uv(["pip", "install", "--python", self.python, *options]):
            return
        if reason := self.pip(["install", *options]):
            raise InstallError(f"the packages of {lock.name} cannot be installed: {reason}")

    def add_torch(self, version: str, choice: str) -> None:
        """Install the build of torch that fits, unless one is installed.

        Raises:
            BuildError: it cannot be installed.
        """
        if not torch_build.fits(self.version_of("torch"), version, choice):
            print(f"set-up: torch {version}", flush=True)
            torch_build.install(torch_build.list_sources(version, choice, torch_build.look()), self.pip)

    def add_project(self) -> None:
        """Install this repository, editable, with the locked build tools.

        Raises:
            InstallError: it cannot be built.
        """
        options = ["--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
        if reason := self.pip(["install", *options]):
            raise InstallError(f"this repository cannot be installed: {reason}")

    def version_of(self, package: str) -> str:
        """The installed version; empty if the package is missing."""
        code = f"from importlib.metadata import version; print(version({package!r}))"
        return subprocess.run([self.python, "-c", code], capture_output=True, text=True).stdout.strip()

    def _has_own_index(self) -> bool:
        """Whether pip is configured to use an index other than PyPI; uv does not read pip's settings."""
        listed = subprocess.run([self.python, "-m", "pip", "config", "list"], capture_output=True, text=True).stdout
        return has_own_index(listed)


def install(names: Sequence[str], environment: Environment, choice: str) -> None:
    """Install the environment and the locked packages; with `demo`, torch and this repository as well.

    Raises:
        InstallError: a part cannot be installed.
            BuildError: torch cannot be installed.
    """
    environment.create()
    environment.add_uv()
    for name in names:
        print(f"set-up: packages of locks/{name}.txt", flush=True)
        environment.add_lock(LOCKS / f"{name}.txt")
    if BASE in names:
        environment.add_torch(find_locked_torch(), choice)
        environment.add_project()


def find_locked_torch() -> str:
    """The version of torch that the locks were made with."""
    found = re.search(r"^torch==(\S+)$", (LOCKS / "torch.txt").read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise InstallError("locks/torch.txt names no version of torch; write a line 'torch==VERSION'")
    return found[1]


def has_own_index(settings: str) -> bool:
    """Whether `pip config list` names an index in place of PyPI; additional indexes do not count."""
    return re.search(r"^[^=\n]*\.index-url=", settings, re.MULTILINE) is not None


def run(command: Sequence[str | Path]) -> str:
    """Run a program; returns an empty string if it succeeded, otherwise its output."""
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        return str(error)
    said = (done.stderr or done.stdout).strip()
    return "" if done.returncode == 0 else said or f"exit status {done.returncode}"


if __name__ == "__main__":
    sys.exit(main())
