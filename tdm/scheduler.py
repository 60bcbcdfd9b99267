"""The scheduler of one conversation: what is done in each slot, and in which order.

    plan = scheduler.plan()                        # slot t: position, places, visibility
    decision = scheduler.decide(p_speak, queued)   # state of slot t + 1, and whether a text token is wanted
    scheduler.end_text(), .finish(), .veto()       # what came of slot t + 1: the text is over, all is spoken, no words

Pure Python: no torch, no clock, no I/O.
"""

from dataclasses import dataclass

from configs.policy import PolicyConfig
from configs.schedule import ScheduleConfig
from tdm.layout import SlotPlan, TdmLayout
from tdm.policy import PolicyMemory, decide, force
from tdm.slots import State


@dataclass(frozen=True)
class Decision:
    """What slot t + 1 shall be.

    `wants_text`: a text token is to be sampled; otherwise the text is held back or has ended.
    `onset`: the first SPEAK slot of an answer. `cut`: the first MUTE slot after an answer that was not finished.
    """

    state: State
    wants_text: bool
    onset: bool
    cut: bool


class Scheduler:
    """Slot counter, state policy and text pacing of one conversation."""

    def __init__(self, schedule: ScheduleConfig, policy: PolicyConfig, prefix: int) -> None:
        self.layout = TdmLayout(schedule, prefix)
        self.policy = policy
        self.slot = 0
        self._memory = PolicyMemory()
        self._text_over = False
        self._finished = False
        self._since = 0
        self._lasted = 0

    @property
    def state(self) -> State:
        """State of the slot that `plan` describes."""
        return self._memory.state

    @property
    def slots_in_state(self) -> int:
        """Slots since the state last changed, 0 in the first slot of a state."""
        return self._since

    def plan(self) -> SlotPlan:
        """The plan of the present slot."""
        return self.layout.plan(self.slot)

    def decide(self, p_speak: float, queued: int, late_words: bool = False) -> Decision:
        """Close slot t and decide slot t + 1.

        Args:
            p_speak: the state head's probability that the assistant speaks in slot t + 1.
            queued: speech units that are known and unspoken.
            late_words: the user has said words that the answer does not take into account, and none of the answer has
                sounded: it is not started, or is taken back.
        """
        before = self._memory.state
        self._memory = decide(self.policy, self._memory, p_speak)
        if late_words or (before is State.SPEAK and self._finished):
            self._memory = force(self._memory, State.MUTE)
        decision = self._decision(before, queued)
        self._lasted = self._since + 1
        self._since = self._lasted if self._memory.state is before else 0
        self.slot += 1
        return decision

    def _decision(self, before: State, queued: int) -> Decision:
        after = self._memory.state
        onset = after is State.SPEAK and before is State.MUTE
        cut = before is State.SPEAK and after is State.MUTE and not self._finished
        if onset or after is State.MUTE:
            self._text_over, self._finished = False, False
        room = queued < self.layout.config.text_lead_units
        return Decision(after, after is State.SPEAK and not self._text_over and room, onset, cut)

    def end_text(self) -> None:
        """The text head has ended the answer: no more tokens are wanted until the next answer."""
        self._text_over = True

    def finish(self) -> None:
        """Everything of the answer has been spoken: the slot after the present one is MUTE."""
        self._finished = True

    def veto(self) -> None:
        """The answer that was about to start has no words: the slot stays MUTE."""
        self._memory = force(self._memory, State.MUTE)
        self._since = self._lasted
