"""The doctor: says what is there, what is missing, and how to mend it."""

import socket

import pytest

from runtime.cli.doctor.machine import (
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
    assert (check.level, check.mend) == ("fail", "install Python 3.11 or newer")


def test_missing_packages_are_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "runtime.cli.doctor.machine.requires", lambda _: ["numpy>=2", "no-such-thing[x]>=1", 'y; extra == "eval"']
    )
    check = check_packages()
    assert (check.level, check.mend) == ("fail", "pip install no-such-thing")
    assert check_packages.__doc__


def test_a_distribution_that_is_not_there() -> None:
    assert check_packages("no-such-distribution").level == "fail"


def test_a_taken_port_is_named() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        check = check_port(port)
    assert (check.level, check.mend) == ("warn", "give another one with --port")
    assert str(port) in check.found


def test_a_free_port() -> None:
    assert check_port(0).level == "ok"


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
    assert (check.level, check.found, check.mend) == ("ok", "1 inputs, 1 outputs", "")


def test_a_machine_without_sound_can_still_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(_: str) -> None:
        raise OSError("PortAudio library not found")

    monkeypatch.setattr("runtime.cli.doctor.machine.importlib.import_module", absent)
    check = check_sound()
    assert check.level == "warn"
    assert "PortAudio library not found" in check.found
    assert "duplex serve" in check.mend


def test_models() -> None:
    assert check_model("fake", load_fake).found == "fake (fake-1)"
    assert check_model("nope", load_fake).level == "fail"


def test_everything_is_examined() -> None:
    names = [check.name for check in examine("fake", 0, load_fake)]
    assert names == ["python", "packages", "processor", "port", "sound", "model"]
