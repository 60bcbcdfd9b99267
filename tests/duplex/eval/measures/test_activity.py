"""The energy gate finds edges to the sample, however the sound is split."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.eval.evaluation import ClipConfig, GateConfig
from duplex.eval.measures.activity import AudibleSegment, Gate, segments, speech_bounds
from tests.duplex.eval.fakes import IN, LEVEL, OUT, loud

GATE = GateConfig()


def sound(*spans: tuple[float, float], seconds: float = 4.0) -> np.ndarray:
    samples = np.zeros(round(seconds * OUT), np.float32)
    for start, end in spans:
        samples[round(start * OUT) : round(end * OUT)] = LEVEL
    return samples


def test_edges_are_exact() -> None:
    assert segments(sound((0.1, 0.5), (1.0, 2.0)), GATE) == (AudibleSegment(0.1, 0.5), AudibleSegment(1.0, 2.0))


def test_gaps_up_to_the_join_belong_to_the_segment() -> None:
    one = 1 / OUT
    assert len(segments(sound((0.1, 0.5), (0.8, 1.0)), GATE)) == 1
    assert len(segments(sound((0.1, 0.5), (0.8 + one, 1.0)), GATE)) == 2


def test_sounds_that_are_too_short_are_no_speech() -> None:
    shorter = GATE.shortest_s - 1 / OUT
    assert segments(sound((1.0, 1.0 + shorter)), GATE) == ()
    assert len(segments(sound((1.0, 1.0 + GATE.shortest_s)), GATE)) == 1


def test_sound_below_the_floor_is_silence() -> None:
    floor = 10 ** (GATE.floor_db / 20)
    assert segments(sound((0.5, 1.0)) * np.float32(0.99 * floor / LEVEL), GATE) == ()
    assert len(segments(sound((0.5, 1.0)) * np.float32(1.01 * floor / LEVEL), GATE)) == 1


@given(
    st.lists(st.integers(0, 12_000), min_size=2, max_size=12),
    st.lists(st.integers(1, 9_000), min_size=1, max_size=8),
)
def test_pieces_give_the_same_runs_as_the_whole(lengths: list[int], cuts: list[int]) -> None:
    parts = [np.full(length, LEVEL * (i % 2), np.float32) for i, length in enumerate(lengths)]
    samples = np.concatenate(parts)
    whole, pieces = Gate(GATE), Gate(GATE)
    whole.add(samples)
    for piece in np.split(samples, np.cumsum(cuts)):
        pieces.add(piece)
    assert pieces.runs == whole.runs


@pytest.mark.parametrize(("start", "end", "inside"), [(1.0, 2.0, True), (2.0, 3.0, False), (0.0, 1.5, True)])
def test_overlap_is_open_at_both_ends(start: float, end: float, inside: bool) -> None:
    assert AudibleSegment(1.2, 2.0).overlaps(start, end) is inside


def test_speech_bounds_of_a_clip_leave_out_what_is_35_db_below() -> None:
    silence = np.zeros(round(0.5 * IN), np.float32)
    quiet = loud(0.5) * np.float32(10 ** (-40 / 20))
    samples = np.concatenate([silence, quiet, loud(1.0), quiet, silence])
    assert speech_bounds(samples, ClipConfig()) == (IN, 2 * IN)


def test_speech_bounds_of_silence_are_the_whole_clip() -> None:
    assert speech_bounds(np.zeros(1000, np.float32), ClipConfig()) == (0, 1000)
