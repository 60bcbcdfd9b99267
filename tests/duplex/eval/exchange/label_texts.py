"""What tests of label files share: a line, forms of files, and reading them."""

import json
from pathlib import Path
from typing import Any

import pytest

from configs.eval.scoring import LabelsConfig
from duplex.eval.errors import EvaluationError
from duplex.eval.exchange.label_files import FileLabels, read_labels
from duplex.eval.exchange.labels import Label

CONFIG = LabelsConfig()
RECORDING, SECONDS = Path("talk.wav"), 20.0


def line(**more: Any) -> dict[str, Any]:
    return {"session": "talk", "channel": "user", "start": 1, "end": 2.5, "type": "turn", "text": "hello", **more}


def read(path: Path, text: str, recording: Path = RECORDING) -> tuple[Label, ...]:
    path.parent.mkdir(parents=True, exist_ok=True)
    return read_file(path, text.encode(), recording).labels


def read_file(path: Path, data: bytes, recording: Path = RECORDING, assistant: Path | None = None) -> FileLabels:
    path.write_bytes(data)
    return read_labels(path, recording, SECONDS, CONFIG, assistant)


def read_json(path: Path, values: Any, recording: Path = RECORDING) -> tuple[Label, ...]:
    return read(path, json.dumps(values), recording)


def expect_refusal(path: Path, text: str, recording: Path = RECORDING) -> str:
    with pytest.raises(EvaluationError) as caught:
        read(path, text, recording)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    return str(caught.value)


SPEAKER = "SPEAKER {} 1 {} {} <NA> <NA> user <NA> <NA>\n"
TIER = '"IntervalTier" "{}" 0 20 3\n0 1 ""\n1 2.5 "{}"\n2.5 20 " "\n'
TIMES = {"user_start": 0.5, "user_end": 3, "model_start": 3, "model_end": 9, "pause_start": 0.0, "pause_end": 0.0}
