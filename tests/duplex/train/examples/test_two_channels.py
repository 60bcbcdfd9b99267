"""Dialogues of two channels: gaps, interruptions, and what they leave of an answer."""

from dataclasses import replace

import pytest

from configs.recipes import recipe
from configs.train.examples import TwoChannelConfig
from duplex.train.examples.example import Example, ExampleError
from duplex.train.examples.two_channels import make_two_channels
from tests.duplex.train.examples.conftest import TOKENS, spoken

ONE = TwoChannelConfig(dialogue_s=1.0)
LENGTH_MS = 2000
"""Of every turn."""


def make(config: TwoChannelConfig, count: int = 200, rounds: int = 2, seed: int = 0) -> list[Example]:
    return list(make_two_channels((spoken(f"e{number}", rounds) for number in range(count)), config, TOKENS, seed))


def starts(example: Example) -> list[int]:
    return [turn.start_ms for turn in example.turns if turn.start_ms is not None]


def test_the_shipped_recipe_is_the_default() -> None:
    assert TwoChannelConfig.from_yaml(recipe("two_channels")) == TwoChannelConfig()


def test_an_answer_begins_within_the_papers_gap() -> None:
    gaps = []
    for example in make(ONE):
        example.check()
        at = starts(example)
        gaps += [at[1] - at[0] - LENGTH_MS, at[3] - at[2] - LENGTH_MS]
    assert 0 <= min(gaps) < 40
    assert 360 < max(gaps) <= 400


def test_half_of_the_answers_that_can_be_are_cut_and_the_others_are_whole() -> None:
    cut = 0
    for example in make(ONE):
        first, last = example.turns[1], example.turns[3]
        began = starts(example)[2] - starts(example)[1]
        assert last.heard_ms is None, "nobody interrupts the last answer"
        if first.heard_ms is None:
            assert began >= LENGTH_MS + 500
            continue
        cut += 1
        assert 200 <= began <= 1600
        assert began + 199 <= first.heard_ms <= min(LENGTH_MS, began + 401)
    assert 70 < cut < 130


def test_the_same_seed_gives_the_same_dialogues() -> None:
    assert make(ONE, 20) == make(ONE, 20)
    assert make(ONE, 20) != make(ONE, 20, seed=1)


def test_short_examples_follow_each_other_in_one_dialogue() -> None:
    made = make(TwoChannelConfig(dialogue_s=10.0, cut_share=0.0), count=7, rounds=1)
    assert [one.id for one in made] == ["e0+2-duplex", "e3+2-duplex", "e6-duplex"]
    assert [len(one.turns) for one in made] == [6, 6, 2]
    assert all(before < after for one in made for before, after in zip(starts(one), starts(one)[1:], strict=False))


def test_tokens_of_several_digits_and_other_rates_count() -> None:
    tokens = TOKENS.model_copy(update={"digits": 2, "rate": 12.5})
    (made,) = make_two_channels([spoken(rounds=2)], TwoChannelConfig(cut_share=0.0, between=(1.0, 1.0)), tokens)
    assert starts(made)[2] - starts(made)[1] == pytest.approx(LENGTH_MS + 1000, abs=1)


@pytest.mark.parametrize(
    ("place", "fields", "reason"),
    [(0, {"audio": ""}, "has no sound"), (0, {"seconds": 0.0}, "has no sound"), (1, {"tokens": ()}, "has no speech")],
)
def test_a_turn_without_sound_is_named(place: int, fields: dict[str, object], reason: str) -> None:
    one = spoken("x")
    turns = list(one.turns)
    turns[place] = replace(turns[place], **fields)  # type: ignore[arg-type]
    with pytest.raises(ExampleError, match=f"example x: .*{reason}"):
        list(make_two_channels([replace(one, turns=tuple(turns))], ONE, TOKENS))
