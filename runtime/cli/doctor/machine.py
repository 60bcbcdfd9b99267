"""Checks whether the machine can run a conversation, and if not, what is missing.

Every check says what it found and, if something is wrong, how to fix exactly that. Nothing here depends on the
terminal.
"""

import errno
import importlib
import os
import platform
import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

from runtime.cli.doctor.checks import Check, ModelRequirements
from runtime.cli.doctor.language_model import check_language_model
from runtime.engine.worker import Loader, load
from runtime.errors import DuplexError, user_line

DISTRIBUTION = "duplex-voice"
LEAST_PYTHON = (3, 11)
VECTOR_FLAGS = {"avx2", "avx512f", "asimd"}
PORTAUDIO = {"Linux": "apt install libportaudio2, or dnf install portaudio", "Darwin": "brew install portaudio"}
"""System -> how to install PortAudio if sounddevice does not include it."""
SERVE_NEEDS_NONE = "`duplex serve` uses the browser's"


def examine(
    model: str, port: int, loader: Loader | None = None, wanted: ModelRequirements | None = None
) -> list[Check]:
    """Run all checks."""
    machine = [check_python(), check_packages(), check_processor(), check_port(port), check_sound()]
    wanted = wanted or ModelRequirements()
    return [*machine, *check_files(model, loader, wanted), *check_language_model(wanted.changes, model)]


def check_files(model: str, loader: Loader | None, wanted: ModelRequirements) -> list[Check]:
    """Check the model's files without loading its weights; a model of unknown kind is loaded."""
    try:
        from runtime.cli.doctor.model import check_setup
    except ImportError as error:
        fix = f"pip install {error.name.partition('.')[0]}" if error.name else "install the packages again"
        return [Check("model", "fail", f"cannot be checked ({user_line(error)})", fix)]
    return check_setup(model, wanted) or [check_model(model, loader)]


def check_python() -> Check:
    """Check the interpreter."""
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.version_info < LEAST_PYTHON:
        return Check("python", "fail", found, "install Python 3.11 or newer")
    return Check("python", "ok", found)


def check_packages(distribution: str = DISTRIBUTION) -> Check:
    """Check the packages that `distribution` needs, and their versions."""
    try:
        lines = requires(distribution) or []
    except PackageNotFoundError:
        return Check("packages", "fail", f"{distribution} is not installed", "pip install . in a clone of it")
    needed = [one for one in map(Requirement, lines) if one.marker is None or one.marker.evaluate({"extra": ""})]
    wrong = dict(_wrong(needed))
    if wrong:
        wanted = " ".join(f"'{name}'" for name in wrong)
        return Check("packages", "fail", "; ".join(wrong.values()), f"pip install --upgrade {wanted}")
    return Check("packages", "ok", f"{len(needed)} of {len(needed)} installed")


def check_processor() -> Check:
    """Check the cores that this process may use, and vector units."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    flags = _cpu_flags() & VECTOR_FLAGS
    found = ", ".join([f"{cores} cores", *sorted(flags)])
    if cores < 2:
        return Check("processor", "warn", found, "use two cores, so that the network does not wait for the model")
    return Check("processor", "ok", found)


def check_port(port: int, host: str = "127.0.0.1") -> Check:
    """Check whether the server's port is free."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return Check("port", "warn", *_unusable(port, error))
    return Check("port", "ok", f"{port} is free" if port else "a free one will be taken")


def check_sound() -> Check:
    """Check microphone and loudspeaker, which only `talk` needs."""
    try:
        sounddevice = importlib.import_module("sounddevice")
    except ModuleNotFoundError as error:
        package = str(error.name or "sounddevice").partition(".")[0].removeprefix("_")
        return _no_sound(f"the package {package} is missing", f"pip install {package}")
    except OSError as error:
        return _no_sound(f"the library PortAudio is missing ({user_line(error)})", _portaudio())
    try:
        devices = sounddevice.query_devices()
    except Exception as error:
        return _no_sound(
            f"PortAudio finds no sound system ({user_line(error)})",
            "start this machine's sound system (ALSA, PulseAudio)",
        )
    inputs, outputs = (sum(device[f"max_{way}_channels"] > 0 for device in devices) for way in ("input", "output"))
    found = f"{inputs} inputs, {outputs} outputs"
    missing = [name for name, count in (("a microphone", inputs), ("a loudspeaker", outputs)) if not count]
    return _no_sound(found, f"plug in {' and '.join(missing)}") if missing else Check("sound", "ok", found)


def check_model(model: str, loader: Loader | None = None) -> Check:
    """Check whether a model that no file describes can be loaded."""
    try:
        generator = load(model, 1, loader)
    except DuplexError as error:
        check = Check.from_error("model", error)
        return check if check.fix else replace(check, fix="choose another one with --model")
    generator.close()
    return Check("model", "ok", f"{model} ({generator.fingerprint})")


def _wrong(needed: list[Requirement]) -> Iterator[tuple[str, str]]:
    """Requirements that are not met, in pip's format, each with what is wrong."""
    for one in needed:
        try:
            found = version(one.name)
        except PackageNotFoundError:
            yield _plain(one), f"{one.name} is missing"
            continue
        if not one.specifier.contains(found, prereleases=True):
            yield _plain(one), f"{one.name} {found} is not {one.specifier}"


def _plain(one: Requirement) -> str:
    extras = f"[{','.join(sorted(one.extras))}]" if one.extras else ""
    return f"{one.name}{extras}{one.specifier}"


def _unusable(port: int, error: OSError) -> tuple[str, str]:
    """Why a port cannot be used, and how to fix it."""
    if error.errno == errno.EADDRINUSE:
        return f"another program listens at {port}", "end that program, or give another port with --port"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{port} is not allowed ({error.strerror})", "give a port from 1024 with --port"
    return f"{port} cannot be used ({error.strerror})", "give another port with --port"


def _no_sound(found: str, fix: str) -> Check:
    return Check("sound", "warn", found, f"for `duplex talk`: {fix}; {SERVE_NEEDS_NONE}")


def _portaudio() -> str:
    how = PORTAUDIO.get(platform.system())
    return f"install it ({how})" if how else "pip install --force-reinstall sounddevice, which includes it"


def _cpu_flags() -> set[str]:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return {word for line in file if line.startswith(("flags", "Features")) for word in line.split()}
    except OSError:
        return set()
