"""Every definition holds up to its limit and fails one slot beyond it."""

import pytest

from configs.audio import AUDIO
from configs.eval.evaluation import TimingConfig
from duplex.eval.conversation_record import SlotTrace
from duplex.eval.measures import timing
from duplex.eval.measures.activity import AudibleSegment
from duplex.eval.measures.timing import UserTurn

SLOT = AUDIO.slot_seconds
CONFIG = TimingConfig()
TURN = UserTurn(start=5.0, end=8.0)
TINY = 1e-6


@pytest.mark.parametrize(("end", "grace", "silent"), [(6.0, 1.0, True), (6.0 + SLOT, 1.0, False), (6.2, 1.5, True)])
def test_mute_allows_the_grace(end: float, grace: float, silent: bool) -> None:
    assert timing.mute([AudibleSegment(4.0, end)], TURN, grace, CONFIG) is silent


@pytest.mark.parametrize(("start", "silent"), [(8.0 - CONFIG.tail_s, True), (8.0 - CONFIG.tail_s - SLOT, False)])
def test_mute_ends_with_the_turn(start: float, silent: bool) -> None:
    assert timing.mute([AudibleSegment(start, 9.0)], TURN, 1.0, CONFIG) is silent


def test_a_turn_shorter_than_the_grace_is_always_mute() -> None:
    assert timing.mute([AudibleSegment(0.0, 9.0)], UserTurn(5.0, 5.5), 1.0, CONFIG)


@pytest.mark.parametrize(
    ("start", "latency"),
    [(9.5, 1.5), (8.0, 0.0), (8.0 - CONFIG.early_s + TINY, -CONFIG.early_s + TINY), (8.0 - CONFIG.early_s, None)],
)
def test_response_is_signed(start: float, latency: float | None) -> None:
    assert timing.response([AudibleSegment(start, 10.0)], TURN, CONFIG) == (latency and pytest.approx(latency))


def test_response_is_the_first_start_and_before_the_next_turn() -> None:
    speech = [AudibleSegment(1.0, 6.0), AudibleSegment(9.0, 9.5), AudibleSegment(10.0, 11.0)]
    assert timing.response(speech, TURN, CONFIG) == 1.0
    assert timing.response(speech, UserTurn(5.0, 8.0, until=8.9), CONFIG) is None


def test_stop_is_the_end_of_what_sounds_at_the_onset() -> None:
    speech = [AudibleSegment(0.0, 2.0), AudibleSegment(4.0, 5.24), AudibleSegment(7.0, 8.0)]
    assert timing.stop(speech, 5.0) == pytest.approx(0.24)
    assert timing.stop(speech, 5.24) is None
    assert timing.stop(speech, 3.0) is None


def test_starts_within_are_strictly_inside() -> None:
    speech = [AudibleSegment(1.0, 1.5), AudibleSegment(2.0, 2.5), AudibleSegment(3.0, 3.5)]
    assert timing.starts_within(speech, 1.0, 3.0) == [2.0]


@pytest.mark.parametrize(
    ("event", "sounds_at", "reason"),
    [("cut", 2.0, "cut"), ("end", 2.0, "end"), ("start", 2.0, "pause"), ("cut", 2.0 + 2 * SLOT, "pause")],
)
def test_why_a_segment_ended(event: str, sounds_at: float, reason: str) -> None:
    slots = [SlotTrace(round(sounds_at / SLOT) - 1, 0.5, True, event)]
    assert timing.why_silent(slots, 2.05, 0.3) == reason


def test_without_slots_nobody_knows_why() -> None:
    assert timing.why_silent([], 2.0, 0.3) == ""
