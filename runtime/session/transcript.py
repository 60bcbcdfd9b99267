"""Builds the transcript of a conversation from its slot log alone.

Times are seconds on the recording's clock. A word of the assistant that was cut counts as heard if enough of it was
played; a word that was known but never begun has the time of the cut as its start and end.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from itertools import groupby
from pathlib import Path

from configs.audio import AUDIO
from configs.runtime.runtime import TranscriptConfig
from duplex.io.whole_files import write_json
from duplex.model.text.sounding_word import measure_played
from duplex.model.text.truecase import MARKS
from runtime.session.log_records import LoggedUser, LoggedWord, SlotRow
from tdm.slots import State

SLOT_S = AUDIO.slot_seconds
DIGITS = 3


@dataclass(frozen=True)
class TranscribedTurn:
    """What the user said in one turn, as far as it was understood."""

    turn: int
    text: str
    start: float
    end: float
    heard: bool = True


@dataclass(frozen=True)
class AnswerWord:
    """A word of the assistant. `fraction`: how much of it was played; `heard`: whether that was enough."""

    answer: int
    text: str
    start: float
    end: float
    fraction: float
    heard: bool


@dataclass(frozen=True)
class TranscribedAnswer:
    """One answer of the assistant.

    Attributes:
        text: its heard words. unheard: the others.
        start, end: when its sound began and ended.
        how: "end" (it was finished), "cut" (it was broken off) or "open" (the conversation ended first).
    """

    answer: int
    text: str
    unheard: str
    start: float
    end: float
    how: str


@dataclass(frozen=True)
class UserSide:
    """What the user said: the whole text, and by turns."""

    text: str
    words: tuple[TranscribedTurn, ...]


@dataclass(frozen=True)
class AssistantSide:
    """What was heard of the assistant: the whole text, word by word, and by answers."""

    text: str
    words: tuple[AnswerWord, ...]
    answers: tuple[TranscribedAnswer, ...]


@dataclass(frozen=True)
class Transcript:
    """Both sides of a conversation of `seconds`."""

    seconds: float
    user: UserSide
    assistant: AssistantSide

    def write(self, path: Path) -> None:
        """Write the transcript as a whole JSON file.

        Raises:
            OSError: the file cannot be written.
        """
        write_json(path, asdict(self))


@dataclass
class _Word:
    """A word while it is spoken. `pieces`: (start, end, fraction spoken at the end), seconds on the slot clock."""

    text: str
    pieces: list[tuple[float, float, float]] = field(default_factory=list)


@dataclass
class _OpenAnswer:
    """An answer while it lasts."""

    start: float
    words: dict[int, _Word] = field(default_factory=dict)
    announced: int = 0
    end: float = 0.0
    how: str = "open"


class TranscriptBuilder:
    """Takes rows one by one, so that it can follow a live conversation."""

    def __init__(self, delay_ms: float, config: TranscriptConfig) -> None:
        """`delay_ms`: how much later than its slot the assistant's audio sounds."""
        self._delay = delay_ms / 1000
        self._config = config
        self._turns: dict[int, LoggedUser] = {}
        self._answers: list[_OpenAnswer] = []
        self._slots = 0
        self._speaking = False

    def add(self, row: SlotRow) -> None:
        """Append one row, in order."""
        begin = (row.slot + 1) * SLOT_S
        self._slots = row.slot + 1
        if row.user:
            self._turns[row.user.turn] = row.user
        if row.event == "start":
            self._answers.append(_OpenAnswer(begin))
        if row.state == State.SPEAK.name:
            self._speak(row, begin)
        elif self._speaking:
            self._stop(row, begin)
        self._speaking = row.state == State.SPEAK.name

    def build(self) -> Transcript:
        """The transcript so far; can be called again after more rows."""
        length = (self._slots + 1) * SLOT_S
        words = [word for number, answer in enumerate(self._answers) for word in self._words(number, answer, length)]
        of_answer = {number: list(mine) for number, mine in groupby(words, key=lambda word: word.answer)}
        answers = tuple(
            self._answer(number, answer, of_answer.get(number, []), length)
            for number, answer in enumerate(self._answers)
        )
        turns = tuple(
            TranscribedTurn(turn, said.caption, round(said.start_s, DIGITS), round(said.end_s, DIGITS))
            for turn, said in sorted(self._turns.items())
        )
        return Transcript(
            round(length, DIGITS),
            UserSide(_join(turn.text for turn in turns), turns),
            AssistantSide(_join(word.text for word in words if word.heard), tuple(words), answers),
        )

    def _speak(self, row: SlotRow, begin: float) -> None:
        answer = self._answers[-1]
        for text in row.answer_words:
            answer.words.setdefault(answer.announced, _Word(text))
            answer.announced += 1
        for piece in row.spoken:
            self._sound(answer, piece, begin)

    def _sound(self, answer: _OpenAnswer, piece: LoggedWord, begin: float) -> None:
        word = answer.words.setdefault(piece.index, _Word(piece.text))
        word.pieces.append((begin + piece.start_ms / 1000, begin + piece.end_ms / 1000, piece.done))

    def _stop(self, row: SlotRow, begin: float) -> None:
        answer = self._answers[-1]
        answer.how = "cut" if row.event == "cut" else "end"
        answer.end = begin - row.flushed_ms / 1000

    def _words(self, number: int, answer: _OpenAnswer, length: float) -> list[AnswerWord]:
        """The words of an answer; a punctuation mark belongs to the word before it."""
        stop = answer.end if answer.how != "open" else length
        words: list[AnswerWord] = []
        for _, word in sorted(answer.words.items()):
            if words and word.text in MARKS:
                words[-1] = replace(words[-1], text=words[-1].text + word.text)
            else:
                words.append(self._word(number, word, stop))
        return words

    def _word(self, number: int, word: _Word, stop: float) -> AnswerWord:
        fraction = measure_played(word.pieces, stop)
        start = min(word.pieces[0][0], stop) if word.pieces else stop
        end = min(word.pieces[-1][1], stop) if word.pieces else stop
        heard = bool(word.pieces) and fraction >= self._config.heard_fraction
        return AnswerWord(number, word.text, self._clock(start), self._clock(end), round(fraction, DIGITS), heard)

    def _answer(self, number: int, answer: _OpenAnswer, mine: list[AnswerWord], length: float) -> TranscribedAnswer:
        text, unheard = (_join(word.text for word in mine if word.heard is heard) for heard in (True, False))
        end = answer.end if answer.how != "open" else length
        return TranscribedAnswer(number, text, unheard, self._clock(answer.start), self._clock(end), answer.how)

    def _clock(self, seconds: float) -> float:
        return round(seconds + self._delay, DIGITS)


def transcript(rows: Iterable[SlotRow], delay_ms: float, config: TranscriptConfig) -> Transcript:
    """The transcript of a whole log."""
    builder = TranscriptBuilder(delay_ms, config)
    for row in rows:
        builder.add(row)
    return builder.build()


def _join(words: Iterable[str]) -> str:
    return " ".join(words)
