"""What is a dialogue, and what it is for."""

from dataclasses import replace

import pytest

from duplex.train.examples.example import Example, ExampleError, Turn, choose_split
from tests.duplex.train.examples.conftest import spoken

ASKS, SAYS = Turn("user", "Why?"), Turn("assistant", "Because.")


@pytest.mark.parametrize(
    ("turns", "reason"),
    [
        ((), "must begin with the user"),
        ((SAYS,), "must begin with the user"),
        ((ASKS,), "end with the assistant"),
        ((ASKS, ASKS, SAYS), "must take turns"),
        ((ASKS, replace(SAYS, start_ms=3)), "all turns have a start_ms, or none"),
        ((Turn("user"), SAYS), "turn 1: has neither text nor sound nor speech tokens"),
        ((ASKS, replace(SAYS, seconds=-1.0)), "turn 2: a time is below 0"),
    ],
)
def test_what_is_no_dialogue_is_named(turns: tuple[Turn, ...], reason: str) -> None:
    with pytest.raises(ExampleError, match=rf"^example x.*{reason}"):
        Example("x", turns).check()


def test_a_dialogue_has_one_clock_or_none() -> None:
    one = spoken(rounds=2)
    one.check()
    assert not one.has_two_channels
    timed = replace(one, turns=tuple(replace(turn, start_ms=place) for place, turn in enumerate(one.turns)))
    timed.check()
    assert timed.has_two_channels


def test_an_example_without_a_name_is_refused() -> None:
    with pytest.raises(ExampleError, match="has no id"):
        replace(spoken(), id="").check()


def test_the_split_is_that_of_the_id_for_ever() -> None:
    ids = [f"dialogue-{number}" for number in range(10_000)]
    held = [id for id in ids if choose_split(id, 0.02) == "validation"]
    assert 150 < len(held) < 250
    assert held[:3] == ["dialogue-16", "dialogue-70", "dialogue-146"]
    assert all(choose_split(id, 0.1) == "validation" for id in held)
    assert {choose_split(id, 0.0) for id in ids} == {"train"}
