"""Finished conversations on disk: a header line and one JSON line each, so that a killed run resumes where it was.

The sound of a conversation, if it is kept, is a stereo file of its own: user left, assistant right.
"""

import json
from pathlib import Path

import numpy as np
import soxr

from configs.audio import AUDIO
from duplex.eval.conversation_record import Recording
from duplex.eval.errors import EvaluationError
from duplex.eval.suite import DialogueRow, Facts
from duplex.io.sound_file import write_wav
from duplex.io.whole_files import json_text, name_within, parse_json, shorten, whole_lines, write_json_lines, write_text


class LineStore:
    """Plain values, one line each; the first line has the settings with which they were made.

    Attributes:
        lines: the values that were there when it was opened.
    """

    def __init__(self, path: Path, settings: Facts, fresh: bool = False) -> None:
        """Open or create a file.

        Args:
            path: path of the file. settings: what the lines depend on. fresh: delete existing lines.

        Raises:
            EvaluationError: existing lines were made with other settings, or the file is of another kind.
        """
        self.path = path
        self.lines: list[Facts] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        if fresh or not path.exists():
            write_json_lines(path, [{"settings": settings}])
        else:
            self._read(settings)

    def add(self, values: Facts) -> None:
        """Store one more line."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json_text(values) + "\n")

    def _read(self, settings: Facts) -> None:
        """Read complete lines; a last line whose writing was interrupted is removed from the file."""
        try:
            lines = whole_lines(self.path.read_text(encoding="utf-8"))
            header, *self.lines = [parse_json(line) for line in lines]
            same = header["settings"] == json.loads(json.dumps(settings))
        except (ValueError, KeyError, TypeError) as error:
            raise EvaluationError(
                f"{self.path}: is not a result file ({shorten(repr(error))}); remove it or use --fresh"
            ) from None
        if not same:
            raise EvaluationError(f"{self.path}: was made with other settings; use --fresh or another --out folder")
        write_text(self.path, "".join(lines))


class RowStore:
    """The rows of one run by id; of two with the same id, the later one counts."""

    def __init__(self, path: Path, settings: Facts, fresh: bool = False) -> None:
        """As `LineStore`, with the same errors."""
        self._store = LineStore(path, settings, fresh)
        try:
            self.rows = {row["id"]: DialogueRow.from_json(row) for row in self._store.lines}
        except (KeyError, TypeError) as error:
            raise EvaluationError(
                f"{path}: a line is not a row ({shorten(repr(error))}); remove it or use --fresh"
            ) from None

    def add(self, row: DialogueRow) -> None:
        """Store a row."""
        self.rows[row.id] = row
        self._store.add(row.to_json())


def audio_file(folder: Path, name: str) -> Path:
    """Path of the sound of the conversation `name`."""
    return folder / f"{name_within(name)}.wav"


def save_audio(folder: Path, name: str, recording: Recording) -> None:
    """Store the sound of a conversation, stereo, 24 kHz, 16 bit; both channels are equally long."""
    user = np.asarray(soxr.resample(recording.user, AUDIO.input_rate, AUDIO.output_rate), np.float32)
    both = np.zeros((max(len(user), len(recording.assistant)), 2), np.float32)
    both[: len(user), 0], both[: len(recording.assistant), 1] = user, recording.assistant
    folder.mkdir(parents=True, exist_ok=True)
    write_wav(audio_file(folder, name), both, AUDIO.output_rate)
