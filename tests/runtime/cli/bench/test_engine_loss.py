"""What clients notice of a killed engine, judged from messages."""

from collections.abc import Sequence

import pytest

from runtime.cli.bench.engine_loss import judge_loss
from runtime.errors import EngineError
from runtime.webrtc.client import Received

KILLED_AT = 10.05


def hear(answered: Sequence[tuple[int, float]], restarted: int | None) -> list[Received]:
    """Messages about slots that were answered at these times."""
    slots = [
        Received(at, {"type": "slot", "t": slot, "degraded": ["restarted"] if slot == restarted else []})
        for slot, at in answered
    ]
    return [*slots, Received(0.0, {"type": "stats"})]


def punctual(first: int, last: int) -> list[tuple[int, float]]:
    return [(slot, slot * 0.2 + 0.3) for slot in range(first, last)]


def test_the_next_answer_and_the_first_of_the_punctual_ones_are_told() -> None:
    worse = hear([*punctual(0, 49), (49, 12.5), (50, 12.6), (51, 12.7), *punctual(64, 80)], restarted=49)
    report = judge_loss([worse, hear(punctual(0, 80), restarted=50)], KILLED_AT)
    assert (report.next_s, report.level_s, report.lost_slots) == (2.45, 3.05, 12)


def test_an_engine_that_is_replaced_at_once_costs_nothing() -> None:
    report = judge_loss([hear(punctual(0, 80), restarted=50)], KILLED_AT)
    assert report.next_s == report.level_s == pytest.approx(0.25)
    assert report.lost_slots == 0


def test_a_conversation_that_does_not_go_on_is_an_error() -> None:
    with pytest.raises(EngineError, match="did not go on"):
        judge_loss([hear(punctual(0, 80), restarted=None)], KILLED_AT)


def test_a_server_that_stays_behind_is_an_error() -> None:
    answered = [*punctual(0, 50), *((slot, slot * 0.2 + 3.0) for slot in range(50, 60))]
    with pytest.raises(EngineError, match="still behind"):
        judge_loss([hear(answered, restarted=50)], KILLED_AT)
