"""One conversation of the turn layout between slots: its turns, the user's newest slots, and its answer.

This module handles words, slots and samples; it does not depend on models, voices or policies.
"""

from collections import deque
from dataclasses import replace

from torch import Tensor

from configs.audio import AUDIO
from configs.model.live_turns import LiveTurnsConfig
from duplex.model.interface import ConversationOptions, SpokenWord, UserWords
from duplex.model.layouts.turns.answer import SoundingAnswer
from duplex.model.layouts.turns.turn_interface import AnswerSlot, ToldAnswer
from tdm.slots import State
from tdm.turn_layout import TurnDecision, TurnLayout


class TurnConversation:
    """Bookkeeping of one row.

    Attributes:
        layout: turns and states.
        answer: the present or newest answer; None before the first.
        event: as in `SlotResult`.
        words: words of the answer that became known with this slot. spoken: its words that sound in slot t + 1.
        kept: what history keeps of an answer that ended with this slot; otherwise None.
        text_id: text id of slot t + 1.
        typed: what the user wrote and has not been answered yet.
        broken_off: the answer was cut, and history does not have the part that was heard yet.
        unheard_ms: length of its sound that the cut took back.
        held_back: what the model has made of an answer that begins with a silent slot.
        absent: nobody hears the assistant in the present slot; it counts as not wanting to speak.
    """

    def __init__(self, options: ConversationOptions, delay_ms: float, config: LiveTurnsConfig) -> None:
        self.options = options
        self.layout = TurnLayout(options.policy, config)
        self.answer: SoundingAnswer | None = None
        self.event = ""
        self.words: tuple[str, ...] = ()
        self.spoken: tuple[SpokenWord, ...] = ()
        self.kept: str | None = None
        self.text_id = 0
        self._answers = 0
        self._delay_ms = delay_ms
        self._config = config
        self._newest: deque[Tensor] = deque(maxlen=config.remembered_slots)
        self.typed = ""
        self.broken_off = self.absent = False
        self.unheard_ms = 0.0
        self.held_back: list[AnswerSlot] = []
        self._written: str | None = None
        self._turns: dict[int, int] = {}

    @property
    def speaking(self) -> bool:
        """Whether the state is SPEAK: of the present slot before `decide`, of the next slot after it."""
        return self.layout.state is State.SPEAK

    def tell_answer(self) -> ToldAnswer | None:
        """The answer as the policy knows it in the present slot; None while the assistant is mute."""
        if not self.speaking or self.answer is None:
            return None
        return ToldAnswer(self.answer.complete_words, self.answer.begun, self.answer.made)

    def remember(self, pcm: Tensor) -> None:
        """Begin a step with the user's slot [3200]."""
        self._newest.append(pcm)
        self.kept = None

    def newest(self, slots: int) -> list[Tensor]:
        """The newest slots of the user, oldest first."""
        return list(self._newest)[-slots:] if slots else []

    def decide(self, p_speak: float, speaks: bool) -> TurnDecision:
        """Close slot t and clear the results of the previous step. `speaks`: answers are heard, not only read."""
        self.event, self.words, self.spoken, self.text_id = "", (), (), 0
        decision = self.layout.decide(0.0 if self.absent else p_speak, bool(self.typed))
        self.absent = False
        if decision.onset:
            self.event = "start"
            self.held_back = []
            self.answer = SoundingAnswer(self._answers, speaks, self._delay_ms, self._config)
            self._answers += 1
        elif decision.cut or decision.ended:
            self.event = "cut" if decision.cut else "end"
            self.broken_off = decision.cut and not decision.resumes
        return decision

    @property
    def made(self) -> bool:
        """Whether the model has generated the whole answer."""
        return self.answer is None or self.answer.made

    @property
    def hurries(self) -> bool:
        """Whether none of the answer sounds yet."""
        return self.answer is not None and not self.answer.sounds

    def release(self) -> list[AnswerSlot]:
        """Take what was held back."""
        held, self.held_back = self.held_back, []
        return held

    def take_typed(self) -> str:
        """Take what the user wrote, because its answer begins."""
        typed, self.typed = self.typed, ""
        self._written = typed or None
        return typed

    def hear(self, heard: UserWords | None) -> UserWords | None:
        """The user's words that became known, recognised in this slot or else written, with numbered turns."""
        if self._written is None or heard is not None:
            return heard and replace(heard, turn=self._turns.setdefault(heard.turn, len(self._turns)))
        written, self._written = self._written, None
        moment = self.layout.slot * AUDIO.slot_seconds
        turn = self._turns.setdefault(-1 - len(self._turns), len(self._turns))
        return UserWords(turn, written, written, moment, moment)

    def keep(self, whole: bool) -> tuple[str, int]:
        """What history keeps of the answer, all of it or only what was heard: its text, and its slots of speech."""
        unheard, self.unheard_ms, self.broken_off = self.unheard_ms, 0.0, False
        if self.answer is None:
            return "", 0
        self.kept = self.answer.text if whole else self.answer.find_heard_text(unheard)
        return self.kept, self.answer.count_heard_slots(unheard)

    def take(self, slot: AnswerSlot) -> AnswerSlot:
        """Take what the model made for slot t + 1, and return it."""
        if self.answer is not None:
            self.text_id = slot.text_id
            self.words += self.answer.write(slot.text)
            self.words += self.answer.end() if slot.finished else ()
        return slot

    def sound(self, primed: int, slot: AnswerSlot | None, audible: bool) -> None:
        """Sound slot t + 1 with the tokens of `slot` and of `primed` slots before it; `audible`: it can be heard."""
        if self.answer is None:
            return
        for _ in range(primed):
            self.answer.prime()
        self.spoken = self.answer.sound(slot is not None, slot.spoken if slot else None)
        if audible or (self.spoken and not self.answer.speaks):
            self.layout.on_sounded()
        if self.answer.over:
            self.layout.finish()

    def veto(self) -> None:
        """Cancel an answer that has nothing to say."""
        self.layout.veto()
        self._answers -= 1
        self.event, self.words, self.answer, self.kept = "veto", (), None, ""
