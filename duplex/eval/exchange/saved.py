"""Reads a saved run for export: its rows, the sound of every conversation, and the assistant's words.

    RUN/report.json     see `duplex.eval.reports.schema`
    RUN/audio/ID.wav    stereo, user left, assistant right

Words come with the rows if the system reported them; otherwise a recogniser finds them in the sound. Nothing here
depends on the layouts of other projects.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from configs.audio import AUDIO
from duplex.eval.conversation_record import TimedWord
from duplex.eval.errors import EvaluationError
from duplex.eval.exchange.spoken_words import recognise_parts
from duplex.eval.reports.schema import read_report
from duplex.eval.store import audio_file
from duplex.eval.suite import DialogueRow, Facts
from duplex.io.sound_file import SoundFileError, read_sound_file
from duplex.model.interface import Samples

WordGroup = tuple[TimedWord, ...]
"""Words that belong together: an answer, or a segment of a recogniser."""

_AUDIO = "audio"
_AGAIN = "run the suite again with --audio"


@dataclass(frozen=True)
class ChannelPair:
    """Both channels of a conversation, [n] samples at 24 kHz, -1..1."""

    user: Samples
    assistant: Samples

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.user) / AUDIO.output_rate

    def between(self, since: float, until: float) -> "ChannelPair":
        """The part from `since` to `until` seconds."""
        first, last = (round(min(time, self.seconds) * AUDIO.output_rate) for time in (since, until))
        return ChannelPair(self.user[first:last], self.assistant[first:last])


@dataclass(frozen=True)
class SavedRun:
    """One run.

    Attributes:
        folder: folder of its files. suite: name of the suite. settings: what it depends on. rows: its conversations.
    """

    folder: Path
    suite: str
    settings: Facts
    rows: tuple[DialogueRow, ...]

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a run.

        Raises:
            EvaluationError: the folder is not a run, is of another schema, or has no conversations.
        """
        report = read_report(folder)
        rows = tuple(DialogueRow.from_json(dialogue.model_dump()) for dialogue in report.dialogues)
        if not rows:
            raise EvaluationError(f"{folder}: holds no conversations; give the folder of a finished run")
        return cls(folder, report.suite, report.settings, rows)

    def sound(self, row: DialogueRow) -> ChannelPair:
        """Both channels of a conversation.

        Raises:
            EvaluationError: the sound was not kept, is damaged, or is not stereo.
        """
        path = self.audio_file(row)
        try:
            sound = read_sound_file(path)
        except SoundFileError as error:
            raise EvaluationError(f"{error}; or {_AGAIN}") from None
        if sound.cut_off:
            raise EvaluationError(f"{path}: {sound.notes[0]}; {_AGAIN}")
        if sound.samples.shape[1] != 2 or sound.rate != AUDIO.output_rate:
            raise EvaluationError(f"{path}: is not the stereo sound at {AUDIO.output_rate} Hz of a run; {_AGAIN}")
        return ChannelPair(sound.samples[:, 0], sound.samples[:, 1])

    def audio_file(self, row: DialogueRow) -> Path:
        """Path of the sound of a conversation.

        Raises:
            EvaluationError: the sound was not kept.
        """
        path = audio_file(self.folder / _AUDIO, row.id)
        if not path.is_file():
            raise EvaluationError(f"{path}: the sound of the run was not kept; {_AGAIN}")
        return path

    def parts(self, row: DialogueRow, since: float = 0.0, until: float = float("inf")) -> tuple[WordGroup, ...]:
        """What the assistant was heard saying from `since` to `until`; words that extend beyond are cut off there.

        Raises:
            EvaluationError: the words are not in the row, and the sound or the recogniser is missing.
        """
        told = read_parts(row)
        if told is None:
            return self._recognise(row, since, until)
        inside = (tuple(_cut(word, since, until) for word in part if _sounds(word, since, until)) for part in told)
        return tuple(part for part in inside if part)

    def _recognise(self, row: DialogueRow, since: float, until: float) -> tuple[WordGroup, ...]:
        assistant = self.sound(row).between(since, until).assistant
        heard = recognise_parts(assistant, self.settings.get("definitions", {}).get("speech", {}).get("asr", ""))
        return tuple(tuple(TimedWord(w.text, w.start + since, w.end + since) for w in part) for part in heard)


def read_parts(row: DialogueRow) -> tuple[WordGroup, ...] | None:
    """The heard words by answer, as reported by the system; None if it did not report them."""
    answers = row.trace["answers"]
    if any(answer["text"] and not answer.get("words") for answer in answers):
        return None
    if not answers and events_of(row, "assistant"):
        return None
    return tuple(tuple(TimedWord(**word) for word in answer["words"]) for answer in answers if answer.get("words"))


def events_of(row: DialogueRow, side: str, *kinds: str) -> list[Facts]:
    """The events of one side in order of time, of these kinds or of all kinds."""
    found = (event for event in row.events if event["side"] == side and (not kinds or event["kind"] in kinds))
    return sorted(found, key=lambda event: (event["start"], event["end"]))


def text_of(row: DialogueRow, event: Facts) -> str:
    """The words of a user's event from the suite's measures: by the event's name, or the single `text`; otherwise
    ""."""
    found = row.measures.get(event["name"], "" if event["kind"] == "turn" else row.measures.get("text", ""))
    return found if isinstance(found, str) else ""


def _sounds(word: TimedWord, since: float, until: float) -> bool:
    return word.end > since and word.start < until


def _cut(word: TimedWord, since: float, until: float) -> TimedWord:
    return TimedWord(word.text, max(word.start, since), min(word.end, until))
