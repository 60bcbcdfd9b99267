"""Full-Duplex-Bench's rules on words and segments made by hand."""

from dataclasses import dataclass

import pytest

from configs.eval.protocols import FullDuplexBenchConfig
from duplex.eval.measures.activity import AudibleSegment, join
from duplex.eval.protocols import full_duplex_bench as fdb
from duplex.eval.protocols.full_duplex_bench import Backchannels, Sample

CONFIG = FullDuplexBenchConfig()


@dataclass(frozen=True)
class Word:
    start: float
    end: float | None


def words(*starts: float, each: float = 0.1) -> list[Word]:
    return [Word(start, start + each) for start in starts]


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        (words(), False),
        (words(1.0, 1.2, 1.8), False),
        (words(1.0, 1.2, 1.9), True),
        (words(1.0, 1.1, 1.2, 1.3), True),
        (words(1.0, 3.0), True),
        ([Word(1.0, 1.1), Word(1.9, None)], False),
        ([Word(1.0, 1.1), Word(2.0, None)], True),
    ],
)
def test_takeover(said: list[Word], taken: bool) -> None:
    assert fdb.takeover(said, CONFIG) is taken


def test_latency_is_signed_and_only_of_takeovers() -> None:
    assert fdb.turn_taking(words(2.0, 3.0), 2.5, CONFIG) == Sample(True, -0.5)
    assert fdb.turn_taking(words(2.0), 1.5, CONFIG) == Sample(False, None)


def test_the_published_mean_clamps_and_the_signed_one_does_not() -> None:
    samples = [Sample(True, -0.5), Sample(True, 1.0), Sample(False, None), Sample(True, 0.1)]
    assert fdb.takeover_rate(samples) == 0.75
    assert fdb.average_published_latency(samples) == pytest.approx(1.1 / 3)
    assert fdb.average_signed_latency(samples) == pytest.approx(0.2)
    assert fdb.takeover_rate([]) is fdb.average_published_latency([Sample(False, None)]) is None


@pytest.mark.parametrize(
    ("segment", "inside", "taken"),
    [
        (AudibleSegment(1.0, 1.9), 2, False),
        (AudibleSegment(1.0, 1.9), 3, True),
        (AudibleSegment(1.0, 2.0), 0, True),
        (AudibleSegment(1.0, 4.01), 0, True),
    ],
)
def test_a_backchannel_is_short_and_has_few_words(segment: AudibleSegment, inside: int, taken: bool) -> None:
    said = words(*(1.1 + 0.2 * i for i in range(inside)))
    assert fdb.backchannels(said, [segment], CONFIG).takeover is taken


def test_the_last_segment_decides_and_a_long_one_ends_the_search() -> None:
    short, middling, long = AudibleSegment(1.0, 1.5), AudibleSegment(3.0, 4.5), AudibleSegment(6.0, 9.5)
    assert fdb.backchannels([], [middling, short], CONFIG) == Backchannels(False, (middling, short))
    assert fdb.backchannels([], [short, long, middling], CONFIG) == Backchannels(True, (short,))
    assert fdb.backchannels([], [], CONFIG) == Backchannels(False, ())


@pytest.mark.parametrize(
    ("word", "counted"),
    [
        (Word(1.1, 1.2), True),
        (Word(0.9, 1.1), True),
        (Word(1.4, 1.9), True),
        (Word(0.5, 2.0), True),
        (Word(0.5, 1.0), False),
        (Word(1.6, 1.7), False),
        (Word(1.2, None), False),
    ],
)
def test_words_that_touch_a_segment_are_counted(word: Word, counted: bool) -> None:
    found = fdb.backchannels([*words(1.1, 1.2), word], [AudibleSegment(1.0, 1.5)], CONFIG)
    assert found.takeover is counted


def test_frequency_is_per_second_of_the_whole_output() -> None:
    assert fdb.frequency(Backchannels(False, (AudibleSegment(0, 1), AudibleSegment(2, 3))), 10.0) == 0.2


def test_gaps_up_to_the_limit_are_merged() -> None:
    parts = [AudibleSegment(2.0, 3.0), AudibleSegment(0.0, 1.0), AudibleSegment(1.5, 1.6), AudibleSegment(3.6, 4.0)]
    assert join(parts, 0.5) == [AudibleSegment(0.0, 3.0), AudibleSegment(3.6, 4.0)]
    assert join([AudibleSegment(0.0, 5.0), AudibleSegment(1.0, 2.0)], 0.5) == [AudibleSegment(0.0, 5.0)]


def test_stops_are_all_overlaps_and_responses_the_gaps_after() -> None:
    user = [AudibleSegment(0.0, 2.0), AudibleSegment(4.0, 5.0), AudibleSegment(9.0, 10.0)]
    assistant = [AudibleSegment(1.5, 4.4), AudibleSegment(6.0, 7.0)]
    assert fdb.stops(user, assistant, CONFIG) == (AudibleSegment(1.5, 2.0), AudibleSegment(4.0, 4.4))
    assert fdb.responses(user, assistant, CONFIG) == (AudibleSegment(5.0, 6.0),)


def test_a_start_answers_the_last_end_before_it() -> None:
    user = [AudibleSegment(0.0, 1.0), AudibleSegment(2.0, 3.0)]
    assert fdb.responses(user, [AudibleSegment(3.5, 5.0)], CONFIG) == (AudibleSegment(3.0, 3.5),)
    assert fdb.responses(user[1:], [AudibleSegment(3.0, 5.0)], CONFIG) == ()


def test_times_are_milliseconds() -> None:
    assert fdb.stops([AudibleSegment(0.0, 1.00049)], [AudibleSegment(0.50051, 2.0)], CONFIG) == (
        AudibleSegment(0.501, 1.0),
    )
