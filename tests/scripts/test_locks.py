"""The locks agree with pyproject.toml and with each other, on every system and every Python that is supported."""

import importlib.metadata
import itertools
import re
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from scripts.install import BASE, LOCKS, find_locked_torch
from scripts.lock import load_project, read_pins, settle

PROJECT = load_project()
EXTRAS = PROJECT["project"]["optional-dependencies"]
SYSTEMS = {
    "linux": {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64", "os_name": "posix"},
    "arm": {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "aarch64", "os_name": "posix"},
    "mac": {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64", "os_name": "posix"},
    "windows": {"sys_platform": "win32", "platform_system": "Windows", "platform_machine": "AMD64", "os_name": "nt"},
}
MACHINES = [
    pytest.param(
        {**system, "python_version": f"3.{minor}", "python_full_version": f"3.{minor}.0"}, id=f"{name}-3.{minor}"
    )
    for (name, system), minor in itertools.product(SYSTEMS.items(), range(11, 15))
]


def list_pinned(names: list[str], machine: dict[str, str]) -> dict[str, Version]:
    """What the locks install on a machine."""
    pins = [pin for name in names for pin in read_pins(LOCKS / f"{name}.txt")]
    return {name: Version(version) for name, version, marker in pins if not marker or Marker(marker).evaluate(machine)}


def list_unmet(requirements: list[str], there: dict[str, Version], machine: dict[str, str]) -> list[str]:
    """The requirements that no pin satisfies."""
    wanted = [Requirement(line) for line in requirements]
    needed = [one for one in wanted if one.marker is None or one.marker.evaluate({**machine, "extra": ""})]
    found = [(one, there.get(canonicalize_name(one.name))) for one in needed]
    return [str(one) for one, version in found if version is None or version not in one.specifier]


@pytest.mark.parametrize("machine", MACHINES)
def test_every_lock_has_what_pyproject_asks_for(machine: dict[str, str]) -> None:
    there = list_pinned([BASE], machine) | {"torch": Version(find_locked_torch())}
    assert not list_unmet(PROJECT["project"]["dependencies"] + PROJECT["build-system"]["requires"], there, machine)
    for extra, requirements in EXTRAS.items():
        assert not list_unmet(requirements, there | list_pinned([extra], machine), machine), extra


def test_a_lock_that_lags_behind_pyproject_is_found() -> None:
    there = {"transformers": Version("5.23.0")}
    assert list_unmet(["transformers>=5.24", "transformers>=5.0,<5.24", "aiortc"], there, {}) == [
        "transformers>=5.24",
        "aiortc",
    ]


def test_there_is_a_lock_for_every_extra_and_no_other() -> None:
    assert {path.stem for path in LOCKS.glob("*.txt")} == {BASE, *EXTRAS, "torch", "uv"}


def test_a_package_has_the_same_version_in_all_locks() -> None:
    pins = {pin[:2] for name in [BASE, *EXTRAS] for pin in read_pins(LOCKS / f"{name}.txt")}
    assert len({name for name, _ in pins}) == len(pins)


def test_no_lock_chooses_a_build_of_torch() -> None:
    names = {name for lock in [BASE, *EXTRAS] for name, _, _ in read_pins(LOCKS / f"{lock}.txt")}
    assert not [name for name in names if re.match(r"torch$|triton|nvidia|cuda", name)]


@pytest.mark.parametrize("name", [BASE, *EXTRAS, "uv"])
def test_every_line_is_a_pin_with_hashes(name: str) -> None:
    lines = [
        line for line in (LOCKS / f"{name}.txt").read_text(encoding="utf-8").splitlines() if line[:1] not in ("#", "")
    ]
    blocks = re.split(r"\n(?! )", "\n".join(lines))
    assert len(blocks) == len(read_pins(LOCKS / f"{name}.txt"))
    assert all("--hash=sha256:" in block for block in blocks)


@pytest.mark.parametrize("extra", ["", *EXTRAS])
def test_the_locks_hold_what_their_packages_need(extra: str) -> None:
    """pip installs them without resolving their dependencies; torch's own dependencies are among them."""
    there = list_pinned([BASE, extra] if extra else [BASE], {}) | {"torch": Version(find_locked_torch())}
    for name, version in there.items():
        if _find_installed(name) == str(version):
            needs = [
                line
                for line in importlib.metadata.requires(name) or []
                if "nvidia" not in line and "triton" not in line
            ]
            assert not list_unmet(needs, there, {}), name


def test_packages_of_the_base_are_left_out_of_extras_where_they_serve_every_machine(tmp_path: Path) -> None:
    base, every = tmp_path / "base.txt", tmp_path / "every.txt"
    base.write_text("a==1 \\\n    --hash=sha256:0\nb==2 ; sys_platform == 'win32' \\\n    --hash=sha256:0\n")
    every.write_text("a==1 \\\n    --hash=sha256:0\nb==2 \\\n    --hash=sha256:0\nc==3 \\\n    --hash=sha256:0\n")
    assert read_pins(base) == [("a", "1", ""), ("b", "2", "sys_platform == 'win32'")]
    assert settle(base, every) == ["a"]


def _find_installed(name: str) -> str:
    try:
        return importlib.metadata.version(name).partition("+")[0]
    except importlib.metadata.PackageNotFoundError:
        return ""
