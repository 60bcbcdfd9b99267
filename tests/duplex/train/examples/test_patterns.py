"""CoM-mixing: one example for every pattern that its turns allow."""

from dataclasses import replace

import pytest

from configs.model.patterns import Pattern
from duplex.train.examples.example import Example
from duplex.train.examples.patterns import list_patterns
from tests.duplex.train.examples.conftest import spoken

WHOLE = spoken(rounds=2)


def without(**fields: object) -> Example:
    """The example without something in the second round; `user` and `assistant` choose whose."""
    role = fields.pop("role")
    last = WHOLE.turns[2 if role == "user" else 3]
    turns = tuple(replace(turn, **fields) if turn is last else turn for turn in WHOLE.turns)  # type: ignore[arg-type]
    return replace(WHOLE, turns=turns)


def test_every_example_becomes_seven() -> None:
    made = list(list_patterns(WHOLE))
    assert [one.pattern for one in made] == list(Pattern)
    assert [one.id for one in made] == [f"a-{pattern}" for pattern in Pattern]
    assert all(one.turns == WHOLE.turns for one in made)


@pytest.mark.parametrize(
    ("example", "left"),
    [
        (without(role="user", text=""), ["S2M", "S2T", "SAC"]),
        (without(role="user", audio=""), ["T2M", "T2T"]),
        (without(role="assistant", tokens=()), ["S2T", "T2T"]),
        (without(role="assistant", text=""), []),
    ],
)
def test_a_pattern_needs_its_parts(example: Example, left: list[str]) -> None:
    assert [one.pattern for one in list_patterns(example)] == left


def test_speech_tokens_of_the_user_are_heard_too() -> None:
    turns = (replace(WHOLE.turns[0], audio="", tokens=(1, 2, 3)), *WHOLE.turns[1:])
    assert len(list(list_patterns(replace(WHOLE, turns=turns)))) == len(Pattern)


def test_what_has_a_pattern_or_a_clock_stays_as_it_is() -> None:
    chosen = replace(WHOLE, pattern=Pattern.T2T)
    timed = replace(WHOLE, turns=tuple(replace(turn, start_ms=1) for turn in WHOLE.turns))
    assert list(list_patterns(chosen)) == [chosen]
    assert list(list_patterns(timed)) == [timed]
