"""Decides what the assistant should do in every slot, given a past in which it did not always do so.

The past is played on the fly: answers start late, the assistant barges into turns, stops come late or by mistake. For
each slot the oracle says what is right from then on. Without such pasts the state head learns to copy its previous
state. Slots, turns and answers are numbers here; nothing depends on words or sounds.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from configs.audio import AUDIO
from configs.train.simulation import OracleConfig
from tdm.slots import State

NOTHING = -1
"""No answer, no track slot, no text target."""

_BEFORE_ANY_TURN = -1
_NO_TURN = -2
_SLOT = AUDIO.slot_seconds
_LONGEST_SINCE_AT_START = 20


@dataclass(frozen=True)
class AnswerSpan:
    """A stretch of the track table: its first slot and how many slots it lasts."""

    first: int
    slots: int


@dataclass(frozen=True)
class PlannedTurn:
    """A turn as the oracle sees it.

    Attributes:
        start: seconds.
        due: the first slot in which its answer is due, at the earliest the one in which its last word enters.
        answer: the right answer; None if there is none.
        guess: what the assistant says when it barges into this turn.
    """

    start: float
    due: int
    answer: AnswerSpan | None
    guess: AnswerSpan


@dataclass(frozen=True)
class Plan:
    """One dialogue.

    Attributes:
        slots: its length.
        turns: by their starts.
        opening: the rest of an answer that is in progress when it begins.
        guess: what the assistant says when it starts by mistake before any turn.
    """

    slots: int
    turns: Sequence[PlannedTurn]
    opening: AnswerSpan | None
    guess: AnswerSpan


@dataclass(frozen=True)
class PlayedSlots:
    """What the assistant did in each slot and what would be right for the next one; all [T].

    Attributes:
        played: slot of the track table that was played, `NOTHING` where mute.
        since: slots since the state changed.
        target: the right state of slot t + 1.
        weight: weight of that target.
        text: slot of the track table whose text is right in slot t + 1, `NOTHING` where there is no target.
    """

    played: NDArray[np.int64]
    since: NDArray[np.int64]
    target: NDArray[np.float32]
    weight: NDArray[np.float32]
    text: NDArray[np.int64]


class Oracle:
    """Plays pasts and judges them."""

    def __init__(self, config: OracleConfig) -> None:
        self._config = config

    def play(self, plan: Plan, rng: random.Random, perturbed: bool = True) -> PlayedSlots:
        """Play one past of a dialogue; `perturbed` False plays what is right."""
        return _Performance(self._config, plan, rng, perturbed).run()


class _Performance:
    """The assistant of one dialogue while it is being played."""

    def __init__(self, config: OracleConfig, plan: Plan, rng: random.Random, perturbed: bool) -> None:
        self._config, self._plan, self._rng, self._perturbed = config, plan, rng, perturbed
        self._turn = _BEFORE_ANY_TURN
        self._over = True
        self._done = True
        self._saying: AnswerSpan | None = plan.opening
        self._place = 0
        self._for_turn = _BEFORE_ANY_TURN
        self._since = rng.randrange(_LONGEST_SINCE_AT_START)
        self._forced = 0

    def run(self) -> PlayedSlots:
        """Play all slots."""
        slots = self._plan.slots
        played, since, text = (np.full(slots, NOTHING, np.int64) for _ in range(3))
        target, weight = np.zeros(slots, np.float32), np.ones(slots, np.float32)
        for slot in range(slots):
            if self._saying is not None:
                played[slot] = self._saying.first + self._place
            since[slot] = self._since
            self._follow(slot)
            right = self._right()
            target[slot] = right
            weight[slot] = self._weight(slot, right)
            text[slot] = self._text(right)
            self._advance(right)
        return PlayedSlots(played, since, target, weight, text)

    def _follow(self, slot: int) -> None:
        """Follow which turn it is at the end of the slot, and whether all its words are known."""
        turns, now = self._plan.turns, (slot + 1) * _SLOT
        while self._turn + 1 < len(turns) and turns[self._turn + 1].start < now:
            self._turn += 1
            self._done = turns[self._turn].answer is None
        self._over = self._turn == _BEFORE_ANY_TURN or slot >= turns[self._turn].due

    @property
    def _is_right(self) -> bool:
        return self._for_turn == self._turn

    @property
    def _ending(self) -> bool:
        return self._saying is not None and self._place + 1 >= self._saying.slots

    def _right(self) -> State:
        """The right state of the next slot."""
        if not self._over:
            return State.MUTE
        if self._saying is not None:
            return State.SPEAK if self._is_right and not self._ending else State.MUTE
        return State.MUTE if self._done else State.SPEAK

    def _weight(self, slot: int, right: State) -> float:
        config = self._config
        speaking = self._saying is not None
        if speaking and self._over and self._is_right and self._ending:
            return 0.0
        weight = config.wrong_weight if speaking != (right is State.SPEAK) else 1.0
        if not self._over and (slot + 1) * _SLOT - self._plan.turns[self._turn].start < config.barely_seconds:
            weight *= config.barely_weight
        return weight

    def _text(self, right: State) -> int:
        """Text target: only for answers whose question was heard, not for one that was in progress at the start."""
        if right is State.MUTE or self._turn == _BEFORE_ANY_TURN:
            return NOTHING
        answer = self._plan.turns[self._turn].answer
        assert answer is not None
        return answer.first + (0 if self._saying is None else self._place + 1)

    def _advance(self, right: State) -> None:
        """Play what really happens in the next slot."""
        was = State.MUTE if self._saying is None else State.SPEAK
        state = self._perturb(right, was) if self._perturbed else right
        if self._ending:
            state, self._forced = State.MUTE, 0
            self._done = self._done or self._is_right
        if state is State.SPEAK and was is State.SPEAK:
            self._place += 1
        elif state is State.SPEAK:
            self._begin()
        else:
            self._saying = None
        self._since = self._since + 1 if state is was else 0

    def _begin(self) -> None:
        """Start the answer that is due, or a guess if none is."""
        self._place, self._for_turn = 0, _NO_TURN
        if self._turn == _BEFORE_ANY_TURN:
            self._saying = self._plan.guess
            return
        turn = self._plan.turns[self._turn]
        if self._over and not self._done:
            self._saying, self._for_turn = turn.answer, self._turn
        else:
            self._saying = turn.guess

    def _perturb(self, right: State, was: State) -> State:
        config, rng = self._config, self._rng
        if self._forced > 0:
            self._forced -= 1
            return was
        if right is not was:
            if rng.random() >= config.late_share:
                return right
            self._forced = rng.choice(config.late_start if was is State.MUTE else config.late_stop)
            return was
        share, lengths = self._mistake(was)
        if rng.random() >= share:
            return right
        self._forced = rng.choice(lengths)
        return State(1 - right)

    def _mistake(self, was: State) -> tuple[float, tuple[int, ...]]:
        """Probability of leaving the state by mistake, and the possible durations."""
        config = self._config
        if was is State.SPEAK:
            return config.wrong_stop_share, config.wrong_stop
        if not self._over:
            return config.false_start_share, config.false_start
        return config.idle_start_share, config.idle_start
