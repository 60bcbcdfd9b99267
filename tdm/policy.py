"""The state policy: p(speak) of every slot -> SPEAK or MUTE.

A pure function of logged values, so any conversation can be re-run under another policy.
"""

from dataclasses import dataclass

from configs.policy import PolicyConfig
from tdm.slots import State


@dataclass(frozen=True)
class PolicyMemory:
    """What the policy remembers between slots.

    `run`: slots in a row in which p(speak) was beyond the threshold that would change the state. `waited`: MUTE slots
    in a row in which it was above that of a late start, None before it was below once.
    `held`: slots the present state has lasted. `slots`: slots since the session's start.
    """

    state: State = State.MUTE
    run: int = 0
    held: int = 0
    slots: int = 0
    waited: int | None = None


def decide(config: PolicyConfig, memory: PolicyMemory, p_speak: float) -> PolicyMemory:
    """The policy's memory after one more slot; its `state` is the state of the next slot."""
    mute = memory.state is State.MUTE
    threshold = config.start if mute else config.stop
    beyond = p_speak > threshold.probability if mute else p_speak < threshold.probability
    run = memory.run + 1 if beyond else 0
    waited = _waited(config, memory, p_speak) if mute else None
    least = config.min_mute_slots if mute else config.min_speak_slots
    guarded = mute and memory.slots < config.guard_slots
    at_once = not mute and p_speak < config.stop_at_once
    changes = run >= threshold.slots or (waited or 0) >= config.start_late.slots or at_once
    if changes and memory.held + 1 >= least and not guarded:
        return PolicyMemory(State(1 - memory.state), slots=memory.slots + 1)
    return PolicyMemory(memory.state, run, memory.held + 1, memory.slots + 1, waited)


def _waited(config: PolicyConfig, memory: PolicyMemory, p_speak: float) -> int | None:
    """A late start is a rise that lasts: before a session's first words p(speak) comes down from a doubtful value."""
    if p_speak <= config.start_late.probability:
        return 0
    return None if memory.waited is None else memory.waited + 1


def force(memory: PolicyMemory, state: State) -> PolicyMemory:
    """The memory after the runtime itself changed the state (an answer came to its end, or there was none)."""
    if memory.state is state:
        return memory
    return PolicyMemory(state, slots=memory.slots)
