"""Intervals and percentiles against published and hand-made numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.evaluation import Bar
from duplex.eval.measures.figures import all_met, number, rate, ratio, spread, wilson


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
    with pytest.raises(ValueError, match="is no rate"):
        wilson(hits, n)


def test_a_rate_without_trials_has_no_share() -> None:
    figure = rate("none", "trials", [])
    assert figure.numbers == {"n": 0, "hits": 0, "share": None, "low": None, "high": None}


def test_latencies_keep_their_sign_and_leave_out_what_is_missing() -> None:
    numbers = spread("response", "turns", [("a", -0.5), ("b", 0.5), ("b", None), ("c", 1.5)]).numbers
    assert numbers == {"n": 3, "mean": 0.5, "p50": 0.5, "p90": 1.3, "p95": 1.4}


@pytest.mark.parametrize(
    ("limit", "sense", "met"), [(0.5, ">=", True), (0.6, ">=", False), (0.5, "<=", True), (0.4, "<=", False)]
)
def test_bars(limit: float, sense: str, met: bool) -> None:
    bar = Bar.model_validate({"of": "share", "sense": sense, "limit": limit})
    figure = rate("half", "trials", [("a", True), ("b", False)], (bar,))
    assert figure.met(bar) is met
    assert all_met([figure]) is met


def test_a_missing_number_meets_no_bar() -> None:
    bar = Bar(of="value", sense="<=", limit=1.0)
    assert not number("wer", "words", 0, 0.0, (bar,)).met(bar)
    assert number("wer", "words", 1, 0.0, (bar,)).met(bar)


def test_a_ratio_is_of_sums() -> None:
    figure = ratio("wer", "words", [("a", 1, 2), ("b", 0, 6), ("b", 2, 0)])
    assert figure.numbers == {"n": 8, "value": 0.375}
    assert figure.values == (("a", 1), ("b", 0), ("b", 2))
    assert ratio("wer", "words", []).numbers == {"n": 0, "value": None}
