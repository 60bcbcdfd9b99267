"""Reads label files of a recording: detects the format, and checks that the labels can belong to the recording.

JSON lines              our own format (`duplex.eval.exchange.labels`), for any other ending
.rttm, .TextGrid        who speaks when
.json                   an annotation of Full-Duplex-Bench, scenarios of MTR-DuplexBench, or JSON lines
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from configs.eval.scoring import LabelsConfig
from duplex.eval.errors import EvaluationError
from duplex.eval.exchange import fdb_annotations, mtr_scenario
from duplex.eval.exchange.labels import Found, Label, read_lines
from duplex.eval.exchange.rttm import read_rttm
from duplex.eval.exchange.textgrid_labels import read_tiers
from duplex.io.whole_files import parse_json

_KNOWN: Final = (
    "pause.json, turn_taking.json, interrupt.json, metadata.json of Full-Duplex-Bench, scenarios of MTR-DuplexBench"
)
_WRITE_LINES: Final = "write JSON lines, see docs/evaluation.md"


@dataclass(frozen=True)
class FileLabels:
    """Labels in order of time. `notes`: what was left out or assumed, for the user."""

    labels: tuple[Label, ...]
    notes: tuple[str, ...] = ()


def read_labels(
    path: Path, recording: Path, seconds: float, config: LabelsConfig, assistant: Path | None = None
) -> FileLabels:
    """Read the labels of a file.

    Args:
        recording: the recording whose labels are wanted, if a file has those of several. seconds: its length.
        assistant: the assistant's side, if `recording` is the user's.

    Raises:
        EvaluationError: the file is missing or cannot be read, has no label of this recording, or has a wrong one.
    """
    recordings = (recording,) if assistant is None else (recording, assistant)
    found = _find(path, recordings, config)
    for place, label in found.placed:
        _check(place, label, seconds, config)
    labels = [label for _, label in found.placed if label.end > label.start]
    if not labels:
        raise EvaluationError(f"{path}: holds no labels of {recording.name}; leave out --labels or give another file")
    empty = len(found.placed) - len(labels)
    notes = (*found.notes, f"{path}: left out {empty} of its labels, which last 0 s") if empty else found.notes
    return FileLabels(tuple(sorted(labels, key=lambda one: (one.start, one.end, one.side))), notes)


def _find(path: Path, recordings: Sequence[Path], config: LabelsConfig) -> Found:
    if not path.is_file():
        raise EvaluationError(f"{path}: there is no such label file; check the path")
    match path.suffix.lower():
        case ".textgrid":
            return read_tiers(path, config)
        case ".rttm":
            return read_rttm(_text(path), path, recordings, config)
        case ".json":
            return _of_json(_text(path), path, recordings[0], config)
    return read_lines(_text(path), path, recordings[0], config)


def _of_json(text: str, path: Path, recording: Path, config: LabelsConfig) -> Found:
    try:
        values = parse_json(text)
    except ValueError:
        return read_lines(text, path, recording, config)
    if fdb_annotations.is_one(values):
        return Found(tuple(fdb_annotations.read(values, path)))
    if mtr_scenario.is_one(values):
        return Found(tuple(mtr_scenario.read(values, path, recording)))
    if isinstance(values, dict) and "channel" in values:
        return read_lines(text.replace("\r", " ").replace("\n", " "), path, recording, config)
    raise EvaluationError(f"{path}: is none of the known annotations ({_KNOWN}); {_WRITE_LINES}")


def _text(path: Path) -> str:
    """Decode UTF-8 with or without a byte order mark, or UTF-16 with one."""
    try:
        data = path.read_bytes()
        wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
        return data.decode("utf-16" if wide else "utf-8-sig")
    except OSError as error:
        raise EvaluationError(f"{path}: cannot be read ({error.strerror}); check the file") from None
    except UnicodeDecodeError as error:
        raise EvaluationError(f"{path}: cannot be read as text ({error.reason}); save it as UTF-8") from None


def _check(place: str, label: Label, seconds: float, config: LabelsConfig) -> None:
    span = f"{label.kind} from {label.start:g} to {label.end:g} s"
    if label.end < label.start:
        raise EvaluationError(f"{place}: {span} ends before it starts; fix the label")
    if label.start < 0 or label.end > seconds + config.beyond_s:
        raise EvaluationError(f"{place}: {span} is outside the recording of {seconds:.2f} s; fix the label")
