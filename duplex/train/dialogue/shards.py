"""Simulated dialogues on disk: features of the user's channel and its scene, one folder per shard.

A scene's line is written after its features, so a run that was killed loses at most one batch. This module handles
files only.
"""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from configs.audio import AUDIO
from configs.base import ConfigError
from duplex.io.whole_files import whole_lines, write_text
from duplex.train.dialogue.scene import Scene

Features = NDArray[np.float16]

_FILE_FEATURES, _FILE_SCENES = "features.f16", "scenes.jsonl"


class ShardError(ConfigError):
    """A shard cannot be used. The message says which file, why and how to fix it."""


class Shard:
    """A shard opened for reading; `features` is [n, frames, dim] on disk, not in memory."""

    def __init__(self, folder: Path) -> None:
        """Raises `ShardError` if there is no shard or it is empty."""
        scenes = folder / _FILE_SCENES
        if not scenes.exists():
            raise ShardError(f"{scenes} is missing; run 'duplex train dialogues' first")
        self.scenes = [Scene.from_json(json.loads(row)) for row in _rows(scenes)]
        if not self.scenes:
            raise ShardError(f"{scenes} is empty; run 'duplex train dialogues' again")
        shape = json.loads((folder / "shape.json").read_text(encoding="utf-8"))
        self.features: Features = np.memmap(folder / _FILE_FEATURES, np.float16, "r", shape=(len(self.scenes), *shape))


class ShardWriter:
    """A shard opened for appending; `count` scenes are already there."""

    def __init__(self, folder: Path, frames: int, dim: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._features, self._scenes = folder / _FILE_FEATURES, folder / _FILE_SCENES
        rows = _rows(self._scenes) if self._scenes.exists() else []
        self.count = len(rows)
        write_text(self._scenes, "".join(row + "\n" for row in rows))
        write_text(folder / "shape.json", json.dumps([frames, dim]))
        with self._features.open("ab") as file:
            file.truncate(self.count * frames * dim * np.dtype(np.float16).itemsize)

    def add(self, features: Features, scenes: list[Scene]) -> None:
        """Append scenes with their features [n, frames, dim]."""
        assert len(features) == len(scenes), f"{len(features)} feature rows for {len(scenes)} scenes"
        with self._features.open("ab") as file:
            file.write(np.ascontiguousarray(features, np.float16).tobytes())
        with self._scenes.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(scene.to_json(), ensure_ascii=False) + "\n" for scene in scenes)
        self.count += len(scenes)


def frames_of(slots: int) -> int:
    """Feature frames of a dialogue of `slots` slots: one per packet."""
    return slots * AUDIO.packets_per_slot


def _rows(path: Path) -> list[str]:
    """Complete lines; one whose writing was interrupted is left out."""
    return [row[:-1] for row in whole_lines(path.read_text(encoding="utf-8"))]
