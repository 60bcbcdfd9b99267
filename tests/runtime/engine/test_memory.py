"""Figures of memory, from folders that look like Linux's."""

import os
import sys
from pathlib import Path

import pytest

from runtime.engine.memory import available_mb, held_mb, resident_mb


def write(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


def write_process(root: Path, pid: int, parent: int, kib: int) -> None:
    write(root, f"proc/{pid}/status", f"Name:\tpython\nPPid:\t{parent}\nVmHWM:\t999999999 kB\nVmRSS:\t  {kib} kB\n")


def test_a_process_holds_its_memory_and_that_of_all_it_started(tmp_path: Path) -> None:
    for pid, parent, kib in (
        (1, 0, 7_000_000),
        (20, 1, 250_000),
        (30, 20, 125_000),
        (31, 30, 62_500),
        (40, 1, 500_000),
    ):
        write_process(tmp_path, pid, parent, kib)
    write(tmp_path, "proc/50/status", "Name:\tpython\nState:\tZ (zombie)\nPPid:\t20\n")
    assert held_mb(20, tmp_path) == 448.0
    assert held_mb(40, tmp_path) == 512.0
    assert held_mb(99, tmp_path) is None


def test_a_process_that_has_ended_has_no_resident_set() -> None:
    assert resident_mb("Name:\tpython\nState:\tZ (zombie)\n") is None


def test_what_is_available_is_bounded_by_the_machine_and_by_the_container(tmp_path: Path) -> None:
    assert available_mb(tmp_path) is None
    write(tmp_path, "proc/meminfo", "MemTotal:  16000000 kB\nMemFree:  10 kB\nMemAvailable:  4000000 kB\n")
    assert available_mb(tmp_path) == 4096.0
    write(tmp_path, "sys/fs/cgroup/memory.max", "max\n")
    write(tmp_path, "sys/fs/cgroup/memory.current", "1500000000\n")
    assert available_mb(tmp_path) == 4096.0
    write(tmp_path, "sys/fs/cgroup/memory.max", "2000000000\n")
    assert available_mb(tmp_path) == pytest.approx(500.0)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells it")
def test_this_machine_tells_both() -> None:
    held, available = held_mb(os.getpid()), available_mb()
    assert held is not None
    assert available is not None
    assert 5 < held < 100_000
    assert available > 0
