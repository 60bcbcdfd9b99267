"""Reads memory and descriptors of other processes of the same user from Linux's /proc."""

import sys
from pathlib import Path

from runtime.cli.bench.soak.samples import ProcessSample
from runtime.engine.memory import resident_mb
from runtime.errors import EngineError

PROC = Path("/proc")


def check_system(system: str = sys.platform) -> None:
    """Check that this system has /proc.

    Raises:
        EngineError: it has not.
    """
    if system != "linux":
        raise EngineError("bench soak reads memory and descriptors from /proc, which only Linux has; run it there")


def read_process(pid: int, proc: Path = PROC) -> ProcessSample:
    """Resident set and open descriptors of a process.

    Raises:
        EngineError: the process is gone.
    """
    folder = proc / str(pid)
    try:
        rss_mb = resident_mb((folder / "status").read_text(encoding="utf-8"))
        descriptors = sum(1 for _ in (folder / "fd").iterdir())
    except OSError:
        raise EngineError(f"process {pid} of the server is gone; run duplex serve to see why") from None
    if rss_mb is None:
        raise EngineError(f"process {pid} of the server has ended; run duplex serve to see why")
    return ProcessSample(rss_mb, descriptors)
