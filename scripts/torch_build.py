"""Chooses the build of torch that fits the machine and installs it.

PyPI's torch is a CUDA build of several GB for Linux, and a build without CUDA for Windows and macOS. PyTorch's own
index has all builds, each with its label after the version (`2.13.0+cpu`, `2.13.0+cu130`). Only Python is needed.
"""

import platform
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

INDEX = "https://download.pytorch.org/whl"
WINDOWS_CUDA = "cu130"
AUTO, DEFAULT, CPU = "auto", "default", "cpu"


class BuildError(Exception):
    """No build of torch can be installed; the message is one line for the user."""


@dataclass(frozen=True)
class Machine:
    """`system`, `processor`: as in `platform`. `nvidia`: whether there is an NVIDIA GPU."""

    system: str
    processor: str
    nvidia: bool


@dataclass(frozen=True)
class Source:
    """One way to get torch: the package for pip, its options, and the message to the user if this way is used."""

    requirement: str
    options: tuple[str, ...] = ()
    note: str = ""


Run = Callable[[Sequence[str]], str]


def look() -> Machine:
    """Examine the machine that this runs on."""
    return Machine(platform.system(), platform.machine().lower(), _has_nvidia())


def list_sources(version: str, choice: str, machine: Machine) -> list[Source]:
    """The ways to get torch `version`, best first.

    Args:
        version: version without a label.
        choice: `auto` examines the machine, `default` is PyPI's build, anything else is a label of PyTorch's index
            (`cpu`, `cu130`), which is taken from nowhere else.

    Raises:
        BuildError: PyTorch no longer supports the machine.
    """
    if machine.system == "Darwin" and machine.processor == "x86_64":
        raise BuildError("PyTorch has no build for Macs with an Intel processor since 2.3; use another machine")
    if choice not in (AUTO, DEFAULT):
        return _label(version, choice)
    if choice == AUTO and machine.system == "Linux" and not machine.nvidia:
        note = f"the CPU build of torch {version} cannot be reached; taking PyPI's build, which may be several GB"
        return [*_label(version, CPU), Source(f"torch=={version}", note=note)]
    if choice == AUTO and machine.system == "Windows" and machine.nvidia:
        note = f"the CUDA build of torch {version} cannot be reached; taking PyPI's build, which does not use the GPU"
        return [*_label(version, WINDOWS_CUDA), Source(f"torch=={version}", note=note)]
    return [Source(f"torch=={version}")]


def install(sources: Sequence[Source], run: Run) -> Source:
    """Install torch from the first of `sources` that has it, and return that source.

    Args:
        sources: best first.
        run: runs pip with arguments; returns an empty string if it succeeded, otherwise the reason.

    Raises:
        BuildError: none of them has it.
    """
    reason = ""
    for source in sources:
        if source.note:
            print(source.note, flush=True)
        reason = run(["install", *source.options, source.requirement])
        if not reason:
            return source
    wanted = sources[-1].requirement
    raise BuildError(f"{wanted} cannot be installed ({reason}); choose another build with TORCH=default, cpu or cu130")


def fits(installed: str, version: str, choice: str) -> bool:
    """Whether the installed torch (its version with its label; empty: none) is the wanted one."""
    plain, _, label = installed.partition("+")
    return plain == version and choice in (AUTO, DEFAULT, label)


def _label(version: str, label: str) -> list[Source]:
    """First pip's own sources, so that a local wheel or a mirror takes precedence, then PyTorch's index."""
    wanted = f"torch=={version}+{label}"
    return [Source(wanted), Source(wanted, ("--index-url", f"{INDEX}/{label}", "--retries", "2"))]


def _has_nvidia() -> bool:
    """Whether NVIDIA's tool lists a GPU; under WSL the tool is outside the search path."""
    tool = shutil.which("nvidia-smi") or "/usr/lib/wsl/lib/nvidia-smi"
    if not Path(tool).is_file():
        return False
    try:
        listed = subprocess.run([tool, "--list-gpus"], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return listed.returncode == 0 and "GPU " in listed.stdout
