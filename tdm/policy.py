"""The state policy: p(speak) of every slot -> SPEAK or MUTE.

The policy is a pure function of logged values, so any conversation can be re-run under another policy. The papers leave
it open (OmniDRCA, Appendix A, has only the state head); these rules are ours. They are listed by their key in
`configs.policy.PolicyConfig`; `tests/tdm/test_policy.py` has a test for each row:

    state   rule               the state of the next slot
    MUTE    start              SPEAK after `slots` slots in a row with p(speak) above `probability`
    MUTE    start_late         SPEAK after `slots` slots in a row above a lower `probability`, which p(speak) must have
                               been below since the state began
    MUTE    min_mute_slots     MUTE until the state has lasted that long, whatever p(speak) is
    MUTE    guard_slots        MUTE until the session has lasted that long, whatever p(speak) is
    SPEAK   stop               MUTE after `slots` slots in a row with p(speak) below `probability`
    SPEAK   stop_at_once       MUTE after one slot below this
    SPEAK   stop, started late MUTE after `slots` slots in a row below both `probability` of `stop` and `probability` of
                               `start_late`; `stop_at_once` does not apply. Ends with the first slot in which p(speak)
                               is not below `probability` of `stop`
    SPEAK   min_speak_slots    SPEAK until the state has lasted that long, whatever p(speak) is
    any     none of the above  the state stays the same
    any     `force`            the state that the runtime sets; every count of slots in a row starts again
"""

from dataclasses import dataclass

from configs.policy import PolicyConfig
from tdm.slots import State


@dataclass(frozen=True)
class PolicyMemory:
    """What the policy remembers between slots.

    `run`: slots in a row in which p(speak) was beyond the threshold that would change the state. `waited`: MUTE slots
    in a row in which it was above the threshold of a late start; None until it has been below that threshold once.
    `held`: how many slots the present state has lasted. `slots`: slots since the session's start.
    `late`: the answer is a late start, and p(speak) has not been above the stop threshold since.
    """

    state: State = State.MUTE
    run: int = 0
    held: int = 0
    slots: int = 0
    waited: int | None = None
    late: bool = False


def decide(config: PolicyConfig, memory: PolicyMemory, p_speak: float) -> PolicyMemory:
    """The policy's memory after one more slot; its `state` is the state of the next slot."""
    return _listening(config, memory, p_speak) if memory.state is State.MUTE else _speaking(config, memory, p_speak)


def _listening(config: PolicyConfig, memory: PolicyMemory, p_speak: float) -> PolicyMemory:
    run = memory.run + 1 if p_speak > config.start.probability else 0
    waited = _count_waited(config, memory, p_speak)
    starts, late = run >= config.start.slots, (waited or 0) >= config.start_late.slots
    lasted = memory.held + 1 >= config.min_mute_slots and memory.slots >= config.guard_slots
    if (starts or late) and lasted:
        return PolicyMemory(State.SPEAK, slots=memory.slots + 1, late=not starts)
    return PolicyMemory(State.MUTE, run, memory.held + 1, memory.slots + 1, waited)


def _speaking(config: PolicyConfig, memory: PolicyMemory, p_speak: float) -> PolicyMemory:
    """A late start begins with a low p(speak): until that has once been high, only a value too low for the start stops
    it."""
    late = memory.late and p_speak < config.stop.probability
    limit = min(config.stop.probability, config.start_late.probability) if late else config.stop.probability
    run = memory.run + 1 if p_speak < limit else 0
    at_once = not late and p_speak < config.stop_at_once
    if (run >= config.stop.slots or at_once) and memory.held + 1 >= config.min_speak_slots:
        return PolicyMemory(State.MUTE, slots=memory.slots + 1)
    return PolicyMemory(State.SPEAK, run, memory.held + 1, memory.slots + 1, late=late)


def _count_waited(config: PolicyConfig, memory: PolicyMemory, p_speak: float) -> int | None:
    """A late start needs a lasting rise, because p(speak) falls from an uncertain value before a session's first
    words."""
    if p_speak <= config.start_late.probability:
        return 0
    return None if memory.waited is None else memory.waited + 1


def force(memory: PolicyMemory, state: State) -> PolicyMemory:
    """The memory after the runtime itself has changed the state (an answer has ended, or there was none)."""
    if memory.state is state:
        return memory
    return PolicyMemory(state, slots=memory.slots)
