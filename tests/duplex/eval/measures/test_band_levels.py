"""Powers by band, and the small tools on frames."""

import numpy as np
import pytest
from scipy.stats import chi2, norm

from configs.eval.scoring import BandsConfig
from duplex.eval.measures.band_levels import band_powers, chi_square, decibels, join, runs, smooth

CONFIG = BandsConfig()
RATE = 16_000


def test_a_tone_has_its_power_in_its_band() -> None:
    tone = 0.5 * np.sin(2 * np.pi * 1500 * np.arange(RATE) / RATE)
    bands = band_powers(tone, RATE, CONFIG)
    assert bands.powers.shape == (500, 6)
    middle = bands.powers[250]
    assert int(np.argmax(middle)) == 3
    assert middle[3] == pytest.approx(0.125, rel=0.02)
    assert bands.total[250] == pytest.approx(0.125, rel=0.02)


def test_a_frame_is_centred_at_its_time() -> None:
    click = np.zeros(RATE)
    click[RATE // 2] = 1.0
    loud = np.flatnonzero(band_powers(click, RATE, CONFIG).total > 1e-6)
    assert (loud[0] + loud[-1]) / 2 == pytest.approx(250, abs=0.5)


def test_bands_end_at_half_the_rate() -> None:
    assert band_powers(np.zeros(8000), 8000, CONFIG).powers.shape[1] == 5
    assert band_powers(np.zeros(48_000), 48_000, CONFIG).powers.shape[1] == 7


def test_noise_in_a_band_varies_as_its_freedom_says() -> None:
    bands = band_powers(np.random.default_rng(0).standard_normal(20 * RATE), RATE, CONFIG)
    powers = bands.powers[5:-5:5]
    varies = 2 * powers.mean(axis=0) ** 2 / powers.var(axis=0)
    np.testing.assert_allclose(bands.freedom[2:], varies[2:], rtol=0.15)


@pytest.mark.parametrize(("freedom", "z"), [(5.0, 3.7), (20.0, 3.7), (80.0, -1.7)])
def test_chi_square_is_that_of_the_tables(freedom: float, z: float) -> None:
    expected = chi2.ppf(norm.cdf(z), freedom) / freedom
    assert float(chi_square(np.array([freedom]), z)[0]) == pytest.approx(expected, rel=0.03)


def test_smoothing_keeps_place_and_mean() -> None:
    steps = np.array([[0.0], [0.0], [3.0], [0.0], [0.0]])
    assert smooth(steps, 3).ravel().tolist() == [0.0, 1.0, 1.0, 1.0, 0.0]
    assert smooth(np.ones((4, 2)), 10).tolist() == np.ones((4, 2)).tolist()


def test_runs_and_joined_runs() -> None:
    found = runs(np.array([True, True, False, True, False, False, True]))
    assert found == [(0, 2), (3, 4), (6, 7)]
    assert join(found, 1) == [(0, 4), (6, 7)]
    assert join([], 1) == []


def test_levels() -> None:
    assert decibels(np.array([1.0, 0.01, 0.0])).tolist() == [0.0, -20.0, -140.0]
