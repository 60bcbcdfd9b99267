"""The sources of the suites' sound: a data folder of real audio, and a folder of synthesized trials.

    DATA/manifest.jsonl     {"file": "llama_questions/1.wav", "text": "question || answer", ...} per file
    TRIALS/trials.jsonl     {"name": "pause_600_001", "test": "pause", "start": ..., "end": ...} per wav, as
                            `duplex train trials` writes it (`duplex.train.dialogue.trials.TrialRecording`)

This module handles files and their format; it does not depend on what is measured with them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from duplex.eval.errors import EvaluationError
from duplex.eval.users.clip import Clip
from duplex.io.whole_files import parse_json, shorten, text_lines

ANSWER_MARK = "||"
QUESTIONS = ("question_voice", "question_frame", "question_voice_frame", "question_robot")


@dataclass(frozen=True)
class DataFile:
    """A file of the data folder: its path, its name in the manifest, and its text."""

    path: Path
    name: str
    text: str


@dataclass(frozen=True)
class Question:
    """A spoken question and its published answer."""

    id: str
    clip: Clip
    text: str
    answer: str


@dataclass(frozen=True)
class Trial:
    """A synthesized clip and its labels.

    Attributes:
        id: unique. test: what it is for ("question_voice", "pause", "backchannel", "silence", ...).
        clip: the speech or noise, without the silence around it.
        text: what is said. answer: the right answer. key: what it must contain. long: whether it is a long one.
        pause: (start, end) of the tested pause, seconds within the clip; None if there is none.
    """

    id: str
    test: str
    clip: Clip
    text: str
    answer: str
    key: str
    long: bool
    pause: tuple[float, float] | None


class DataFolder:
    """Real audio next to the repository."""

    def __init__(self, folder: Path) -> None:
        """Raises EvaluationError if there is no manifest."""
        self.folder = folder
        manifest = folder / "manifest.jsonl"
        self._rows = list(_lines(manifest, "give the folder of the test audio with --data"))
        for number, row in enumerate(self._rows, 1):
            if not isinstance(row.get("file"), str) or not isinstance(row.get("text", ""), str):
                raise EvaluationError(f"{manifest}: line {number} names no file and its text; get the file again")

    def files(self, part: str) -> list[DataFile]:
        """The sound files of one sub-folder, in the manifest's order.

        Raises:
            EvaluationError: the sub-folder has none.
        """
        found = self.any_files(part)
        if not found:
            raise EvaluationError(f"{self.folder}: its manifest names no wav in {part}/; get the complete data folder")
        return found

    def any_files(self, part: str) -> list[DataFile]:
        """The same, but may be empty."""
        rows = [row for row in self._rows if row["file"].startswith(f"{part}/") and row["file"].endswith(".wav")]
        return [DataFile(self.folder / row["file"], row["file"], row.get("text", "")) for row in rows]

    def llama_questions(self) -> list[Question]:
        """Llama Questions with their published answers."""
        return [_question(file) for file in self.files("llama_questions")]


class TrialFolder:
    """Synthesized trials."""

    def __init__(self, folder: Path) -> None:
        """Raises EvaluationError if there are no trials."""
        self.folder = folder
        hint = "make the trials with 'duplex train trials', or give their folder with --trials"
        self._trials = [_trial(folder, row) for row in _lines(folder / "trials.jsonl", hint)]

    @classmethod
    def of_any(cls, folder: Path) -> Self | None:
        """The trials of a folder, or None if there is no such folder, because some suites can do without."""
        return cls(folder) if folder.is_dir() else None

    def of(self, test: str) -> list[Trial]:
        """All trials of a test, in the file's order.

        Raises:
            EvaluationError: there are none.
        """
        return self._find(test, self.any_of(test))

    def any_of(self, test: str) -> list[Trial]:
        """The same, but empty if the voices were not available when the trials were made."""
        return [trial for trial in self._trials if trial.test == test]

    def requests(self, least_words: int) -> list[Trial]:
        """Questions (without robotic voices) whose right answer is a long one with at least `least_words` words.

        Raises:
            EvaluationError: there are none.
        """
        asked = [trial for trial in self._trials if trial.long and trial.test in QUESTIONS[:-1]]
        return self._find("long answers", [trial for trial in asked if len(trial.answer.split()) >= least_words])

    def _find(self, what: str, trials: list[Trial]) -> list[Trial]:
        if not trials:
            raise EvaluationError(f"{self.folder}: holds no trials for '{what}'; make them again")
        return trials


def _question(file: DataFile) -> Question:
    text, _, answer = file.text.partition(ANSWER_MARK)
    return Question(file.path.stem, Clip(file.path), " ".join(text.split()), answer.strip())


def _trial(folder: Path, row: dict[str, Any]) -> Trial:
    try:
        start, end, pause = float(row["start"]), float(row["end"]), float(row.get("pause", 0.0))
        inside = float(row.get("pause_start", 0.0)) - start
        return Trial(
            id=row["name"],
            test=row["test"],
            clip=Clip(folder / f"{row['name']}.wav", start, end, exact=True),
            text=row.get("text", ""),
            answer=row.get("answer", ""),
            key=row.get("key") or row.get("answer", ""),
            long=bool(row.get("long")),
            pause=(inside, inside + pause) if pause else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise EvaluationError(
            f"{folder}/trials.jsonl: a line is not a trial ({shorten(repr(error))}); make the trials again"
        ) from None


def _lines(path: Path, hint: str) -> Iterator[dict[str, Any]]:
    if not path.is_file():
        raise EvaluationError(f"{path}: there is no such file; {hint}")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(f"{path}: cannot be read ({error}); get the file again") from None
    for number, line in enumerate(text_lines(text), 1):
        try:
            values = parse_json(line)
        except ValueError as error:
            raise EvaluationError(f"{path}: line {number} is not JSON ({error}); get the file again") from None
        if not isinstance(values, dict):
            raise EvaluationError(f"{path}: line {number} is not a JSON object; get the file again")
        yield values
