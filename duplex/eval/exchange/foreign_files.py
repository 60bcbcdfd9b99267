"""Files in the layouts of other projects: mono wavs, JSON, JSON lines, and a folder of their own.

Knows files; knows nothing of what the layouts mean.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import soxr

from configs.audio import AUDIO
from duplex.eval.errors import EvaluationError
from duplex.eval.store import audio_file
from duplex.eval.suite import DialogueRow, Facts
from duplex.io import whole_files as files
from duplex.io.sound_file import write_wav
from duplex.model.interface import Samples

OnRow = Callable[[DialogueRow], None]
"""Called after every conversation that was written."""


@dataclass(frozen=True)
class Exported:
    """What an exporter wrote.

    Attributes:
        rows: how many conversations. figures: our own of the same files, by name; what the scorer should find.
        notes: what was left out, and how the other project's scorer is run; a line each.
    """

    rows: int
    figures: Facts
    notes: tuple[str, ...]


def empty_folder(path: Path) -> None:
    """Make the folder of an export.

    Raises:
        EvaluationError: something lies there already.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise EvaluationError(f"{path}: is not empty, and scorers read all that lies there; give a new folder")
    path.mkdir(parents=True, exist_ok=True)


def sample_name(row: DialogueRow) -> str:
    """A row's id as the name of a folder or a file."""
    return audio_file(Path(), row.id).stem


def write_mono(samples: Samples, path: Path) -> None:
    """Write [n] samples at 24 kHz as a mono wav, 16 kHz, 16 bit; the folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_wav(path, soxr.resample(samples, AUDIO.output_rate, AUDIO.input_rate), AUDIO.input_rate)


def write_json(values: object, path: Path) -> None:
    """Write plain values; the folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_json(path, values)


def write_lines(values: Sequence[object], path: Path) -> None:
    """Write plain values as JSON lines; the folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_json_lines(path, values)
