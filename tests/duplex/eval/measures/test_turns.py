"""Turns, responses and stops of dialogues whose answers are known, from speech segments alone."""

from collections.abc import Sequence

import pytest

from configs.eval.scoring import TurnScoringConfig
from duplex.eval.measures.activity import AudibleSegment
from duplex.eval.measures.turns import (
    IN_PAUSE,
    JUST_BEGUN,
    OWN_PAUSE,
    SILENT,
    Analysis,
    UserSpeech,
    analyse,
    analyse_known,
    join,
)

CONFIG = TurnScoringConfig()
Spans = Sequence[tuple[float, float]]


def of(user: Spans, assistant: Spans) -> Analysis:
    return analyse([AudibleSegment(*one) for one in user], [AudibleSegment(*one) for one in assistant], CONFIG)


def analyse_spans(user: Sequence[UserSpeech], assistant: Spans) -> Analysis:
    return analyse_known(user, [AudibleSegment(*one) for one in assistant], CONFIG)


def kinds(found: Analysis) -> list[str]:
    return [turn.kind for turn in found.turns]


def close(values: Sequence[float]) -> object:
    return pytest.approx(list(values), abs=1e-9)


def test_each_answer_is_measured_from_the_end_of_the_turn_before_it() -> None:
    found = of([(1, 3), (6, 8), (12, 13)], [(3.4, 5), (9.2, 11), (13.0, 14)])
    assert found.response_s == close([0.4, 1.2, 0.0])
    assert found.stop_s == []
    assert kinds(found) == ["turn"] * 3


def test_a_greeting_answers_nobody() -> None:
    assert of([(4, 6)], [(0.5, 3), (6.5, 8)]).response_s == close([0.5])


def test_an_early_answer_is_negative() -> None:
    found = of([(1, 4)], [(3.7, 6)])
    assert found.response_s == close([-0.3])
    assert found.barge_ins == ()


def test_an_assistant_that_starts_long_before_the_end_interrupts() -> None:
    found = of([(1, 4), (8, 9)], [(2.5, 6), (9.5, 11)])
    assert found.response_s == close([0.5])
    assert found.barge_ins == (AudibleSegment(2.5, 6),)
    assert found.turns[0].answer is None


def test_an_assistant_that_falls_silent_again_within_the_turn_may_answer_it_later() -> None:
    found = of([(1, 6)], [(2, 3.5), (6.4, 8)])
    assert found.response_s == close([0.4])
    assert found.barge_ins == (AudibleSegment(2, 3.5),)


def test_a_short_sound_of_the_assistant_within_a_turn_is_a_backchannel() -> None:
    found = of([(1, 6)], [(3, 3.4), (6.4, 8)])
    assert found.response_s == close([0.4])
    assert found.backchannels == (AudibleSegment(3, 3.4),)


def test_a_hesitation_is_inside_of_a_turn() -> None:
    found = of([(1, 2), (2.55, 4)], [(4.4, 6)])
    assert [(turn.start, turn.end) for turn in found.turns] == [(1, 4)]
    assert found.response_s == close([0.4])


def test_a_hesitation_that_the_assistant_takes_is_the_end_of_a_turn() -> None:
    found = of([(1, 2), (2.55, 4)], [(2.3, 2.9), (5, 6)])
    assert [(turn.start, turn.end) for turn in found.turns] == [(1, 2), (2.55, 4)]
    assert found.response_s == close([0.3, 1.0])
    assert found.stop_s == close([0.35])


def test_a_stop_closure_is_no_hesitation_that_could_be_taken() -> None:
    found = of([(1, 2), (2.12, 2.5)], [(2.1, 4)])
    assert found.response_s == close([-0.4])


def test_a_backchannel_of_the_assistant_in_a_hesitation_parts_no_turn() -> None:
    found = of([(1, 2), (2.55, 4)], [(2.1, 2.4), (4.5, 6)])
    assert found.response_s == close([0.5])
    assert len(found.turns) == 1


def test_without_an_answer_the_user_goes_on() -> None:
    found = of([(1, 2), (4, 5)], [(5.6, 7)])
    assert [turn.answer for turn in found.turns] == [None, 5.6]


def test_an_interruption_stops_the_assistant_and_is_answered() -> None:
    found = of([(1, 2), (5, 7)], [(2.5, 5.35), (7.8, 9)])
    assert found.stop_s == close([0.35])
    assert found.response_s == close([0.5, 0.8])
    assert kinds(found) == ["turn", "interrupt"]
    assert found.turns[1].yielded is True


def test_a_short_interruption_is_a_stop_though_the_answer_is_quick() -> None:
    found = of([(1, 2), (5, 5.45)], [(2.5, 5.3), (5.75, 9)])
    assert found.stop_s == close([0.3])
    assert found.response_s == close([0.5, 0.3])
    assert found.said[1:] == (AudibleSegment(5.3 + 0.45, 9),)


def test_a_stop_shortly_after_a_short_interruption() -> None:
    assert of([(5, 5.4)], [(2.5, 6.2), (7, 9)]).stop_s == close([1.2])


def test_an_assistant_that_talks_on_holds_a_backchannel() -> None:
    found = of([(1, 2), (5, 5.4)], [(2.5, 9)])
    assert kinds(found) == ["turn", "backchannel"]
    assert found.stop_s == []
    assert found.turns[1].answer is None


def test_an_own_pause_after_a_backchannel_is_no_stop() -> None:
    found = of([(1, 2), (5, 5.4)], [(2.5, 5.8), (6.1, 9)])
    assert kinds(found) == ["turn", "backchannel"]
    assert found.response_s == close([0.5])


def test_an_own_pause_within_a_backchannel_is_no_stop() -> None:
    assert kinds(of([(5, 5.9)], [(2.5, 5.3), (5.6, 9)])) == ["backchannel"]


def test_an_assistant_that_talks_through_a_long_turn_does_not_yield() -> None:
    found = of([(1, 2), (5, 7)], [(2.5, 11)])
    assert kinds(found) == ["turn", "interrupt"]
    assert found.turns[1].yielded is False
    assert found.stop_s == []
    assert found.turns[1].void == ""


def test_a_stop_in_an_own_pause_is_void() -> None:
    found = of([(1, 2), (5, 8)], [(2.5, 5.4), (5.7, 7)])
    assert found.stop_s == []
    assert (found.turns[1].void, found.turns[1].yielded) == (OWN_PAUSE, None)


def test_a_long_silence_is_a_stop_though_the_assistant_comes_back() -> None:
    found = of([(5, 8)], [(2.5, 5.4), (6.2, 7.4)])
    assert found.stop_s == close([0.4])
    assert found.barge_ins == (AudibleSegment(6.2, 7.4),)


def test_an_onset_in_an_own_pause_is_void() -> None:
    found = of([(5, 8)], [(2.5, 4.9), (5.3, 6)])
    assert found.stop_s == []
    assert found.turns[0].void == IN_PAUSE


def test_an_assistant_that_has_just_begun_gives_no_stop() -> None:
    found = of([(1, 2), (5, 8)], [(4.9, 5.3), (9, 10)])
    assert found.stop_s == []
    assert found.turns[1].void == JUST_BEGUN
    assert found.response_s == close([2.9, 1.0])


def test_tiny_gaps_of_the_assistant_are_no_pauses() -> None:
    found = of([(5, 7)], [(2.5, 4.93), (5.05, 5.2), (5.32, 5.6), (7.4, 9)])
    assert found.stop_s == close([0.6])


def test_silence_on_one_side_or_both() -> None:
    assert of([], [(1, 2)]) == Analysis((), (AudibleSegment(1, 2),), (), ())
    assert of([(1, 2)], []).turns[0].answer is None
    assert of([], []).turns == ()


def test_known_turns_are_taken_as_they_are() -> None:
    turns = [UserSpeech(1, 2, "turn"), UserSpeech(2.3, 4, "turn"), UserSpeech(6, 6.4, "backchannel")]
    found = analyse_spans(turns, [(4.5, 9)])
    assert [(turn.start, turn.end, turn.kind) for turn in found.turns] == [
        (1, 2, "turn"),
        (2.3, 4, "turn"),
        (6, 6.4, "backchannel"),
    ]
    assert found.response_s == close([0.5])
    assert found.stop_s == []


def test_a_short_known_interruption_is_no_backchannel() -> None:
    found = analyse_spans([UserSpeech(1, 2, "turn"), UserSpeech(5, 5.4, "interrupt")], [(2.5, 9)])
    assert kinds(found) == ["turn", "interrupt"]
    assert found.stop_s == close([4.0])
    assert found.turns[1].yielded is False


def test_a_known_interruption_of_nobody_is_void() -> None:
    found = analyse_spans([UserSpeech(1, 2, "interrupt")], [(2.5, 4)])
    assert (found.turns[0].void, found.stop_s) == (SILENT, [])
    assert found.response_s == close([0.5])


def test_responses_are_in_order_of_time() -> None:
    found = analyse_spans([UserSpeech(1, 6, "turn"), UserSpeech(4, 5, "turn")], [(6.5, 7), (8, 9)])
    assert found.response_s == close([1.5])


def test_joining_segments() -> None:
    parts = [AudibleSegment(3, 4), AudibleSegment(0, 1), AudibleSegment(1.2, 2), AudibleSegment(3.5, 3.6)]
    assert join(parts, 0.2) == [AudibleSegment(0, 2), AudibleSegment(3, 4)]
    assert join(parts, 0.1) == [AudibleSegment(0, 1), AudibleSegment(1.2, 2), AudibleSegment(3, 4)]
