"""Runs the tests with other versions than the locked ones: `python -m scripts.try_versions oldest` or `newest`.

`oldest`: the lowest version of every direct dependency that pyproject.toml allows. `newest`: the newest release of
everything, without upper bounds, which shows whether a bound can be lifted. Each has its own environment next to
`.venv`. If the build of torch that fits this machine cannot be reached, the locked version is taken and the user is
told; no CUDA build is fetched for a machine without a GPU. This runs in `.venv`, which has packaging.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from scripts import torch_build
from scripts.install import LOCKS, ROOT, Environment, InstallError, find_locked_torch
from scripts.lock import load_project, read_pins
from scripts.run_tests import run_tests
from scripts.torch_build import BuildError

EXTRAS = ("dev", "eval")
OLDEST, NEWEST = "oldest", "newest"


def main() -> int:
    """The command; its status is pytest's."""
    parser = argparse.ArgumentParser(prog="python -m scripts.try_versions", description=__doc__)
    parser.add_argument("which", choices=(OLDEST, NEWEST))
    parser.add_argument("--torch", default=torch_build.AUTO, help="as in scripts.install")
    parser.add_argument("--jobs", type=int, default=2, help="how many tests run side by side")
    parser.add_argument("pytest", nargs="*", help="arguments for pytest; default: all tests")
    options = parser.parse_args()
    environment = Environment(ROOT / f".venv-{options.which}")
    try:
        set_up(options.which, environment, options.torch)
    except (InstallError, BuildError) as error:
        print(f"{options.which}: {error}", file=sys.stderr)
        return 1
    status = run_tests(environment.python, options.jobs, options.pytest)
    print(f"\n{options.which}, where it differs from the locks:")
    print("\n".join(differences(environment)) or "no difference")
    return status


def set_up(which: str, environment: Environment, choice: str) -> None:
    """Resolve and install.

    Raises:
        InstallError: no versions fit together, or a package cannot be installed.
            BuildError: torch cannot be installed.
    """
    environment.create()
    if reason := environment.add_uv():
        raise InstallError(f"uv cannot be installed: {reason}")
    wanted, found = (environment.folder / name for name in ("wanted.in", "found.txt"))
    wanted.write_text("\n".join(list_wanted(load_project(), which)), encoding="utf-8")
    python = ["--python", str(environment.python)]
    ways = ["--resolution", "lowest-direct"] if which == OLDEST else ["--upgrade"]
    settings = ["--config-file", str(ROOT / "scripts" / "uv.toml"), "--quiet", "--no-annotate", "--no-header"]
    compiling = ["pip", "compile", str(wanted), *python, *ways, *settings, "--output-file", str(found)]
    if reason := environment.uv(compiling):
        raise InstallError(f"no versions fit together: {reason}")
    torch = _take_torch(found)
    if reason := environment.uv(["pip", "install", *python, "--no-deps", "-r", str(found)]):
        raise InstallError(f"the packages cannot be installed: {reason}")
    _add_torch(environment, torch, choice)
    environment.add_project()


def list_wanted(project: dict[str, Any], which: str) -> Iterator[str]:
    """The requirements of the package, its test extras and its build, unchanged or without upper bounds."""
    told = project["project"]
    extras = [line for extra in EXTRAS for line in told["optional-dependencies"][extra]]
    for line in [*told["dependencies"], *extras, *project["build-system"]["requires"]]:
        yield line if which == OLDEST else without_upper_bound(line)


def without_upper_bound(line: str) -> str:
    """`transformers>=5.0,<5.24` becomes `transformers>=5.0`; a pin becomes the bare name."""
    requirement = Requirement(line)
    kept = [str(bound) for bound in requirement.specifier if bound.operator in (">=", ">", "!=")]
    requirement.specifier = SpecifierSet(",".join(kept))
    return str(requirement)


def differences(environment: Environment) -> list[str]:
    """A line for every package whose version differs from the locked one."""
    names = ["demo", *EXTRAS]
    locked = {name: version for lock in names for name, version, _ in read_pins(LOCKS / f"{lock}.txt")}
    locked["torch"] = find_locked_torch()
    listed = subprocess.run(
        [environment.python, "-m", "pip", "list", "--format=freeze", "--disable-pip-version-check"],
        capture_output=True,
        text=True,
    ).stdout
    there = dict(re.findall(r"^([^=\s]+)==([^+\s]+)", listed, re.MULTILINE))
    packages = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in there.items()}
    return [f"  {name} {packages[name]} (locked: {version})" for name, version in sorted(locked.items())
            if packages.get(name, version) != version]  # fmt: skip


def _take_torch(found: Path) -> str:
    """Remove torch from the resolution; returns its version."""
    text = found.read_text(encoding="utf-8")
    pin = re.search(r"^torch==(\S+).*\n", text, re.MULTILINE)
    assert pin is not None, text
    found.write_text(text.replace(pin[0], ""), encoding="utf-8")
    return pin[1]


def _add_torch(environment: Environment, version: str, choice: str) -> None:
    machine = torch_build.look()
    sources = [source for source in torch_build.list_sources(version, choice, machine) if not source.note]
    try:
        if not torch_build.fits(environment.version_of("torch"), version, choice):
            torch_build.install(sources, environment.pip)
    except BuildError:
        print(f"no build of torch {version} for this machine can be reached; taking the locked {find_locked_torch()}")
        environment.add_torch(find_locked_torch(), choice)


if __name__ == "__main__":
    sys.exit(main())
