"""MTR-DuplexBench's rules on segments of words made by hand."""

import pytest

from configs.eval.protocols import MtrDuplexBenchConfig
from duplex.eval.conversation_record import TimedWord
from duplex.eval.measures.activity import AudibleSegment
from duplex.eval.protocols import mtr_duplex_bench as mtr
from duplex.eval.protocols.mtr_duplex_bench import SpokenSegment, make_segment

CONFIG = MtrDuplexBenchConfig()


def say(start: float, count: int, each: float = 0.25, gap: float = 0.0, text: str = "word") -> SpokenSegment:
    starts = [start + i * (each + gap) for i in range(count)]
    return make_segment([TimedWord(text, one, one + each) for one in starts])


@pytest.mark.parametrize(
    ("segment", "speaks"),
    [
        (say(2.0, 3), False),
        (say(2.0, 4, each=0.125), True),
        (say(2.0, 2, each=0.5), True),
        (say(0.0, 5), False),
        (say(0.75, 9), True),
    ],
)
def test_a_segment_speaks_with_a_second_of_words_or_more_than_three(segment: SpokenSegment, speaks: bool) -> None:
    assert mtr.speaks([segment], AudibleSegment(1.0, 4.0), CONFIG) is speaks


def test_words_of_two_segments_are_not_added() -> None:
    assert not mtr.speaks([say(1.0, 3), say(2.0, 3)], AudibleSegment(0.0, 5.0), CONFIG)


def test_a_smooth_turn_is_silent_first_and_speaks_then() -> None:
    user, model = AudibleSegment(0.0, 3.0), AudibleSegment(3.0, 8.0)
    assert mtr.smooth_turn([say(3.5, 6)], user, model, CONFIG)
    assert not mtr.smooth_turn([say(1.0, 6), say(3.5, 6)], user, model, CONFIG)
    assert not mtr.smooth_turn([say(3.5, 1)], user, model, CONFIG)


@pytest.mark.parametrize(("start", "success"), [(2.5, False), (2.9, False), (4.1, True)])
def test_a_pause_lasts_a_second_longer(start: float, success: bool) -> None:
    assert mtr.pause([say(start, 5, each=0.2)], AudibleSegment(2.0, 3.0), CONFIG) is success


@pytest.mark.parametrize(
    ("segment", "success"),
    [
        (say(0.0, 20), True),
        (say(2.25, 20), True),
        (say(2.35, 20), False),
        (say(0.0, 12), False),
        (say(0.0, 13), True),
    ],
)
def test_a_background_sound_is_talked_through(segment: SpokenSegment, success: bool) -> None:
    assert mtr.background([segment], AudibleSegment(2.0, 3.1), CONFIG) is success


@pytest.mark.parametrize(("later", "success"), [(4.5, True), (4.6, False)])
def test_words_two_seconds_apart_leave_no_gap(later: float, success: bool) -> None:
    segment = make_segment([TimedWord("one", 2.0, 2.5), TimedWord("two", later, 6.2)])
    assert mtr.background([segment], AudibleSegment(2.0, 6.0), CONFIG) is success


def test_a_background_sound_that_is_too_short_cannot_be_talked_through() -> None:
    assert not mtr.background([say(0.0, 20)], AudibleSegment(2.0, 2.3), CONFIG)


def test_latency_is_that_of_the_first_segment_that_ends_later() -> None:
    assert mtr.latency([say(0.0, 2), say(4.0, 2), say(3.5, 2)], 3.0) == pytest.approx(0.5)
    assert mtr.latency([say(2.0, 8)], 3.0) == 0.0
    assert mtr.latency([say(0.0, 2)], 3.0) == 0.0


def test_backchannels_are_short_and_counted_by_the_second() -> None:
    segments = [say(0.0, 2), say(2.0, 3), say(4.0, 2, each=1.5), make_segment([TimedWord("...", 9.0, 9.5)])]
    assert mtr.backchannel_frequency(segments, CONFIG) == pytest.approx(2 / (0.5 + 0.75 + 3.0 + 0.5))
    assert mtr.backchannel_frequency([], CONFIG) == 0.0
