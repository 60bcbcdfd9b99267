"""Rates, latencies and ratios of hand-made numbers; figures of too few trials are hidden and meet no bar."""

import math

import pytest

from configs.eval.evaluation import Bar
from configs.eval.statistics import StatisticsConfig
from duplex.eval.measures.figures import meets_all_bars, number, rate, ratio, spread, sum_up

LEAST = StatisticsConfig().least_n


def flags(hits: int, n: int) -> list[tuple[str, bool]]:
    return [(f"d{i}", i < hits) for i in range(n)]


def test_a_rate_has_its_interval() -> None:
    figure = rate("success", "pairs", flags(148, 150))
    assert figure.numbers == {"n": 150, "hits": 148, "share": 0.9867, "low": 0.9527, "high": 0.9963}
    assert figure.values[0] == ("d0", 1.0)
    assert figure.values[-1] == ("d149", 0.0)
    assert not figure.hidden


@pytest.mark.parametrize("n", [0, 1, LEAST - 1])
def test_a_rate_of_few_trials_is_hidden(n: int) -> None:
    bar = Bar(of="share", sense=">=", limit=0.0)
    figure = rate("few", "trials", flags(n, n), (bar,))
    assert figure.hidden
    assert figure.numbers == {"n": n, "hits": n, "share": None, "low": None, "high": None}
    assert not figure.meets(bar)


def test_a_rate_of_just_enough_trials_is_shown() -> None:
    assert rate("enough", "trials", flags(LEAST, LEAST)).numbers["share"] == 1.0


def test_what_is_too_little_is_configured() -> None:
    few = [rate("few", "trials", flags(1, 2))]
    (shown,) = sum_up(few, StatisticsConfig(least_n=2))
    assert few[0].numbers["share"] is None
    assert shown.numbers["share"] == 0.5


def test_latencies_keep_their_sign_and_leave_out_what_is_missing() -> None:
    figure = spread("response", "turns", [("a", -0.5), ("b", 0.5), ("b", None), ("c", 1.5)])
    numbers = {key: figure.numbers[key] for key in ("n", "mean", "p50", "p90", "p95")}
    assert numbers == {"n": 3, "mean": 0.5, "p50": 0.5, "p90": 1.3, "p95": 1.4}
    assert figure.values == (("a", -0.5), ("b", 0.5), ("c", 1.5))
    assert (figure.numbers["p50_low"], figure.numbers["p50_high"]) == (-0.5, 1.5)


def test_latencies_of_nobody_have_no_numbers() -> None:
    numbers = spread("response", "turns", [("a", None)]).numbers
    assert numbers.pop("n") == 0
    assert set(numbers.values()) == {None}
    assert len(numbers) == 8


def test_one_conversation_has_no_bootstrap_interval() -> None:
    numbers = spread("response", "turns", [("a", 0.4), ("a", 0.6)]).numbers
    assert (numbers["mean"], numbers["mean_low"], numbers["mean_high"]) == (0.5, None, None)


def test_equal_latencies_have_an_interval_of_no_width() -> None:
    numbers = spread("response", "turns", [(f"d{i}", 0.25) for i in range(12)]).numbers
    assert {numbers[key] for key in numbers if key != "n"} == {0.25}


def test_a_ratio_is_of_sums() -> None:
    figure = ratio("wer", "words", [("a", 1, 2), ("b", 0, 6), ("b", 2, 0)])
    assert figure.numbers == {"n": 8, "value": 0.375, "low": 0.3333, "high": 0.5}
    assert figure.values == (("a", 1), ("b", 0), ("b", 2))
    assert figure.summary.over == (2, 6, 0)
    assert ratio("wer", "words", []).numbers == {"n": 0, "value": None, "low": None, "high": None}


def test_a_ratio_to_nothing_has_no_value() -> None:
    assert ratio("wer", "words", [("a", 2, 0), ("b", 1, 0)]).numbers["value"] is None


@pytest.mark.parametrize(
    ("limit", "sense", "met"), [(0.5, ">=", True), (0.6, ">=", False), (0.5, "<=", True), (0.4, "<=", False)]
)
def test_bars(limit: float, sense: str, met: bool) -> None:
    bar = Bar.model_validate({"of": "share", "sense": sense, "limit": limit})
    figure = rate("half", "trials", flags(LEAST, 2 * LEAST), (bar,))
    assert figure.meets(bar) is met
    assert meets_all_bars([figure]) is met


def test_a_missing_number_meets_no_bar() -> None:
    bar = Bar(of="value", sense="<=", limit=1.0)
    assert not number("wer", "words", 0, 0.0, (bar,)).meets(bar)
    assert number("wer", "words", 1, 0.0, (bar,)).meets(bar)


def test_equal_values_give_equal_numbers() -> None:
    values = [(f"d{i % 7}", math.sin(i)) for i in range(40)]
    assert spread("x", "y", values).numbers == spread("x", "y", values).numbers
