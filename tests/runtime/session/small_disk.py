"""A disk with a fixed number of free bytes, shared by every file that is opened for writing."""

import errno
import io
import os
from pathlib import Path
from typing import Any

import pytest


class SmallDisk:
    """Stands in for the disk below `folder` from now on."""

    def __init__(self, folder: Path, room: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.room = room
        stock = Path.open

        def open_file(path: Path, mode: str = "r", *more: Any, **named: Any) -> Any:
            if "r" in mode or folder not in path.parents:
                return stock(path, mode, *more, **named)
            raw = _File(self, str(path), mode.replace("b", "").replace("t", ""))
            buffered = io.BufferedWriter(raw)
            return buffered if "b" in mode else io.TextIOWrapper(buffered, **named)

        monkeypatch.setattr(Path, "open", open_file)


class _File(io.FileIO):
    def __init__(self, disk: SmallDisk, path: str, mode: str) -> None:
        super().__init__(path, mode)
        self._disk = disk

    def write(self, data: Any) -> int:
        """As a real system: what still fits is written, then no space is left; overwriting needs none."""
        fresh = max(0, self.tell() + len(data) - os.fstat(self.fileno()).st_size)
        fits = len(data) - max(0, fresh - self._disk.room)
        if fits <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._disk.room -= min(fresh, self._disk.room)
        return super().write(memoryview(data)[:fits])
