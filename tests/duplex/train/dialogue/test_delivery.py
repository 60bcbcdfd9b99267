import random
from pathlib import Path

import numpy as np
import pytest

from configs.train.simulation import DeliveryConfig, PauseConfig, SpreadConfig
from duplex.train.dialogue.delivery import Delivery, draw_seconds
from duplex.train.dialogue.library import BankScript, read_parts

PLAIN = DeliveryConfig(fading_share=0, breath_share=0, stretch_share=0, level_db=(0.0, 0.0))
WHOLE = {"inside_turn_share": 0.0, "inside_line_share": 0.0, "hesitation_share": 0.0}


def make_fixed(seconds: float) -> SpreadConfig:
    return SpreadConfig(median=seconds, sigma=0.0, low=seconds, high=seconds)


def turn_of(bank: Path) -> BankScript:
    return read_parts(bank, ("turns",))[0]


def test_all_words_are_said_in_their_order(bank: Path) -> None:
    turn = turn_of(bank)
    for seed in range(20):
        said = Delivery(PauseConfig(), DeliveryConfig(), []).say(turn.bank, turn.line, random.Random(seed))
        assert " ".join(word.text for word in said.words) == turn.line.text
        assert [word.end for word in said.words] == sorted(word.end for word in said.words)
        assert said.spans[-1][1] == pytest.approx(said.seconds, abs=0.01)


def test_pauses_follow_the_marks(bank: Path) -> None:
    pauses = PauseConfig(
        sentence=make_fixed(1.0), filler=make_fixed(0.3), clause=make_fixed(0.6), clause_share=1.0, **WHOLE
    )
    said = Delivery(pauses, PLAIN, []).say(turn_of(bank).bank, turn_of(bank).line, random.Random(0))
    gaps = [later[0] - earlier[1] for earlier, later in zip(said.spans, said.spans[1:], strict=False)]
    assert gaps == [pytest.approx(seconds, abs=1e-3) for seconds in (0.3, 0.6, 1.0)]
    for (_, end), (start, _) in zip(said.spans, said.spans[1:], strict=False):
        assert not said.samples[int(end * 16_000) + 1 : int(start * 16_000) - 1].any()


def test_a_single_question_gets_a_hesitation_inside(bank: Path) -> None:
    question = read_parts(bank, ("questions",))[0]
    pauses = PauseConfig(
        **{**WHOLE, "inside_line_share": 1.0, "filler_in_line_share": 0.0}, inside_line=make_fixed(0.7)
    )
    said = Delivery(pauses, PLAIN, []).say(question.bank, question.line, random.Random(0))
    assert len(said.spans) == 2
    assert said.spans[1][0] - said.spans[0][1] == pytest.approx(0.7, abs=1e-3)
    assert " ".join(text for text, _ in said.pieces).split() == question.line.text.split()


def test_the_end_of_a_turn_keeps_its_last_words(bank: Path) -> None:
    turn = turn_of(bank)
    said = Delivery(PauseConfig(**WHOLE), PLAIN, []).say(turn.bank, turn.line, random.Random(0))
    end = said.last(said.pieces[-1][1][1] - said.pieces[-1][1][0] + 0.01)
    assert [text for text, _ in end.pieces] == [said.pieces[-1][0]]
    assert np.array_equal(end.samples, said.samples[-len(end.samples) :])


def test_one_after_the_other(bank: Path) -> None:
    turn = turn_of(bank)
    said = Delivery(PauseConfig(**WHOLE), PLAIN, []).say(turn.bank, turn.line, random.Random(0))
    both = said.after(said, 0.5)
    assert both.seconds == pytest.approx(2 * said.seconds + 0.5, abs=1e-3)
    assert both.spans[len(said.spans)][0] == pytest.approx(said.seconds + 0.5, abs=1e-3)


def test_draws_stay_within_their_bounds() -> None:
    spread = SpreadConfig(median=0.5, sigma=2.0, low=0.2, high=0.9)
    values = [draw_seconds(spread, random.Random(seed)) for seed in range(200)]
    assert min(values) == 0.2
    assert max(values) == 0.9
