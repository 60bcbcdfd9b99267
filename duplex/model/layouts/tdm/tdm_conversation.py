"""One row's bookkeeping between slots: waiting user words, the answer so far, and the contents of A_t.

This module is pure Python over words, ids and the schedule; it does not depend on tensors or audio.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from configs.audio import AUDIO
from configs.schedule import ScheduleConfig
from duplex.model.interface import ConversationOptions, SpokenWord
from duplex.model.layouts.tdm.writing import Moment, TextIds, Writing
from duplex.model.stages.fusion import pad
from duplex.model.text.clock_words import local
from duplex.model.text.sounding_word import SoundingWord
from duplex.model.text.truecase import MARKS
from tdm.scheduler import Decision, Scheduler
from tdm.slots import State


@dataclass
class AnswerProgress:
    """The assistant's current answer.

    Attributes:
        index: number of the answer in the conversation.
        writing: converts its ids to words.
        words, captions: words and punctuation as spoken and as shown; `shown` of them have been returned.
        written: whether the text head has ended it.
        over: number of words and marks that have been fully spoken, the last one at `over_ms` of the slot.
        sounds: whether any of it can be heard up to slot t.
    """

    writing: Writing
    index: int = -1
    words: list[str] = field(default_factory=list)
    captions: list[str] = field(default_factory=list)
    shown: int = 0
    written: bool = False
    over: int = 0
    over_ms: float = 0.0
    sounds: bool = False


@dataclass(frozen=True)
class AssistantSlot:
    """The contents of A_t besides the speech tokens."""

    text_id: int
    state: State = State.MUTE
    since: int = 0


class TdmConversation:
    """All data of one conversation that are not tensors."""

    def __init__(
        self,
        options: ConversationOptions,
        schedule: ScheduleConfig,
        tokenizer: TextIds,
        writing: Callable[[Moment], Writing],
        prefix: list[int],
    ) -> None:
        """`writing` converts an answer's ids to words; `prefix` has the ids of the system prompt.

        Raises:
            ValueError: the prompt is longer than the pinned prefix.
        """
        self.options = options
        self.prefix = prefix
        self.scheduler = Scheduler(schedule, options.policy, len(prefix))
        self.assistant = AssistantSlot(tokenizer.sil)
        self._writing = writing
        self.answer = self._answer(-1)
        self.queued = 0
        self.event = ""
        self._places = schedule.user_words_per_slot
        self._tokenizer = tokenizer
        self._waiting: deque[int] = deque()
        self._entered = False

    def hear(self, words: str) -> None:
        """Take words of the user that became known; their tokens enter U slot by slot."""
        self._waiting.extend(self._tokenizer.encode(words))

    def take_user_words(self) -> list[int]:
        """Take the ids for this slot's U: at most `user_words_per_slot`, padded."""
        self._entered = bool(self._waiting)
        taken = (self._waiting.popleft() for _ in range(min(self._places, len(self._waiting))))
        return pad(taken, self._places)

    def decide(self, p_speak: float) -> Decision:
        """Close slot t; the event and A of slot t + 1 follow from the decision and from the text of that slot."""
        spoke = self.assistant.state is State.SPEAK
        decision = self.scheduler.decide(p_speak, self.queued, self._late_words())
        ended = spoke and decision.state is State.MUTE
        self.event = "cut" if decision.cut else "end" if ended else "start" if decision.onset else ""
        if decision.onset:
            self.answer = self._answer(self.answer.index + 1)
        if decision.state is State.MUTE:
            self._become(self._tokenizer.sil)
        return decision

    def _late_words(self) -> bool:
        """Whether an answer would miss words of the user, because they are waiting or entered U after it began."""
        if self.assistant.state is State.MUTE:
            return bool(self._waiting)
        return not self.answer.sounds and (self._entered or bool(self._waiting))

    def say(self, text_id: int) -> list[str]:
        """Add a text token of the answer; returns the words that it completes."""
        self._become(text_id)
        return self._add(self.answer.writing.push(text_id))

    def hold(self) -> None:
        """Write no text token in slot t + 1: the text leads the speech far enough, or has ended."""
        self._become(self._tokenizer.hold)

    def end_text(self) -> list[str]:
        """End the answer's text; a piece that no token has completed becomes a word."""
        self._become(self._tokenizer.eos)
        self.scheduler.end_text()
        self.answer.written = True
        return self._add(self.answer.writing.end())

    def veto(self) -> None:
        """Cancel an answer that has no words: slot t + 1 stays MUTE."""
        self.scheduler.veto()
        self.answer = self._answer(self.answer.index - 1)
        self.answer.written = True
        self.event = "veto"
        self._become(self._tokenizer.sil)

    def update_speech(self, queued: int, exhausted: bool) -> None:
        """Take what the refined head has left to speak after slot t + 1."""
        self.queued = queued
        if exhausted and self.assistant.state is State.SPEAK:
            self.scheduler.finish()

    def take_captions(self) -> tuple[str, ...]:
        """Take the answer's caption words that became complete since the last call."""
        new = tuple(self.answer.captions[self.answer.shown :])
        self.answer.shown = len(self.answer.captions)
        return new

    def list_spoken(self, parts: Iterable[SoundingWord]) -> tuple[SpokenWord, ...]:
        """Words that sound in slot t + 1, with their captions; a punctuation mark is spoken with the word before it."""
        answer, spoken = self.answer, []
        for part in parts:
            answer.sounds = True
            caption = answer.captions[part.item]
            spoken.append(SpokenWord(answer.index, part.item, caption, part.start_ms, part.end_ms, part.done))
            if part.done >= 1:
                answer.over, answer.over_ms = part.item + 1, part.end_ms
            spoken += self._marks()
        spoken += self._marks()
        answer.over_ms = 0.0
        return tuple(spoken)

    def _marks(self) -> list[SpokenWord]:
        """Punctuation marks that follow the last fully spoken word."""
        answer, marks = self.answer, []
        while answer.over < len(answer.words) and answer.words[answer.over] in MARKS:
            caption = answer.captions[answer.over]
            marks.append(SpokenWord(answer.index, answer.over, caption, answer.over_ms, answer.over_ms, 1.0))
            answer.over += 1
        return marks

    def _become(self, text_id: int) -> None:
        self.assistant = AssistantSlot(text_id, self.scheduler.state, self.scheduler.slots_in_state)

    def _add(self, words: list[str]) -> list[str]:
        for word in words:
            self.answer.captions.append(self.answer.writing.caption(word, self.answer.words))
            self.answer.words.append(word)
        return words

    def _answer(self, index: int) -> AnswerProgress:
        return AnswerProgress(self._writing(self._moment), index)

    def _moment(self) -> datetime:
        elapsed = self.scheduler.slot * AUDIO.slot_seconds
        return local(self.options.started_at + elapsed, self.options.utc_offset_s)
