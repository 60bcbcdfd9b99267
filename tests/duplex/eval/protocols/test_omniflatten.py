"""Turn-taking Acc@K: frames of 40 ms after one time."""

import pytest

from configs.eval.protocols import OmniFlattenConfig
from duplex.eval.measures.activity import AudibleSegment
from duplex.eval.protocols.omniflatten import TurnTaken, assistant_turn, user_turn

CONFIG = OmniFlattenConfig()
END = 2.0
NEVER = TurnTaken(None, (False, False, False, False))


@pytest.mark.parametrize(
    ("latency", "hits"),
    [
        (0.0, (True, True, True, True)),
        (0.039, (True, True, True, True)),
        (0.04, (False, True, True, True)),
        (0.199, (False, True, True, True)),
        (0.2, (False, False, True, True)),
        (0.4, (False, False, False, True)),
        (0.999, (False, False, False, True)),
        (1.0, (False, False, False, False)),
    ],
)
def test_the_assistant_speaks_in_frame_k(latency: float, hits: tuple[bool, ...]) -> None:
    found = assistant_turn([AudibleSegment(END + latency, 9.0)], END, CONFIG)
    assert found == TurnTaken(pytest.approx(latency), hits)  # type: ignore[arg-type]


def test_an_answer_that_is_over_is_silent_again() -> None:
    assert assistant_turn([AudibleSegment(END, END + 0.1)], END, CONFIG).hits == (True, False, False, False)


def test_an_assistant_that_never_stopped_has_begun() -> None:
    assert assistant_turn([AudibleSegment(0.0, 9.0)], END, CONFIG) == TurnTaken(0.0, (True, True, True, True))


@pytest.mark.parametrize("speech", [[], [AudibleSegment(0.0, END)], [AudibleSegment(END + 1.6, 9.0)]])
def test_too_late_is_never(speech: list[AudibleSegment]) -> None:
    assert assistant_turn(speech, END, CONFIG) == NEVER


@pytest.mark.parametrize(
    ("latency", "hits"),
    [
        (0.16, (False, True, True, True)),
        (0.17, (False, False, True, True)),
        (0.36, (False, False, True, True)),
        (0.37, (False, False, False, True)),
        (0.97, (False, False, False, False)),
    ],
)
def test_the_assistant_is_silent_in_frame_k(latency: float, hits: tuple[bool, ...]) -> None:
    found = user_turn([AudibleSegment(0.0, END + latency)], END, CONFIG)
    assert found == TurnTaken(pytest.approx(latency), hits)  # type: ignore[arg-type]


def test_speaking_on_beyond_the_limit_fails_for_every_k() -> None:
    assert user_turn([AudibleSegment(0.0, END + 1.6)], END, CONFIG) == NEVER


def test_a_silent_assistant_has_no_turn_to_give() -> None:
    assert user_turn([AudibleSegment(0.0, END), AudibleSegment(END + 0.1, 9.0)], END, CONFIG) is None
