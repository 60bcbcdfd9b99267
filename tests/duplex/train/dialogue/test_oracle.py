import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.train.simulation import OracleConfig
from duplex.train.dialogue.oracle import NOTHING, AnswerSpan, Oracle, Plan, PlannedTurn, PlayedSlots
from duplex.train.dialogue.word_arrival import NEVER

ANSWER, GUESS, OPENING = AnswerSpan(100, 5), AnswerSpan(200, 9), AnswerSpan(300, 4)
CONFIG = OracleConfig()


def plan(*turns: PlannedTurn, opening: AnswerSpan | None = None, slots: int = 40) -> Plan:
    return Plan(slots, turns, opening, GUESS)


def plan_turn(start: float, known: int, answer: AnswerSpan | None = ANSWER) -> PlannedTurn:
    return PlannedTurn(start, known, answer, GUESS)


def perfect(what: Plan) -> PlayedSlots:
    return Oracle(CONFIG).play(what, random.Random(0), perturbed=False)


def test_the_answer_starts_after_the_last_word_and_ends_by_itself() -> None:
    played = perfect(plan(plan_turn(1.0, 10)))
    assert np.flatnonzero(played.target).tolist() == [10, 11, 12, 13, 14]
    assert played.played[11:16].tolist() == [100, 101, 102, 103, 104]
    assert (np.delete(played.played, range(11, 16)) == NOTHING).all()
    assert played.text[10:15].tolist() == [100, 101, 102, 103, 104]
    assert played.weight[15] == 0, "at its natural end the answer's content decides"
    assert played.weight[10] == CONFIG.wrong_weight
    assert played.since[11:17].tolist() == [0, 1, 2, 3, 4, 0]


def test_an_interruption_cuts_the_answer_and_gets_its_own() -> None:
    second = AnswerSpan(400, 3)
    played = perfect(plan(plan_turn(0.5, 5), plan_turn(1.65, 20, second)))
    assert played.target[8] == 0
    assert played.weight[8] == CONFIG.wrong_weight
    assert played.played[6:9].tolist() == [100, 101, 102]
    assert (played.played[9:21] == NOTHING).all()
    assert played.played[21:24].tolist() == [400, 401, 402]


def test_a_start_that_can_hardly_be_heard_weighs_little() -> None:
    played = perfect(plan(plan_turn(0.5, 5), plan_turn(1.75, 20)))
    assert played.weight[8] == pytest.approx(CONFIG.wrong_weight * CONFIG.barely_weight)


def test_a_turn_without_an_answer_or_an_end_is_met_with_silence() -> None:
    for turn in (plan_turn(1.0, 10, None), plan_turn(1.0, NEVER)):
        assert not perfect(plan(turn)).target.any()


def test_an_opening_is_finished_but_its_text_is_not_taught() -> None:
    played = perfect(plan(opening=OPENING))
    assert played.played[:5].tolist() == [300, 301, 302, 303, NOTHING]
    assert (played.text == NOTHING).all()
    assert played.weight[3] == 0


def test_an_opening_is_cut_by_a_turn() -> None:
    played = perfect(plan(plan_turn(0.1, 10), opening=OPENING))
    assert played.target[0] == 0
    assert (played.played[1:11] == NOTHING).all()


def test_late_answers_are_still_right() -> None:
    late = OracleConfig(late_share=1.0, late_start=(6,), false_start_share=0, wrong_stop_share=0, idle_start_share=0)
    played = Oracle(late).play(plan(plan_turn(1.0, 10)), random.Random(0))
    assert played.played[11:18].tolist() == [NOTHING] * 7
    assert played.target[10:17].tolist() == [1] * 7
    assert played.text[10:18].tolist() == [100] * 8
    assert (played.weight[10:18] == late.wrong_weight).all()


def test_a_false_start_says_a_guess_and_must_stop() -> None:
    eager = OracleConfig(late_share=0, false_start_share=1.0, false_start=(2,), wrong_stop_share=0, idle_start_share=0)
    played = Oracle(eager).play(plan(plan_turn(0.0, 30)), random.Random(0))
    assert played.played[1:4].tolist() == [200, 201, 202]
    assert not played.target[:30].any()
    assert (played.weight[1:4] == eager.wrong_weight).all()


def test_what_was_said_by_mistake_is_not_the_answer() -> None:
    eager = OracleConfig(late_share=0, false_start_share=1.0, false_start=(8,), wrong_stop_share=0, idle_start_share=0)
    played = Oracle(eager).play(plan(plan_turn(0.0, 4)), random.Random(0))
    assert played.played[4] == 203
    assert played.target[4] == 0, "the user spoke over it: it must stop before it answers"
    start = int(np.flatnonzero(played.played == 100)[0])
    assert played.target[start - 1] == 1


def test_a_wrong_stop_begins_the_answer_again() -> None:
    clumsy = OracleConfig(late_share=0, false_start_share=0, wrong_stop_share=1.0, wrong_stop=(1,), idle_start_share=0)
    played = Oracle(clumsy).play(plan(plan_turn(0.0, 2), slots=12), random.Random(0))
    assert played.played[3:7].tolist() == [100, NOTHING, NOTHING, 100]
    assert played.text[4] == 100


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10_000),
    st.lists(st.tuples(st.floats(0.1, 4), st.integers(0, 8)), max_size=5),
    st.booleans(),
)
def test_any_past_is_consistent(seed: int, gaps: list[tuple[float, int]], opening: bool) -> None:
    turns, now = [], 0.0
    for gap, wait in gaps:
        now += gap
        turns.append(plan_turn(now, int((now + 1) / 0.2) + wait))
        now += 1
    played = Oracle(CONFIG).play(plan(*turns, opening=OPENING if opening else None), random.Random(seed))
    speaking = played.played != NOTHING
    for slot in range(1, 40):
        same = speaking[slot] == speaking[slot - 1]
        assert played.since[slot] == (played.since[slot - 1] + 1 if same else 0)
        if speaking[slot] and speaking[slot - 1]:
            assert played.played[slot] == played.played[slot - 1] + 1
    for turn in turns:
        inside = np.arange(40)
        inside = inside[((inside + 1) * 0.2 > turn.start) & (inside < turn.due)]
        later = [other.start for other in turns if other.start > turn.start]
        inside = inside[(inside + 1) * 0.2 <= min(later, default=99)]
        assert not played.target[inside].any()
    assert ((played.text != NOTHING) <= (played.target == 1)).all()
