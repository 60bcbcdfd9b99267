"""Converts rows of the slot log to messages that leave with the audio they belong to.

A slot in which the assistant speaks is reported when its first sample leaves, and an answer's end when its last one has
left; all other slots are reported at once. At a cut, the words that were committed and not played are unheard. Nothing
here depends on networks or clocks.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from configs.audio import AUDIO
from configs.runtime.runtime import TranscriptConfig
from duplex.model.interface import StartedCall
from runtime.session.log_records import LoggedWord, SlotRow
from runtime.webrtc.messages import (
    Cut,
    PlannedWords,
    ServerMessage,
    SlotMessage,
    ToolMessage,
    UserCaption,
    WordSounding,
)
from tdm.slots import State


@dataclass
class WordProgress:
    """How much of every word of the present answer has been played."""

    heard_fraction: float
    answer: int = 0
    _done: dict[int, float] = field(default_factory=dict)
    _sounding: tuple[LoggedWord, ...] = ()
    _sounded_ms: float = 0.0

    def begin_slot(self, words: tuple[LoggedWord, ...]) -> None:
        """Begin the slot with `words`; the previous one was played to its end."""
        self._done |= {word.index: word.done for word in self._sounding}
        if words and words[0].answer != self.answer:
            self.answer, self._done = words[0].answer, {}
        self._sounding, self._sounded_ms = words, 0.0

    def packet(self) -> list[LoggedWord]:
        """Count 20 ms that leave; returns the words that begin with them."""
        before, self._sounded_ms = self._sounded_ms, self._sounded_ms + AUDIO.packet_ms
        fresh = [word for word in self._sounding if before <= word.start_ms < self._sounded_ms]
        return [word for word in fresh if word.index not in self._done]

    def count_heard(self) -> int:
        """Number of words of the answer that count as heard if it breaks off now."""
        done = self._done | {word.index: self._part(word) for word in self._sounding}
        return 1 + max((index for index, part in done.items() if part >= self.heard_fraction), default=-1)

    def _part(self, word: LoggedWord) -> float:
        """Share of a word, which grows linearly from its value before the slot to that at its end in the slot."""
        length = max(word.end_ms - word.start_ms, 1.0)
        passed = min(1.0, max(0.0, (self._sounded_ms - word.start_ms) / length))
        before = self._done.get(word.index, 0.0)
        return before + (word.done - before) * passed


class Captions:
    """One session's messages, in the order in which they must be sent."""

    def __init__(self, config: TranscriptConfig, told: Iterable[SlotRow] = ()) -> None:
        """`told`: rows of which the client has been told already."""
        self._progress = WordProgress(config.heard_fraction)
        self._waiting: deque[SlotRow] = deque()
        self._answer = -1
        self._planned = 0
        self._called = 0
        self._running: dict[str, ToolMessage] = {}
        for row in told:
            self.on_delivered(row)
            self.on_played((), drained=True)

    def on_delivered(self, row: SlotRow) -> list[ServerMessage]:
        """The engine answered a slot, whose audio waits to be played."""
        out = [*_user(row), *self._plan(row), *self._tools(row)]
        if row.event == "cut":
            return [*out, *map(_slot_message, self._drain()), _slot_message(row), self._cut()]
        if row.state == State.SPEAK.name or row.event == "end" or self._waiting:
            self._waiting.append(row)
            return out
        return [*out, _slot_message(row)]

    def on_played(self, begun: tuple[int, ...], drained: bool) -> list[ServerMessage]:
        """20 ms leave, in which the assistant slots `begun` begin; `drained`: nothing waits after them."""
        out: list[ServerMessage] = []
        while self._waiting and (drained or (begun and self._waiting[0].slot < begun[-1])):
            row = self._waiting.popleft()
            out.append(_slot_message(row))
            self._progress.begin_slot(row.spoken)
        return out + [WordSounding(answer=w.answer, index=w.index, text=w.text) for w in self._progress.packet()]

    def _plan(self, row: SlotRow) -> list[ServerMessage]:
        if row.event == "start":
            self._answer, self._planned = self._answer + 1, 0
        if not row.answer_words:
            return []
        first, self._planned = self._planned, self._planned + len(row.answer_words)
        return [PlannedWords(answer=self._answer, first=first, words=row.answer_words)]

    def _tools(self, row: SlotRow) -> list[ServerMessage]:
        """Calls that began or ended."""
        if row.came is None:
            return []
        began = [self._begin_call(call) for call in row.came.started]
        ended = [
            message.model_copy(update={"result": call.result, "failed": call.failed})
            for call in row.came.ended
            if (message := self._running.pop(call.id, None))
        ]
        return [*began, *ended]

    def _begin_call(self, call: StartedCall) -> ToolMessage:
        message = ToolMessage(call=self._called, name=call.name, arguments=call.arguments)
        self._called += 1
        self._running[call.id] = message
        return message

    def _drain(self) -> list[SlotRow]:
        rows = list(self._waiting)
        self._waiting.clear()
        return rows

    def _cut(self) -> Cut:
        begun = self._progress.answer == self._answer
        return Cut(answer=self._answer, heard=self._progress.count_heard() if begun else 0)


def _user(row: SlotRow) -> list[ServerMessage]:
    user = row.user
    if user is None:
        return []
    return [UserCaption(turn=user.turn, text=user.caption, start_s=user.start_s, end_s=user.end_s)]


def _slot_message(row: SlotRow) -> SlotMessage:
    return SlotMessage(
        t=row.slot,
        p=round(row.p_speak, 4),
        state=row.state,
        event=row.event,
        user_db=row.user_db,
        assistant_db=row.assistant_db,
        step_ms=round(row.times_ms["detokenized"] - row.times_ms["step"], 2),
        slack_ms=row.times_ms["slack"],
        degraded=row.degraded,
        thinking=row.thinking,
    )
