"""Writes the locks from pyproject.toml: `python -m scripts.lock` keeps locked versions, `--upgrade` takes the newest.

`locks/demo.txt` is the package without extras; `locks/EXTRA.txt` is what an extra adds to it. One resolution serves all
of them, so a package has the same version everywhere: on Linux, macOS and Windows and under every supported Python.
torch is named only by its version, in `locks/torch.txt`, because its build depends on the machine; `--torch VERSION`
changes it.
"""

import argparse
import re
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scripts.install import BASE, LOCKS, ROOT, Environment, InstallError

PROJECT = ROOT / "pyproject.toml"
_PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^\s;\\]+)(?: ; ([^\\\n]+?))?(?: \\)?$", re.MULTILINE)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m scripts.lock", description=__doc__)
    parser.add_argument("--upgrade", action="store_true", help="take the newest version that pyproject.toml allows")
    parser.add_argument("--torch", default="", help="the version of torch to lock from now on")
    options = parser.parse_args()
    environment = Environment(ROOT / ".venv")
    if options.torch:
        _write_torch(options.torch)
    try:
        environment.create()
        write_locks(environment, upgrade=options.upgrade)
    except InstallError as error:
        print(f"lock: {error}", file=sys.stderr)
        return 1
    return 0


def write_locks(environment: Environment, upgrade: bool) -> None:
    """Resolve once for everything, then write each lock with those versions.

    Raises:
        InstallError: uv cannot be installed, or no versions fit together.
    """
    if reason := environment.add_uv():
        raise InstallError(f"uv cannot be installed: {reason}")
    project = load_project()
    extras = sorted(project["project"]["optional-dependencies"])
    with tempfile.TemporaryDirectory() as folder:
        tools, every = Path(folder, "tools.in"), Path(folder, "every.txt")
        tools.write_text("\n".join(project["build-system"]["requires"]), encoding="utf-8")
        every.write_text("" if upgrade else _keep(extras), encoding="utf-8")
        compiler = Compiler(environment, tools, least_python(project))
        compiler.compile(every, ["--all-extras"])
        fixed = ["--constraints", str(every)]
        compiler.compile(LOCKS / f"{BASE}.txt", fixed)
        done = _without(settle(LOCKS / f"{BASE}.txt", every))
        for extra in extras:
            compiler.compile(LOCKS / f"{extra}.txt", [*fixed, "--extra", extra, *done])
        _lock_uv(environment, upgrade, least_python(project))


class Compiler:
    """uv's resolver with the settings that all locks share."""

    def __init__(self, environment: Environment, tools: Path, python: str) -> None:
        """`tools`: a file with the requirements of the build. `python`: the oldest version that is supported."""
        self._environment = environment
        self._inputs = [str(PROJECT), str(tools), "--constraints", str(LOCKS / "torch.txt")]
        self._settings = [*_format(python), "--config-file", str(ROOT / "scripts" / "uv.toml"), *_without(["torch"])]

    def compile(self, lock: Path, options: Sequence[str]) -> None:
        """Write `lock`; versions that it already names are kept.

        Raises:
            InstallError: no versions fit together.
        """
        command = ["pip", "compile", *self._inputs, *self._settings, *options, "--output-file", str(lock)]
        if reason := self._environment.uv(command):
            raise InstallError(f"{lock.name} cannot be resolved: {reason}")


def load_project() -> dict[str, Any]:
    """pyproject.toml."""
    return tomllib.loads(PROJECT.read_text(encoding="utf-8"))


def least_python(project: dict[str, Any]) -> str:
    """The oldest Python that is supported, from `>=3.11`."""
    return str(project["project"]["requires-python"]).removeprefix(">=")


def read_pins(lock: Path) -> list[tuple[str, str, str]]:
    """Name, version and marker (empty: everywhere) of every package in a lock."""
    return _PIN.findall(lock.read_text(encoding="utf-8"))


def settle(base: Path, every: Path) -> list[str]:
    """The names of the packages that `base` installs wherever any of the locks needs them."""
    return sorted(name for name, _, _ in set(read_pins(base)) & set(read_pins(every)))


def _lock_uv(environment: Environment, upgrade: bool, python: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder, "uv.in")
        wanted.write_text("uv", encoding="utf-8")
        lock = LOCKS / "uv.txt"
        options = [*_format(python), *(["--upgrade"] if upgrade else []), "--output-file", str(lock)]
        if reason := environment.uv(["pip", "compile", str(wanted), *options]):
            raise InstallError(f"{lock.name} cannot be resolved: {reason}")


def _format(python: str) -> list[str]:
    header = ["--custom-compile-command", "make update", "--no-annotate", "--quiet"]
    return ["--universal", "--python-version", python, "--fork-strategy", "fewest", "--generate-hashes", *header]


def _without(packages: Sequence[str]) -> list[str]:
    return [word for package in packages for word in ("--no-emit-package", package)]


def _keep(extras: Sequence[str]) -> str:
    locks = [LOCKS / f"{name}.txt" for name in [BASE, *extras]]
    return "\n".join(lock.read_text(encoding="utf-8") for lock in locks if lock.exists())


def _write_torch(version: str) -> None:
    path = LOCKS / "torch.txt"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"^torch==.*$", f"torch=={version}", text, flags=re.MULTILINE), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
