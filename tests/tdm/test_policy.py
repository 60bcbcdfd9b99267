"""The state policy: a test for each row of the table in `tdm.policy`, and that it is a pure function of p(speak)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.base import ConfigError
from configs.policy import PRESETS, PolicyConfig, Threshold, policy
from tdm.policy import PolicyMemory, decide, force
from tdm.slots import State

M, S = State.MUTE, State.SPEAK


def run(config: PolicyConfig, probabilities: list[float]) -> list[State]:
    memory, states = PolicyMemory(), []
    for p_speak in probabilities:
        memory = decide(config, memory, p_speak)
        states.append(memory.state)
    return states


def make(start: tuple[float, int], stop: tuple[float, int], **others: int) -> PolicyConfig:
    return PolicyConfig(
        start=Threshold(probability=start[0], slots=start[1]),
        stop=Threshold(probability=stop[0], slots=stop[1]),
        start_late=Threshold(probability=1.0, slots=1),
        stop_at_once=0.0,
        guard_slots=others.pop("guard_slots", 0),
        **others,
    )


LATE = Threshold(probability=0.1, slots=2)


def test_start_takes_slots_in_a_row() -> None:
    config = make(start=(0.7, 2), stop=(0.4, 1))
    assert run(config, [0.8, 0.6, 0.8, 0.8]) == [M, M, M, S]


def test_start_late_is_a_rise_that_lasts() -> None:
    late = Threshold(probability=0.4, slots=3)
    config = make(start=(0.8, 1), stop=(0.2, 1)).model_copy(update={"start_late": late})
    assert run(config, [0.5, 0.5, 0.3, 0.5, 0.5, 0.5, 0.5]) == [M, M, M, M, M, S, S]
    assert run(config, [0.5, 0.9, 0.5]) == [M, S, S], "a usual start does not wait for it"
    assert run(config, [0.7, 0.6, 0.5, 0.5, 0.5]) == [M] * 5, "it has to rise first"


def test_min_mute_slots() -> None:
    config = make(start=(0.5, 1), stop=(0.5, 1), min_mute_slots=2)
    assert run(config, [0.9, 0.9, 0.1, 0.9, 0.9]) == [M, S, M, M, S]


def test_guard_slots_keep_the_start_of_a_session_mute() -> None:
    config = make(start=(0.5, 1), stop=(0.4, 1), guard_slots=3)
    assert run(config, [0.9] * 5) == [M, M, M, S, S]


def test_stop_takes_slots_in_a_row() -> None:
    config = make(start=(0.7, 1), stop=(0.4, 2))
    assert run(config, [0.8, 0.3, 0.5, 0.3, 0.3, 0.5]) == [S, S, S, S, M, M]


def test_stop_at_once_takes_one_slot() -> None:
    config = make(start=(0.5, 1), stop=(0.4, 2)).model_copy(update={"stop_at_once": 0.1})
    assert run(config, [0.9, 0.3, 0.9, 0.05, 0.9, 0.3, 0.3, 0.05]) == [S, S, S, M, S, S, M, M]


def test_a_late_start_is_not_stopped_by_the_p_speak_it_started_on() -> None:
    config = make(start=(0.8, 1), stop=(0.3, 2)).model_copy(update={"start_late": LATE, "stop_at_once": 0.15})
    assert run(config, [0.0, 0.2, 0.2, 0.12, 0.12, 0.12]) == [M, M, S, S, S, S]
    assert run(config, [0.0, 0.2, 0.2, 0.05, 0.05, 0.2]) == [M, M, S, S, M, M], "too low to have started it"
    assert run(config, [0.0, 0.2, 0.2, 0.9, 0.12]) == [M, M, S, S, M], "once it was sure, it stops as usual"
    assert run(config, [0.9, 0.12]) == [S, M], "a usual start stops as usual"


def test_min_speak_slots() -> None:
    config = make(start=(0.5, 1), stop=(0.5, 1), min_speak_slots=3)
    assert run(config, [0.9, 0.1, 0.1, 0.1, 0.1, 0.9]) == [S, S, S, M, M, S]


def test_between_the_thresholds_nothing_changes() -> None:
    config = make(start=(0.7, 1), stop=(0.4, 1))
    assert run(config, [0.5] * 3 + [0.8] + [0.5] * 3) == [M] * 3 + [S] * 4


def test_a_forced_state_needs_a_new_run_of_slots() -> None:
    config = make(start=(0.7, 2), stop=(0.4, 1))
    memory = decide(config, decide(config, PolicyMemory(), 0.9), 0.9)
    assert memory.state is S
    memory = force(memory, M)
    memory = decide(config, memory, 0.9)
    assert memory.state is M
    assert decide(config, memory, 0.9).state is S


@given(st.lists(st.floats(0, 1), max_size=60))
def test_longer_input_never_changes_earlier_states(probabilities: list[float]) -> None:
    for config in PRESETS.values():
        states = run(config, probabilities)
        for length in range(0, len(probabilities), 7):
            assert run(config, probabilities[:length]) == states[:length]


def test_unknown_preset_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="responsive, balanced, patient"):
        policy("hasty")
