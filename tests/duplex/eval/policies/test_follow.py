"""A log holds for another policy exactly where that policy decides the same: checked against the scheduler itself."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.policy import PRESETS, PolicyConfig, Threshold
from configs.schedule import ScheduleConfig
from duplex.eval.errors import EvaluationError
from duplex.eval.policies.follow import follows
from duplex.eval.suite import DialogueRow
from tdm.scheduler import Scheduler
from tdm.slots import State

SLOT_S = 0.2


@dataclass(frozen=True)
class Heard:
    """What the model would say in one slot: p(speak), late words, an answer without words, its end."""

    p_speak: float
    late: bool = False
    veto: bool = False
    over: bool = False


def make_logged_row(policy: PolicyConfig, heard: Sequence[Heard]) -> DialogueRow:
    """The row of a conversation in which nothing depends on what was said."""
    scheduler = Scheduler(ScheduleConfig(), policy, 0)
    letters, decisions = "", []
    for slot, now in enumerate(heard):
        before = scheduler.state
        decision = scheduler.decide(now.p_speak, 0, now.late)
        state, event = decision.state, ""
        if decision.onset and now.veto:
            scheduler.veto()
            state, event = State.MUTE, "veto"
        elif before is State.SPEAK and state is State.MUTE:
            event = "cut" if decision.cut else "end"
        elif decision.onset:
            event = "start"
        if now.over and state is State.SPEAK:
            scheduler.finish()
        letters += "S" if state is State.SPEAK else "m"
        decisions += [[round((slot + 1) * SLOT_S, 3), event]] if event else []
    trace = {"p_speak": [now.p_speak for now in heard], "state": letters, "decisions": decisions}
    return DialogueRow("one", "group", {}, 0.0, (), trace)


def plain(*values: float) -> list[Heard]:
    return [Heard(value) for value in values]


QUICK = PolicyConfig(start=Threshold(probability=0.5, slots=1), guard_slots=0)
SLOW = PolicyConfig(start=Threshold(probability=0.5, slots=2), guard_slots=0)
SLOTS = st.lists(
    st.builds(Heard, st.sampled_from([0.0, 0.02, 0.1, 0.3, 0.6, 0.8, 0.95]), *[st.booleans()] * 3), max_size=30
)
POLICIES = st.sampled_from([*PRESETS.values(), QUICK, SLOW])


@given(SLOTS, POLICIES)
def test_a_policy_follows_its_own_log(heard: list[Heard], policy: PolicyConfig) -> None:
    assert follows(policy, policy, make_logged_row(policy, heard))


@given(SLOTS, POLICIES, POLICIES)
def test_who_follows_would_have_said_the_same(heard: list[Heard], mine: PolicyConfig, theirs: PolicyConfig) -> None:
    if follows(mine, theirs, make_logged_row(theirs, heard)):
        assert make_logged_row(mine, heard).trace["state"] == make_logged_row(theirs, heard).trace["state"]


def test_another_start_is_another_conversation() -> None:
    row = make_logged_row(QUICK, plain(0.1, 0.9, 0.9, 0.9))
    assert not follows(SLOW, QUICK, row)
    assert follows(QUICK.model_copy(update={"start": Threshold(probability=0.8, slots=1)}), QUICK, row)


def test_what_the_runtime_decides_holds_for_both() -> None:
    heard = [Heard(0.9, late=True), Heard(0.9, late=True), Heard(0.1)]
    assert follows(SLOW, QUICK, make_logged_row(QUICK, heard))


def test_a_log_of_another_policy_is_named() -> None:
    row = make_logged_row(QUICK, plain(0.1, 0.9))
    with pytest.raises(EvaluationError, match="one: slot 1 was not decided by the named policy"):
        follows(QUICK, SLOW, row)
