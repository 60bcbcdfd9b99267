"""Looks at the machine: can it run a conversation, and if not, what is missing.

Every check says what it found and, where something is wrong, how to mend it. Knows no terminal.
"""

import importlib
import os
import platform
import socket
import sys
from importlib.metadata import PackageNotFoundError, requires, version

from runtime.cli.doctor.checks import Check, Level, Wanted
from runtime.engine.worker import Loader, load
from runtime.errors import DuplexError, user_line

DISTRIBUTION = "duplex-voice"
LEAST_PYTHON = (3, 11)
VECTOR_FLAGS = {"avx2", "avx512f", "asimd"}


def examine(model: str, port: int, loader: Loader | None = None, wanted: Wanted | None = None) -> list[Check]:
    """All checks."""
    machine = [check_python(), check_packages(), check_processor(), check_port(port), check_sound()]
    return [*machine, *check_files(model, loader, wanted or Wanted())]


def check_files(model: str, loader: Loader | None, wanted: Wanted) -> list[Check]:
    """The model's files, looked at without loading its weights; a model of no known kind is loaded."""
    try:
        from runtime.cli.doctor.model import check_setup
    except ImportError as error:
        return [Check("model", "fail", f"cannot be looked at ({user_line(error)})", "install what is missing")]
    return check_setup(model, wanted) or [check_model(model, loader)]


def check_python() -> Check:
    """The interpreter."""
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.version_info < LEAST_PYTHON:
        return Check("python", "fail", found, "install Python 3.11 or newer")
    return Check("python", "ok", found)


def check_packages(distribution: str = DISTRIBUTION) -> Check:
    """The packages that `distribution` needs."""
    try:
        needed = [_name(line) for line in requires(distribution) or [] if "extra ==" not in line]
    except PackageNotFoundError:
        return Check("packages", "fail", f"{distribution} is not installed", f"pip install {distribution}")
    missing = [name for name in needed if not _installed(name)]
    if missing:
        return Check("packages", "fail", f"missing: {', '.join(missing)}", f"pip install {' '.join(missing)}")
    return Check("packages", "ok", f"{len(needed)} of {len(needed)} installed")


def check_processor() -> Check:
    """Cores and vector units."""
    cores = os.cpu_count() or 1
    flags = _cpu_flags() & VECTOR_FLAGS
    found = f"{cores} cores, {', '.join(sorted(flags)) or 'no known vector unit'}"
    if cores < 2:
        return Check("processor", "warn", found, "use two cores, so that the network does not wait for the model")
    return Check("processor", "ok", found)


def check_port(port: int, host: str = "127.0.0.1") -> Check:
    """Whether the server's port is free."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return Check("port", "warn", f"{port} cannot be used ({error.strerror})", "give another one with --port")
    return Check("port", "ok", f"{port} is free")


def check_sound() -> Check:
    """Microphone and speaker; only `talk` needs them."""
    mend = "plug in a microphone and a speaker for `duplex talk`; `duplex serve` uses those of the browser"
    try:
        sounddevice = importlib.import_module("sounddevice")
        devices = sounddevice.query_devices()
    except Exception as error:
        return Check("sound", "warn", f"no sound system ({user_line(error)})", mend)
    inputs, outputs = (sum(device[f"max_{way}_channels"] > 0 for device in devices) for way in ("input", "output"))
    level: Level = "ok" if inputs and outputs else "warn"
    return Check("sound", level, f"{inputs} inputs, {outputs} outputs", "" if level == "ok" else mend)


def check_model(model: str, loader: Loader | None = None) -> Check:
    """Whether the model can be loaded."""
    try:
        generator = load(model, 1, loader)
    except DuplexError as error:
        return Check("model", "fail", user_line(error), "choose another one with --model")
    generator.close()
    return Check("model", "ok", f"{model} ({generator.fingerprint})")


def _name(requirement: str) -> str:
    for sign in "<>=!~ ;[(":
        requirement = requirement.split(sign)[0]
    return requirement


def _installed(package: str) -> bool:
    try:
        return bool(version(package))
    except PackageNotFoundError:
        return False


def _cpu_flags() -> set[str]:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return {word for line in file if line.startswith(("flags", "Features")) for word in line.split()}
    except OSError:
        return set()
