"""One row's bookkeeping between slots: waiting user words, the answer so far, and the contents of A_t.

This module is pure Python over words, ids and the schedule; it does not depend on tensors or audio.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from configs.audio import AUDIO
from configs.schedule import ScheduleConfig
from duplex.model.interface import ConversationOptions, SpokenWord, UserWords
from duplex.model.layouts.tdm.delegated import DelegatedAnswers
from duplex.model.layouts.tdm.items import Item
from duplex.model.layouts.tdm.writing import Moment, TextIds, Writing
from duplex.model.stages.fusion import pad
from duplex.model.text.clock_words import local
from duplex.model.text.sounding_word import SoundingWord, measure_played
from duplex.model.text.spoken import list_spoken_words
from duplex.model.text.truecase import MARKS, join_marks
from tdm.scheduler import Decision, Scheduler
from tdm.slots import State

_PIECES_BEHIND = 3
"""Ids of a delegated answer that may wait for their slot; older ones are skipped, as the speech has passed them."""


@dataclass
class AnswerProgress:
    """The assistant's present answer.

    Attributes:
        index: counts the answers of the conversation.
        writing: makes words of its ids.
        words, captions: words and marks as spoken and as shown; `shown` of them have been given out.
        written: the text head has ended it.
        over: words and marks that have been spoken to their end, the last one at `over_ms` of the slot.
        sounds: something of it can be heard up to slot t.
        pieces: by word, (start, end, share spoken at the end) of its sound; milliseconds since the conversation began.
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
    pieces: dict[int, list[tuple[float, float, float]]] = field(default_factory=dict)

    def count_heard(self, until_ms: float, fraction: float) -> int:
        """Captions up to the last word of which at least `fraction` had sounded at `until_ms`."""
        shares = {index: measure_played(pieces, until_ms) for index, pieces in self.pieces.items()}
        return max((index + 1 for index, share in shares.items() if share >= fraction), default=0)


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
        llm: DelegatedAnswers | None = None,
    ) -> None:
        """`writing` makes words of an answer's ids; `prefix` are the ids of the system prompt; `llm` writes answers.

        Raises:
            ValueError: the prompt is longer than the schedule pins.
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
        self._entered = self.words_late = self.absent = self._broken_off = self._asks = False
        self.llm = llm
        self.kept: str | None = None
        self.unheard_ms = 0.0
        """Of the answer that was cut with the slot before: what was taken back before it sounded."""
        self._written = ""
        self._turns: dict[int, int] = {}
        self._pieces: deque[int] = deque()

    @property
    def thinking(self) -> bool:
        """The assistant is to answer and waits for the language model."""
        return self.llm is not None and self.llm.thinking

    def begin_slot(self, heard: UserWords | None, expected: str = "") -> UserWords | None:
        """Begin slot t: take the user's words that became known, and what came from the language model.
        `expected`: their turn's caption with the words that may follow; "" where none are expected.

        Returns the words: recognised in this slot, else written; with a language model their turns count both.
        """
        self.kept = None
        if self._broken_off:
            self._keep(cut=True)
        if self.llm is not None:
            heard = self._number_turn(heard)
            self.llm.receive(self.absent)
            if heard is not None and not self._is_written(heard):
                self.llm.hear(heard, expected)
        if heard is not None and not self._is_written(heard):
            self.hear(heard.text)
        if self.llm is not None:
            self.hear(self.llm.find_reminder(self._asks))
        return heard

    def read(self, text: str) -> None:
        """The user wrote."""
        assert self.llm is not None, "nobody reads"
        self._written = f"{self._written} {text}".strip()
        self.llm.write(text)
        self.hear(" ".join(list_spoken_words(text)))

    def hear(self, words: str) -> None:
        """The tokens of the user's words enter U one slot after the other."""
        self._waiting.extend(self._tokenizer.encode(words))

    def _number_turn(self, heard: UserWords | None) -> UserWords | None:
        if heard is not None:
            return replace(heard, turn=self._turns.setdefault(heard.turn, len(self._turns)))
        if not self._written:
            return None
        written, self._written = self._written, ""
        key = -1 - len(self._turns)
        moment = self.scheduler.slot * AUDIO.slot_seconds
        return UserWords(self._turns.setdefault(key, len(self._turns)), written, written, moment, moment)

    def _is_written(self, words: UserWords) -> bool:
        """Its words have entered U when they were written."""
        return self.llm is not None and -1 - words.turn in self._turns

    def take_user_words(self) -> list[int]:
        """Take the ids for this slot's U: at most `user_words_per_slot`, padded."""
        self._entered = bool(self._waiting)
        taken = (self._waiting.popleft() for _ in range(min(self._places, len(self._waiting))))
        return pad(taken, self._places)

    def decide(self, p_speak: float) -> Decision:
        """Close slot t; the event and A of slot t + 1 follow. `absent`, nobody hears it: it does not want to speak."""
        spoke = self.assistant.state is State.SPEAK
        p_speak, self.absent = 0.0 if self.absent else p_speak, False
        self._asks = p_speak > self.options.policy.start.probability
        interrupted = spoke and self.llm is not None and self.llm.interrupts
        decision = self.scheduler.decide(p_speak, self.queued, self._late_words() or interrupted)
        ended = spoke and decision.state is State.MUTE
        self.event = "cut" if decision.cut else "end" if ended else "start" if decision.onset else ""
        if ended and self.llm is not None:
            self._close_answer(decision.cut)
        if decision.onset:
            self.answer = self._answer(self.answer.index + 1)
        if decision.state is State.MUTE:
            self._pieces.clear()
            self._become(self._tokenizer.sil)
        return decision

    def _late_words(self) -> bool:
        """Whether an answer would miss words of the user, which are late, waiting, or entered U after it began."""
        if self.assistant.state is State.MUTE:
            return bool(self._waiting) or self.words_late
        return not self.answer.sounds and (self._entered or bool(self._waiting))

    def say(self, text_id: int) -> list[str]:
        """Add a text token of the answer; returns the words that it completes."""
        self._become(text_id)
        return self._add(self.answer.writing.push(text_id))

    def say_items(self, items: Sequence[Item]) -> list[str]:
        """Words of the language model's answer; returns what is said. A_t has one id of them a slot, and skips some."""
        said = [item.said for item in items if item.said]
        self.answer.captions += [item.written for item in items if item.written is not None]
        ids = self._tokenizer.encode(" ".join(said))
        self._pieces = deque([*self._pieces, *ids][-max(len(ids), _PIECES_BEHIND) :])
        self.hold()
        return said

    def starve(self) -> None:
        """No words are there yet: what was said so far ends, once it has been spoken, and goes on when some come."""
        self.hold()
        if not self.queued:
            self.scheduler.finish()

    def hold(self) -> None:
        """No new text in slot t + 1: the text leads the speech far enough, or is over."""
        self._become(self._pieces.popleft() if self._pieces else self._tokenizer.hold)

    def end_text(self) -> list[str]:
        """End the answer's text; a piece that no token has completed becomes a word."""
        self._pieces.clear()
        self._become(self._tokenizer.eos)
        self.scheduler.end_text()
        self.answer.written = True
        return self._add(self.answer.writing.end())

    def veto(self) -> None:
        """Cancel an answer that has no words: slot t + 1 stays MUTE."""
        self.scheduler.veto()
        self.answer = self._answer(self.answer.index - 1)
        self.answer.written = True
        if self.llm is not None:
            self.llm.answering = False
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
        if self.llm is not None and self.llm.speaking:
            parts = self.llm.written.join(parts)
        for part in parts:
            answer.sounds = True
            begin = self.scheduler.slot * AUDIO.slot_ms
            piece = (begin + part.start_ms, begin + part.end_ms, part.done)
            answer.pieces.setdefault(part.item, []).append(piece)
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

    def _close_answer(self, cut: bool) -> None:
        """The answer is over; of one that was cut it is known with the next slot how much was heard."""
        assert self.llm is not None
        if not self.answer.sounds:
            self.llm.retract()
        elif cut:
            self._broken_off = True
        else:
            self._keep(cut=False)

    def _keep(self, cut: bool) -> None:
        assert self.llm is not None
        until = self.scheduler.slot * AUDIO.slot_ms - self.unheard_ms
        words = self.answer.count_heard(until, self.llm.heard_fraction)
        self.kept = join_marks(self.answer.captions[:words])
        self._broken_off, self.unheard_ms = False, 0.0
        self.llm.end(self.kept, words, cut)

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
