"""Files of labels beside a recording: which form one has, and whether its labels can be of this recording.

JSON lines              our own (`duplex.eval.exchange.labels`); whatever has no other known ending
.rttm, .TextGrid        who speaks when
.json                   an annotation of Full-Duplex-Bench, scenarios of MTR-DuplexBench, or JSON lines
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from configs.eval.scoring import LabelsConfig
from duplex.eval.errors import EvaluationError
from duplex.eval.exchange import fdb_annotations, mtr_scenario
from duplex.eval.exchange.labels import Label, Placed, read_lines
from duplex.eval.exchange.rttm import read_rttm
from duplex.eval.exchange.textgrid_labels import read_tiers

_KNOWN = "Full-Duplex-Bench's pause, turn_taking, interrupt and metadata.json, MTR-DuplexBench's scenarios"


def read_labels(path: Path, recording: Path, seconds: float, config: LabelsConfig) -> tuple[Label, ...]:
    """The labels of a file in order of time.

    Args:
        recording: whose labels are wanted, where a file holds those of several. seconds: its length.

    Raises:
        EvaluationError: the file is missing or cannot be read, holds no label of this recording, or a wrong one.
    """
    placed = list(_placed(_text(path), path, recording, config))
    if not placed:
        raise EvaluationError(f"{path}: holds no labels of {recording.name}; leave out --labels or give another file")
    for place, label in placed:
        _check(place, label, seconds, config)
    return tuple(sorted((label for _, label in placed), key=lambda one: (one.start, one.end, one.side)))


def _placed(text: str, path: Path, recording: Path, config: LabelsConfig) -> Iterable[Placed]:
    match path.suffix.lower():
        case ".rttm":
            return read_rttm(text, path, recording, config)
        case ".textgrid":
            return read_tiers(path, config)
        case ".json":
            return _of_json(text, path, recording, config)
    return read_lines(text, path, recording, config)


def _of_json(text: str, path: Path, recording: Path, config: LabelsConfig) -> Iterable[Placed]:
    try:
        values: Any = json.loads(text)
    except ValueError:
        return read_lines(text, path, recording, config)
    if fdb_annotations.is_one(values):
        return fdb_annotations.read(values, path)
    if mtr_scenario.is_one(values):
        return mtr_scenario.read(values, path, recording)
    if isinstance(values, dict) and "channel" in values:
        return read_lines(text, path, recording, config)
    known = (
        "pause.json, turn_taking.json, interrupt.json, metadata.json of Full-Duplex-Bench, scenarios of MTR-DuplexBench"
    )
    raise EvaluationError(
        f"{path}: is none of the known annotations ({known}); write JSON lines, see docs/evaluation.md"
    )


def _text(path: Path) -> str:
    """UTF-8 with or without a mark, or UTF-16 with one, as Praat writes it."""
    if not path.is_file():
        raise EvaluationError(f"{path}: there is no such label file; check the path")
    try:
        data = path.read_bytes()
        wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
        return data.decode("utf-16" if wide else "utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(f"{path}: cannot be read as text ({error}); give a file of labels") from None


def _check(place: str, label: Label, seconds: float, config: LabelsConfig) -> None:
    span = f"{label.kind} from {label.start:g} to {label.end:g} s"
    if label.end < label.start:
        raise EvaluationError(f"{place}: {span} ends before it starts; mend the label")
    if label.start < 0 or label.end > seconds + config.beyond_s:
        raise EvaluationError(f"{place}: {span} is outside the recording of {seconds:.2f} s; mend the label")
