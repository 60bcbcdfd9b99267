"""Figures of processes, from a folder that looks like /proc."""

from pathlib import Path

import pytest

from runtime.cli.bench.soak.processes import check_system, read_process
from runtime.cli.bench.soak.samples import ProcessSample
from runtime.cli.bench.soak.soak import count_tasks
from runtime.errors import EngineError


def write_process(proc: Path, status: str) -> None:
    (proc / "7" / "fd").mkdir(parents=True)
    for number in range(3):
        (proc / "7" / "fd" / str(number)).touch()
    (proc / "7" / "status").write_text(status)


def test_memory_and_descriptors_are_read(tmp_path: Path) -> None:
    write_process(tmp_path, "Name:\tpython\nVmHWM:\t  300000 kB\nVmRSS:\t  250000 kB\nThreads:\t9\n")
    assert read_process(7, tmp_path) == ProcessSample(256.0, 3)


def test_a_process_that_is_gone_or_has_ended_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="process 7 of the server is gone; run duplex serve"):
        read_process(7, tmp_path)
    write_process(tmp_path, "Name:\tpython\nState:\tZ (zombie)\n")
    with pytest.raises(EngineError, match="process 7 of the server has ended"):
        read_process(7, tmp_path)


def test_other_systems_are_told() -> None:
    check_system("linux")
    with pytest.raises(EngineError, match="only Linux has"):
        check_system("darwin")


def test_tasks_of_all_loops_are_counted() -> None:
    lines = [
        "# HELP duplex_tasks Tasks",
        'duplex_tasks{loop="http"} 4.0',
        'duplex_tasks{loop="media"} 11.0',
        "other 3.0",
    ]
    assert count_tasks("\n".join(lines)) == 15
