"""Which torch a machine gets."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from scripts import torch_build
from scripts.torch_build import BuildError, Machine, Source, fits, install, list_sources

LAPTOP = Machine("Linux", "x86_64", nvidia=False)
WORKSTATION = Machine("Linux", "x86_64", nvidia=True)
CPU_INDEX = ("--index-url", "https://download.pytorch.org/whl/cpu", "--retries", "2")


class Pip:
    """A stand-in for pip that has some builds and records what it was asked for."""

    def __init__(self, *has: Sequence[str]) -> None:
        self.has = [list(one) for one in has]
        self.asked: list[list[str]] = []

    def __call__(self, arguments: Sequence[str]) -> str:
        self.asked.append(list(arguments))
        return "" if list(arguments) in self.has else "No matching distribution found"


def test_a_machine_without_gpu_gets_the_cpu_build_from_a_wheel_at_hand_or_from_pytorch() -> None:
    first, second, last = list_sources("2.13.0", "auto", LAPTOP)
    assert first == Source("torch==2.13.0+cpu")
    assert second == Source("torch==2.13.0+cpu", CPU_INDEX)
    assert last.requirement == "torch==2.13.0"
    assert "several GB" in last.note


def test_a_machine_with_gpu_gets_the_cuda_build_of_pypi() -> None:
    assert list_sources("2.13.0", "auto", WORKSTATION) == [Source("torch==2.13.0")]


def test_a_mac_and_windows_get_the_build_of_pypi() -> None:
    for machine in (Machine("Darwin", "arm64", nvidia=False), Machine("Windows", "amd64", nvidia=False)):
        assert list_sources("2.13.0", "auto", machine) == [Source("torch==2.13.0")]


def test_windows_with_gpu_gets_cuda_from_pytorch_for_pypi_has_none() -> None:
    sources = list_sources("2.13.0", "auto", Machine("Windows", "amd64", nvidia=True))
    assert [source.requirement for source in sources] == ["torch==2.13.0+cu130"] * 2 + ["torch==2.13.0"]
    assert "does not use the GPU" in sources[-1].note


def test_an_intel_mac_is_told_that_there_is_none() -> None:
    with pytest.raises(BuildError, match=r"no build for Macs with an Intel processor"):
        list_sources("2.13.0", "auto", Machine("Darwin", "x86_64", nvidia=False))


def test_a_chosen_build_is_taken_from_nowhere_else() -> None:
    for machine in (LAPTOP, WORKSTATION):
        assert {source.requirement for source in list_sources("2.13.0", "cu126", machine)} == {"torch==2.13.0+cu126"}
        assert list_sources("2.13.0", "default", machine) == [Source("torch==2.13.0")]


def test_the_first_source_that_has_it_wins() -> None:
    pip = Pip(["install", *CPU_INDEX, "torch==2.13.0+cpu"])
    assert install(list_sources("2.13.0", "auto", LAPTOP), pip).options == CPU_INDEX
    assert pip.asked == [["install", "torch==2.13.0+cpu"], ["install", *CPU_INDEX, "torch==2.13.0+cpu"]]


def test_where_the_index_is_out_of_reach_pypi_serves_and_the_user_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    pip = Pip(["install", "torch==2.13.0"])
    assert install(list_sources("2.13.0", "auto", LAPTOP), pip).requirement == "torch==2.13.0"
    assert "the CPU build of torch 2.13.0 cannot be reached" in capsys.readouterr().out


def test_nothing_is_said_where_the_right_build_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    install(list_sources("2.13.0", "auto", LAPTOP), Pip(["install", "torch==2.13.0+cpu"]))
    assert capsys.readouterr().out == ""


def test_no_source_has_it() -> None:
    with pytest.raises(BuildError, match=r"torch==2\.13\.0\+cu126 cannot be installed \(No matching.*TORCH="):
        install(list_sources("2.13.0", "cu126", LAPTOP), Pip())


@pytest.mark.parametrize(
    ("installed", "choice", "right"),
    [
        ("", "auto", False),
        ("2.12.0+cpu", "auto", False),
        ("2.13.0", "auto", True),
        ("2.13.0+cu126", "auto", True),
        ("2.13.0+cpu", "default", True),
        ("2.13.0+cpu", "cpu", True),
        ("2.13.0+cpu", "cu126", False),
        ("2.13.0", "cpu", False),
    ],
)
def test_what_is_installed_stays_unless_another_build_is_chosen(installed: str, choice: str, right: bool) -> None:
    assert fits(installed, "2.13.0", choice) is right


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("echo 'GPU 0: NVIDIA H200 (UUID: GPU-1)'", True),
        ("echo 'No devices were found'", False),
        ("echo 'NVIDIA-SMI has failed because it could not communicate with the driver'; exit 9", False),
    ],
)
def test_a_gpu_is_one_that_nvidias_tool_lists(
    script: str, found: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert torch_build.look().nvidia is found
