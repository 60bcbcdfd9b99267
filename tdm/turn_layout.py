"""The turn layout: the slots of a conversation with a model that listens or answers, but never both at once.

    heard = layout.listen(voice_ms, silence_ms)   # slot t: which slots of the user the model takes in
    decision = layout.decide(p_speak)             # slot t + 1: answer, continue, stop
    layout.sounded(), layout.finish(), layout.veto()

A user's turn begins shortly before the user's voice and ends with the assistant's SPEAK. While the assistant speaks the
model hears nothing: what the user says meanwhile is remembered in slots, and begins the next turn when the assistant
stops. An answer that was stopped before any of it sounded is taken back, because the user had not finished, unless the
turn ended in writing. This module counts slots and milliseconds; it does not depend on audio, text or models.
"""

from dataclasses import dataclass

from configs.model.live_turns import LiveTurnsConfig
from configs.policy import PolicyConfig
from tdm.policy import PolicyMemory, decide, force
from tdm.slots import State


@dataclass(frozen=True)
class Listening:
    """What the model does with the user's audio of a slot.

    `begins`: a turn begins. `slots`: how many of the newest slots the model takes in, in order. `drops`: the turn had
    too little voice and is forgotten.
    """

    begins: bool = False
    slots: int = 0
    drops: bool = False


@dataclass(frozen=True)
class TurnDecision:
    """What slot t + 1 shall be.

    `onset`: an answer begins and the user's turn is over; `spoken`: all or part of that turn was spoken, not typed.
    `cut`: the answer is broken off. `ended`: the answer has ended. `resumes`: the user's turn continues instead of the
    answer; this many of the newest slots belong to it and were not taken in.
    """

    state: State
    onset: bool = False
    spoken: bool = False
    cut: bool = False
    ended: bool = False
    resumes: int = 0


class TurnLayout:
    """Turns and state of one conversation. `pending`: a turn of the user is in progress or waits for an answer."""

    def __init__(self, policy: PolicyConfig, config: LiveTurnsConfig) -> None:
        self.policy = policy
        self.config = config
        self.slot = 0
        self.pending = False
        self._memory = PolicyMemory()
        self._voice_ms = 0.0
        self._overlap = 0
        self._since = 0
        self._sounded = self._finished = self._whole = False

    @property
    def state(self) -> State:
        """State of the present slot; after `decide`, of the next one."""
        return self._memory.state

    def listen(self, voice_ms: float, silence_ms: float) -> Listening:
        """Take slot t, which has `voice_ms` of voice and ends with `silence_ms` without voice."""
        if self.state is State.SPEAK:
            self._overhear(voice_ms, silence_ms)
            return Listening()
        if not self.pending:
            return self._begin(voice_ms)
        self._voice_ms += voice_ms
        if self._voice_ms < self.config.least_voice_ms and silence_ms >= self.config.drop_after_ms:
            self._close()
            return Listening(drops=True)
        return Listening(slots=1)

    def decide(self, p_speak: float, typed: bool = False) -> TurnDecision:
        """Close slot t and decide slot t + 1. `typed`: a written turn waits; it stops an answer and then gets its
        own."""
        before, since = self._memory.state, self._since + 1
        self._memory = decide(self.policy, self._memory, p_speak)
        if before is State.SPEAK and (self._finished or typed):
            self._memory = force(self._memory, State.MUTE)
        if before is State.MUTE and (typed or not self._answerable):
            self._memory = force(self._memory, State.SPEAK if typed else State.MUTE)
        after = self._memory.state
        self._since = 0 if after is not before else since
        self.slot += 1
        if before is after:
            return TurnDecision(after)
        return self._begin_answer(typed) if after is State.SPEAK else self._end_answer(since)

    def on_sounded(self) -> None:
        """Something of the answer could be heard."""
        self._sounded = True

    def finish(self) -> None:
        """Everything of the answer has sounded with slot t + 1: the slot after it is MUTE."""
        self._finished = True

    def veto(self) -> None:
        """The answer that was about to begin has nothing to say: slot t + 1 stays MUTE."""
        self._memory = force(self._memory, State.MUTE)

    @property
    def _answerable(self) -> bool:
        return self.pending and self._voice_ms >= self.config.least_voice_ms

    def _begin(self, voice_ms: float) -> Listening:
        if voice_ms < self.config.onset_ms and not self._overlap:
            self._voice_ms = 0.0
            return Listening()
        self.pending = True
        slots = 1 + self._overlap + self.config.pre_roll_slots
        self._voice_ms = voice_ms + (self._voice_ms if self._overlap else 0.0)
        self._overlap = 0
        return Listening(begins=True, slots=min(slots, self.config.remembered_slots, self.slot + 1))

    def _overhear(self, voice_ms: float, silence_ms: float) -> None:
        """Count slots since the user began to speak over the assistant; a long enough silence resets the count."""
        if silence_ms >= self.config.drop_after_ms:
            self._overlap, self._voice_ms = 0, 0.0
        elif voice_ms or self._overlap:
            self._overlap += 1
            self._voice_ms += voice_ms

    def _begin_answer(self, typed: bool) -> TurnDecision:
        spoken = self.pending
        self._close()
        self._sounded = self._finished = False
        self._whole = typed
        return TurnDecision(State.SPEAK, onset=True, spoken=spoken)

    def _end_answer(self, slots: int) -> TurnDecision:
        """`slots`: number of slots of the answer, which the model did not take in."""
        if self._finished:
            return TurnDecision(State.MUTE, ended=True)
        if self._sounded or self._whole:
            return TurnDecision(State.MUTE, cut=True)
        self.pending = True
        self._voice_ms = max(self._voice_ms, self.config.least_voice_ms)
        self._overlap = 0
        return TurnDecision(State.MUTE, cut=True, resumes=min(slots, self.config.remembered_slots))

    def _close(self) -> None:
        """Close the turn, which is answered or forgotten."""
        self.pending = False
        self._overlap, self._voice_ms = 0, 0.0
