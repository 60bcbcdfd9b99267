"""Slopes and growth on series whose truth is known: a leak, a step, a peak, noise, holes."""

import numpy as np
import pytest

from runtime.cli.bench.soak.trend import MOST_POINTS, growth, theil_sen

MINUTES = np.linspace(0.0, 60.0, 721)
NOISE = np.random.default_rng(7).normal(0.0, 2.0, len(MINUTES))


def test_the_slope_of_a_line_is_exact() -> None:
    assert theil_sen(MINUTES, 300 + 0.5 * MINUTES) == pytest.approx(0.5)


def test_a_leak_is_found_under_noise() -> None:
    assert theil_sen(MINUTES, 300 + 1.2 * MINUTES + NOISE) == pytest.approx(1.2, abs=0.02)


def test_noise_alone_has_no_slope() -> None:
    assert theil_sen(MINUTES, 300 + NOISE) == pytest.approx(0.0, abs=0.02)


def test_peaks_do_not_move_the_slope() -> None:
    peaks = np.where(np.arange(len(MINUTES)) % 20 == 19, 500.0, 0.0)
    assert theil_sen(MINUTES, 300 + NOISE + peaks) == pytest.approx(0.0, abs=0.05)


def test_one_step_is_no_leak() -> None:
    assert abs(theil_sen(MINUTES, 300 + np.where(MINUTES > 45, 40.0, 0.0) + NOISE) or 0.0) < 40 / 60


def test_a_step_every_five_minutes_is_a_leak() -> None:
    assert theil_sen(MINUTES, 300 + 10 * np.floor(MINUTES / 5)) == pytest.approx(2.0, abs=0.1)


def test_what_was_not_measured_is_left_out() -> None:
    values = np.where(np.arange(len(MINUTES)) % 3 == 0, np.nan, 300 + 0.5 * MINUTES)
    assert theil_sen(MINUTES, values) == pytest.approx(0.5)
    assert theil_sen(MINUTES[:4], np.array([1.0, np.nan, np.nan, 2.0])) is None
    assert theil_sen(np.zeros(0), np.zeros(0)) is None


def test_a_long_series_is_thinned() -> None:
    times = np.arange(5.0 * MOST_POINTS + 3)
    assert theil_sen(times, 0.25 * times) == pytest.approx(0.25)


def test_growth_is_the_largest_rise() -> None:
    assert growth(MINUTES, 40 + 2 * MINUTES) == pytest.approx(2 * 54, abs=0.5)
    assert growth(MINUTES, np.full(len(MINUTES), 40.0)) == 0.0
    assert growth(MINUTES, 40 - 2 * MINUTES) == 0.0


def test_a_rise_that_is_taken_back_counts_and_a_short_peak_does_not() -> None:
    step = np.where((MINUTES > 20) & (MINUTES < 40), 150.0, 0.0)
    peak = np.where((MINUTES > 20) & (MINUTES < 22), 150.0, 0.0)
    assert growth(MINUTES, 40 + step) == pytest.approx(150.0)
    assert growth(MINUTES, 40 + peak) == 0.0


def test_growth_needs_two_windows() -> None:
    assert growth(np.zeros(0), np.zeros(0)) is None
    assert growth(np.array([1.0]), np.array([5.0])) is None
    assert growth(np.array([1.0, 2.0, 3.0]), np.array([5.0, np.nan, 9.0])) == 4.0
