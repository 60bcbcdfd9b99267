"""The doctor: reports what is installed, what is missing, and how to fix it."""

import errno
import socket
import sys
from typing import NoReturn

import pytest

from configs.base import ConfigError
from runtime.cli.doctor.checks import ModelRequirements
from runtime.cli.doctor.machine import (
    check_files,
    check_model,
    check_packages,
    check_port,
    check_processor,
    check_python,
    check_sound,
    examine,
)
from tests.runtime.fakes import load_fake


def test_this_python_will_do() -> None:
    assert check_python().level == "ok"


def test_an_old_python_will_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.cli.doctor.machine.LEAST_PYTHON", (99, 0))
    check = check_python()
    assert (check.level, check.fix) == ("fail", "install Python 3.11 or newer")


def test_missing_packages_are_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "runtime.cli.doctor.machine.requires", lambda _: ["numpy>=2", "no-such-thing[x]>=1", 'y; extra == "eval"']
    )
    check = check_packages()
    assert (check.level, check.fix) == ("fail", "pip install --upgrade 'no-such-thing[x]>=1'")
    assert check.found == "no-such-thing is missing"


def test_packages_that_are_too_old_are_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    needed = ["numpy>=99", "soundfile>=0.1", "tomli>=2; python_version < '3.0'"]
    monkeypatch.setattr("runtime.cli.doctor.machine.requires", lambda _: needed)
    check = check_packages()
    assert (check.level, check.fix) == ("fail", "pip install --upgrade 'numpy>=99'")
    assert "is not >=99" in check.found
    monkeypatch.setattr("runtime.cli.doctor.machine.requires", lambda _: needed[1:])
    assert check_packages().found == "1 of 1 installed"


def test_a_distribution_that_is_not_there() -> None:
    assert check_packages("no-such-distribution").level == "fail"


def test_a_taken_port_is_named() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        check = check_port(port)
    assert (check.level, check.found) == ("warn", f"another program listens at {port}")
    assert check.fix == "end that program, or give another port with --port"


def test_a_port_that_is_not_allowed_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbid(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("socket.socket.bind", forbid, raising=False)
    assert check_port(80).fix == "give a port from 1024 with --port"


def test_a_free_port() -> None:
    assert (check_port(0).level, check_port(0).found) == ("ok", "a free one will be taken")


def test_the_processor_is_described() -> None:
    assert "cores" in check_processor().found


def test_sound_devices_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    class Devices:
        @staticmethod
        def query_devices() -> list[dict[str, int]]:
            return [
                {"max_input_channels": 2, "max_output_channels": 0},
                {"max_input_channels": 0, "max_output_channels": 2},
            ]

    monkeypatch.setattr("runtime.cli.doctor.machine.importlib.import_module", lambda _: Devices)
    check = check_sound()
    assert (check.level, check.found, check.fix) == ("ok", "1 inputs, 1 outputs", "")


@pytest.mark.parametrize(
    ("inputs", "outputs", "fix"),
    [(0, 1, "plug in a microphone;"), (1, 0, "plug in a loudspeaker;"), (0, 0, "plug in a microphone and a loudsp")],
)
def test_only_the_device_that_is_missing_is_asked_for(
    inputs: int, outputs: int, fix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Devices:
        @staticmethod
        def query_devices() -> list[dict[str, int]]:
            return [{"max_input_channels": inputs, "max_output_channels": outputs}]

    monkeypatch.setattr("runtime.cli.doctor.machine.importlib.import_module", lambda _: Devices)
    assert fix in check_sound().fix


@pytest.mark.parametrize(
    ("error", "system", "found", "fix"),
    [
        (
            OSError("PortAudio library not found"),
            "Linux",
            "the library PortAudio is missing",
            "apt install libportaudio2",
        ),
        (
            OSError("PortAudio library not found"),
            "Darwin",
            "the library PortAudio is missing",
            "brew install portaudio",
        ),
        (
            OSError("cannot load library"),
            "Windows",
            "the library PortAudio is missing",
            "--force-reinstall sounddevice",
        ),
        (
            ModuleNotFoundError("No module named 'sounddevice'", name="sounddevice"),
            "Linux",
            "the package sounddevice is missing",
            "pip install sounddevice",
        ),
    ],
)
def test_without_sound_the_advice_is_tied_to_the_cause(
    error: Exception, system: str, found: str, fix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(_: str) -> None:
        raise error

    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.setattr("runtime.cli.doctor.machine.importlib.import_module", absent)
    check = check_sound()
    assert check.level == "warn"
    assert found in check.found
    assert fix in check.fix
    assert "plug in" not in check.fix
    assert check.fix.endswith("`duplex serve` uses the browser's")


def test_a_sound_system_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent:
        @staticmethod
        def query_devices() -> None:
            raise RuntimeError("Error querying device -1")

    monkeypatch.setattr("runtime.cli.doctor.machine.importlib.import_module", lambda _: Silent)
    assert "start this machine's sound system" in check_sound().fix


def test_a_fault_while_loading_keeps_its_own_advice() -> None:
    def fail(model: str, rows: int, threads: int) -> NoReturn:
        raise ConfigError("core.safetensors: is cut short; copy it again")

    assert check_model("mine", fail).fix == "copy it again"


def test_a_package_that_the_model_needs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [
        name
        for name in sys.modules
        if name.startswith(("runtime.cli.doctor.files", "runtime.cli.doctor.model", "safetensors"))
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "safetensors", None)
    (check,) = check_files("mini", None, ModelRequirements())
    assert (check.level, check.fix) == ("fail", "pip install safetensors")


def test_models() -> None:
    assert check_model("fake", load_fake).found == "fake (fake-1)"
    assert check_model("nope", load_fake).level == "fail"


def test_everything_is_examined() -> None:
    names = [check.name for check in examine("fake", 0, load_fake)]
    assert names == ["python", "packages", "processor", "port", "sound", "model"]
