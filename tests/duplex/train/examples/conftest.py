"""Examples that a test writes itself."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from configs.train.examples import SpeechTokensInfo
from duplex.train.examples.example import Example, Turn

TOKENS = SpeechTokensInfo(name="a test", vocabulary=10)


def spoken(id: str = "a", rounds: int = 1) -> Example:
    """A speech-to-speech example: two seconds of the user, two of the assistant, in every round."""
    turns = []
    for number in range(rounds):
        turns.append(Turn("user", f"Question {number}?", f"{id}-{number}.wav", 2.0))
        turns.append(Turn("assistant", f"Answer {number}.", tokens=tuple(place % 10 for place in range(50))))
    return Example(id, tuple(turns))


@pytest.fixture
def write_sound(tmp_path: Path) -> Callable[[str, float], Path]:
    """Write a sound file of some seconds under the test's folder."""

    def write(name: str, seconds: float) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.zeros(round(seconds * 16_000)), 16_000)
        return path

    return write


@pytest.fixture
def write_lines(tmp_path: Path) -> Callable[[list[Any]], Path]:
    """Write rows as JSON lines to `tmp_path / "train.jsonl"`."""

    def write(rows: list[Any]) -> Path:
        path = tmp_path / "train.jsonl"
        path.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows), encoding="utf-8")
        return path

    return write
