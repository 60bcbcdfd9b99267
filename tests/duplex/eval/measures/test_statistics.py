"""Intervals against published numbers, scipy, and their nominal coverage of 95 in 100."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap

from configs.eval.statistics import StatisticsConfig
from duplex.eval.measures.statistics import (
    Estimator,
    Quantile,
    RatioOfSums,
    Values,
    estimate,
    interval,
    places_of,
    resample,
    wilson,
)

CONFIG = StatisticsConfig()


def values_of(numbers: np.ndarray, each: int = 1) -> Values:
    """`each` numbers of one conversation follow each other."""
    return tuple((f"d{i // each}", float(number)) for i, number in enumerate(numbers))


def bounds(values: Values, estimator: Estimator, config: StatisticsConfig = CONFIG) -> tuple[float, float]:
    found = interval(resample([estimator], places_of(values), config)[0])
    assert found is not None
    return found


def test_wilson_interval_of_a_published_example() -> None:
    low, high = wilson(148, 150)
    assert (round(low, 3), round(high, 3)) == (0.953, 0.996)


@given(n=st.integers(1, 500), share=st.floats(0, 1))
def test_the_interval_holds_the_rate_and_lies_within_0_and_1(n: int, share: float) -> None:
    hits = round(share * n)
    low, high = wilson(hits, n)
    assert 0 <= low <= hits / n + 1e-12
    assert hits / n - 1e-12 <= high <= 1


@pytest.mark.parametrize(("hits", "n"), [(0, 0), (3, 2), (-1, 4)])
def test_impossible_rates_are_refused(hits: int, n: int) -> None:
    with pytest.raises(ValueError, match="is not a rate"):
        wilson(hits, n)


def test_intervals_agree_with_scipy() -> None:
    numbers = np.random.default_rng(3).gamma(2.0, 0.3, 500)
    values, places = values_of(numbers), places_of(values_of(numbers))
    options = {"method": "percentile", "n_resamples": 20_000, "rng": 5}
    for name, estimator in (
        ("mean", RatioOfSums.mean(values, places)),
        ("median", Quantile.of(values, 0.5, places)),
    ):
        theirs = bootstrap((numbers,), getattr(np, name), **options).confidence_interval
        assert bounds(values, estimator) == pytest.approx((theirs.low, theirs.high), abs=0.01)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=30), st.floats(0, 1))
def test_a_quantile_is_numpys(numbers: list[float], share: float) -> None:
    values = values_of(np.array(numbers), each=2)
    places = places_of(values)
    assert estimate(Quantile.of(values, share, places), places) == pytest.approx(np.quantile(numbers, share), abs=1e-9)


@given(st.lists(st.integers(0, 4), min_size=3, max_size=3).filter(any))
def test_a_quantile_of_a_draw_is_that_of_the_values_drawn(counts: list[int]) -> None:
    values: Values = (("a", 3.0), ("b", -1.0), ("a", 0.5), ("c", 2.0))
    drawn = [value for who, value in values for _ in range(counts["abc".index(who)])]
    found = Quantile.of(values, 0.9, places_of(values))(np.array([counts]))
    assert found[0] == pytest.approx(np.quantile(drawn, 0.9))


def test_more_values_of_the_same_conversations_tell_no_more() -> None:
    """Values of one conversation are drawn together: saying everything four times leaves the interval as it was."""
    numbers = np.random.default_rng(0).normal(size=30)
    once, often = values_of(numbers), values_of(np.repeat(numbers, 4), each=4)
    for make in (RatioOfSums.mean, lambda values, places: Quantile.of(values, 0.5, places)):
        first, second = make(once, places_of(once)), make(often, places_of(often))
        assert bounds(once, first) == pytest.approx(bounds(often, second))
    independent = values_of(np.repeat(numbers, 4))
    narrow = np.diff(bounds(independent, RatioOfSums.mean(independent, places_of(independent))))
    assert narrow < 0.6 * np.diff(bounds(once, RatioOfSums.mean(once, places_of(once))))


def test_an_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng, config = np.random.default_rng(11), StatisticsConfig(resamples=1000)
    held = 0
    for _ in range(300):
        values = values_of(rng.normal(1.0, 2.0, 60))
        low, high = bounds(values, RatioOfSums.mean(values, places_of(values)), config)
        held += low <= 1.0 <= high
    assert 0.92 <= held / 300 <= 0.97


def test_a_draw_without_values_does_not_count() -> None:
    places = {"a": 0, "b": 1}
    estimator = RatioOfSums.mean((("a", 2.0),), places)
    (found,) = resample([estimator], places, CONFIG)
    assert np.isnan(found).mean() == pytest.approx(0.25, abs=0.02)
    assert interval(found) == (2.0, 2.0)
    assert interval(np.full(3, np.nan)) is None


def test_draws_depend_on_the_seed_alone() -> None:
    values = values_of(np.arange(20.0))
    estimator, places = RatioOfSums.mean(values, places_of(values)), places_of(values)
    first, again, other = (
        resample([estimator], places, StatisticsConfig(seed=seed, resamples=700))[0] for seed in (0, 0, 1)
    )
    assert len(first) == 700
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
