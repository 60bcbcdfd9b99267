"""How much memory an engine holds, and how much this machine could still give: Linux only, elsewhere nobody knows.

Nothing here depends on engines.
"""

import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

SYSTEM: Final = Path("/")
_KIB_MB: Final = 1024 / 1e6
_BYTES_MB: Final = 1e-6


def resident_mb(status: str) -> float | None:
    """The resident set in the text of /proc/PID/status, MB; None if the process has ended."""
    value = _find(status, "VmRSS")
    return None if value is None else _kib(value)


def held_mb(pid: int, root: Path = SYSTEM) -> float | None:
    """Resident sets of a process and of those that it started, MB; None where that cannot be told."""
    sizes: dict[int, float] = {}
    children: dict[int, list[int]] = {}
    for file in (root / "proc").glob("[0-9]*/status"):
        with suppress(OSError):  # a process that has ended meanwhile
            status = file.read_text(encoding="utf-8")
            sizes[int(file.parent.name)] = resident_mb(status) or 0.0
            children.setdefault(int(_find(status, "PPid") or 0), []).append(int(file.parent.name))
    if pid not in sizes:
        return None
    family = [pid]
    for member in family:
        family += children.get(member, [])
    return round(sum(sizes[member] for member in family), 3)


def available_mb(root: Path = SYSTEM) -> float | None:
    """Memory that can be taken without swapping, MB, also by the limit of a container; None where nobody knows."""
    try:
        told = _find((root / "proc" / "meminfo").read_text(encoding="utf-8"), "MemAvailable")
    except OSError:
        return None
    machine = None if told is None else _kib(told)
    group = root / "sys" / "fs" / "cgroup"
    try:
        most, held = ((group / name).read_text().strip() for name in ("memory.max", "memory.current"))
        left = None if most == "max" else (int(most) - int(held)) * _BYTES_MB
    except (OSError, ValueError):
        left = None
    return min((part for part in (machine, left) if part is not None), default=None)


def has_gpu() -> bool:
    """Whether this process could use a GPU, whose memory counts apart."""
    torch = sys.modules.get("torch")
    return torch is not None and bool(torch.cuda.is_available())


def _find(text: str, name: str) -> str | None:
    for line in text.splitlines():
        found, _, value = line.partition(":")
        if found == name:
            return value
    return None


def _kib(value: str) -> float:
    return round(int(value.split()[0]) * _KIB_MB, 3)
