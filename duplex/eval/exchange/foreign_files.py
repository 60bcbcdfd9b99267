"""Writes files of other projects' layouts: mono wavs, JSON, JSON lines, each export in a folder of its own.

This module handles files, whatever the layouts mean.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import soxr

from configs.audio import AUDIO
from duplex.eval.errors import EvaluationError
from duplex.eval.suite import DialogueRow, Facts
from duplex.io import whole_files as files
from duplex.io.sound_file import write_wav
from duplex.model.interface import Samples

OnRow = Callable[[DialogueRow], None]
"""Called after every conversation that is written."""


@dataclass(frozen=True)
class Exported:
    """What an exporter wrote.

    Attributes:
        rows: number of conversations. figures: our own figures of the same files, by name, which the scorer should
            find.
        notes: what was left out, and how to run the other project's scorer; one line each.
    """

    rows: int
    figures: Facts
    notes: tuple[str, ...]


def empty_folder(path: Path) -> None:
    """Make the folder of an export.

    Raises:
        EvaluationError: the folder is not empty.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise EvaluationError(f"{path}: is not empty, and scorers read everything in it; give a new folder")
    path.mkdir(parents=True, exist_ok=True)


def sample_name(row: DialogueRow) -> str:
    """A row's id as the name of a folder or a file."""
    return files.name_within(row.id)


def write_mono(samples: Samples, path: Path) -> None:
    """Write [n] samples at 24 kHz as a mono wav, 16 kHz, 16 bit; creates the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_wav(path, soxr.resample(samples, AUDIO.output_rate, AUDIO.input_rate), AUDIO.input_rate)


def write_json(values: object, path: Path) -> None:
    """Write plain values as JSON; creates the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_json(path, values)


def write_lines(values: Sequence[object], path: Path) -> None:
    """Write plain values as JSON lines; creates the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_json_lines(path, values)
