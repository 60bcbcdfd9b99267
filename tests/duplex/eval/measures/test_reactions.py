"""Sounds that are not meant for the assistant, and pauses: what is right, by tau-voice's windows."""

import pytest

from configs.eval.scoring import TurnScoringConfig
from duplex.eval.measures.activity import AudibleSegment
from duplex.eval.measures.reactions import ReactionKind, reaction

CONFIG = TurnScoringConfig()
SAID = [AudibleSegment(1, 5), AudibleSegment(9, 12)]


@pytest.mark.parametrize("kind", ["backchannel", "vocal_tic", "non_directed", "noise"])
@pytest.mark.parametrize(("start", "right"), [(2.0, True), (3.99, True), (4.0, False), (4.9, False)])
def test_a_speaking_assistant_may_not_fall_silent_within_a_second(
    kind: ReactionKind, start: float, right: bool
) -> None:
    found = reaction(kind, start, start + 0.3, SAID, CONFIG)
    assert (found.speaking, found.right) == (True, right)


@pytest.mark.parametrize("kind", ["vocal_tic", "non_directed", "noise"])
@pytest.mark.parametrize(("end", "right"), [(6.5, True), (7.0, False), (8.0, False)])
def test_a_silent_assistant_may_not_answer_within_two_seconds(kind: ReactionKind, end: float, right: bool) -> None:
    found = reaction(kind, end - 0.3, end, SAID, CONFIG)
    assert (found.speaking, found.right) == (False, right)


def test_a_backchannel_to_a_silent_assistant_is_not_judged() -> None:
    assert reaction("backchannel", 8.0, 8.3, SAID, CONFIG).right is None


@pytest.mark.parametrize(
    ("start", "end", "right"),
    [(7.0, 8.0, True), (8.0, 8.89, True), (8.0, 8.9, False), (8.5, 9.5, False), (9.05, 9.6, False), (2.0, 3.0, None)],
)
def test_a_pause_is_taken_by_a_start_in_or_just_beside_it(start: float, end: float, right: bool | None) -> None:
    assert reaction("pause", start, end, SAID, CONFIG).right is right
