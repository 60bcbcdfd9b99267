"""Samples: 16 bits and back, levels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.pcm import FULL_SCALE, SILENCE_DB, level_db, to_float, to_int16


@settings(deadline=None, derandomize=True)
@given(st.lists(st.integers(-32768, 32767), max_size=50))
def test_16_bit_samples_survive_the_way_through_floats(values: list[int]) -> None:
    pcm = np.array(values, dtype=np.int16)
    np.testing.assert_array_equal(to_int16(to_float(pcm)), pcm)


def test_what_is_too_loud_is_clipped_and_what_is_no_number_is_silent() -> None:
    samples = np.array([2.0, -2.0, np.nan, 0.5], dtype=np.float32)
    assert to_int16(samples).tolist() == [32767, -32768, 0, 16384]


def test_levels_are_relative_to_full_scale() -> None:
    assert level_db(np.full(10, 16384, dtype=np.int16), FULL_SCALE) == pytest.approx(-6.02, abs=0.01)
    assert level_db(np.zeros(10)) == SILENCE_DB
    assert level_db(np.zeros(0)) == SILENCE_DB
