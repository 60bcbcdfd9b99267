"""Differences of two runs: known ones are found, chance ones are not, and undecidable ones are reported as such."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from configs.eval.statistics import ComparisonConfig, StatisticsConfig
from duplex.eval.errors import EvaluationError
from duplex.eval.measures.figures import Figure, rate, sum_up
from duplex.eval.reports.compare import Comparison, Difference, compare
from duplex.eval.reports.report import report, write_json
from duplex.eval.reports.schema import Report, read_report
from duplex.eval.suite import DialogueRow, Facts
from tests.duplex.eval.reports.made import MACHINE, SETTINGS, figures, row

CONFIG = ComparisonConfig()
Make = Callable[..., Report]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """`make(rows, hits=..., settings=..., suite=..., figures=...)`: a report that was written and read."""

    def make_report(
        found: list[DialogueRow],
        hits: list[bool] | None = None,
        settings: Facts = SETTINGS,
        suite: str = "made",
        change: Callable[[list[Figure]], list[Figure]] = list,
    ) -> Report:
        write_json(report(suite, settings, MACHINE, change(figures(found, hits)), found), tmp_path / "report.json")
        return read_report(tmp_path)

    return make_report


def slow(count: int, seed: int, shift: float = 0.0) -> list[DialogueRow]:
    """Dialogues that differ much from each other, and by `shift` from another run."""
    hard, own = np.random.default_rng(7), np.random.default_rng(seed)
    return [
        row(f"d{i}", response=float(h + o + shift))
        for i, (h, o) in enumerate(zip(hard.gamma(2.0, 0.5, count), own.normal(0.0, 0.05, count), strict=True))
    ]


def of(found: Comparison, name: str, number: str) -> Difference:
    return next(one for one in found.differences if (one.name, one.number) == (name, number))


def test_a_run_does_not_differ_from_itself(make: Make) -> None:
    found = compare(make(slow(20, 1)), make(slow(20, 1)), CONFIG)
    tested = [one for one in found.differences if one.verdict != "not tested"]
    assert [one.number for one in tested] == ["share", "mean", "p50", "value"]
    for one in tested:
        assert (one.difference, one.low, one.high, one.p) == (0, 0, 0, 1)
        assert one.verdict == "no difference shown"
    assert not found.worse


def test_pairs_show_what_two_crowds_would_not(make: Make) -> None:
    """A shift of 0.1 s among dialogues that vary by 0.7 s: seen in pairs, and far within the unpaired intervals."""
    first, second = make(slow(60, 1)), make(slow(60, 2, shift=0.1))
    found = of(compare(first, second, CONFIG), "response", "mean")
    assert found.difference == pytest.approx(0.1, abs=0.03)
    assert 0 < found.low < found.difference < found.high < 0.15
    assert found.p < 0.01
    assert found.verdict == "worse"
    one, other = (made.figures[1].figure(made.statistics).numbers for made in (first, second))
    assert one["mean_high"] > other["mean_low"]


def test_the_other_way_round_it_is_better(make: Make) -> None:
    found = compare(make(slow(60, 2, shift=0.1)), make(slow(60, 1)), CONFIG)
    assert of(found, "response", "mean").verdict == "better"
    assert of(found, "response", "p50").verdict == "better"
    assert not found.worse


def test_bars_say_which_way_is_better(make: Make) -> None:
    rows = slow(40, 1)
    none, all_ = make(rows, hits=[False] * 40), make(rows, hits=[True] * 40)
    assert of(compare(none, all_, CONFIG), "success", "share").verdict == "better"
    assert compare(all_, none, CONFIG).worse

    def barless(found: list[Figure]) -> list[Figure]:
        return [replace(figure, bars=()) for figure in found]

    plain = make(rows, hits=[False] * 40, change=barless), make(rows, hits=[True] * 40, change=barless)
    found = of(compare(*plain, CONFIG), "success", "share")
    assert (found.verdict, found.barred) == ("higher", False)
    assert not compare(plain[1], plain[0], CONFIG).worse


def test_chance_is_called_a_difference_one_time_in_twenty(make: Make) -> None:
    rng, called = np.random.default_rng(5), 0
    quick = StatisticsConfig(resamples=400)
    for _ in range(100):
        runs = [[row(f"d{i}", response=float(value)) for i, value in enumerate(rng.normal(1, 0.3, 30))] for _ in "ab"]
        first, second = (make(one, change=lambda all_: sum_up(all_[1:2], quick)) for one in runs)
        found = compare(first, second, ComparisonConfig(statistics=quick))
        called += of(found, "response", "mean").verdict != "no difference shown"
    assert 1 <= called <= 12


def test_only_dialogues_of_both_count(make: Make) -> None:
    first, second = slow(30, 1), slow(30, 1)
    outlier = replace(row("only", response=100.0))
    found = compare(make([*first, outlier]), make([row("other"), *second[5:]]), CONFIG)
    assert (found.pairs, found.only_second) == (25, ("other",))
    assert found.only_first == ("d0", "d1", "d2", "d3", "d4", "only")
    response = of(found, "response", "mean")
    assert response.n == (25, 25)
    assert (response.difference, response.verdict) == (0, "no difference shown")


def test_rates_of_few_pairs_are_not_compared(make: Make) -> None:
    few = make(slow(9, 1), hits=[True] * 9), make(slow(9, 2), hits=[False] * 9)
    found = of(compare(*few, CONFIG), "success", "share")
    assert (found.verdict, found.first, found.low, found.n) == ("too few", None, None, (9, 9))


def test_it_takes_enough_trials_in_both(make: Make) -> None:
    def few(found: list[Figure]) -> list[Figure]:
        return [rate("success", "pairs", ((who, bool(value)) for who, value in found[0].values[:9]))]

    found = of(compare(make(slow(12, 1)), make(slow(12, 2), change=few), CONFIG), "success", "share")
    assert (found.verdict, found.n) == ("too few", (12, 9))


def test_totals_and_single_pairs_are_not_tested(make: Make) -> None:
    found = compare(make([row("a", response=0.5)]), make([row("a", response=0.9)]), CONFIG)
    assert (of(found, "clicks", "value").difference, of(found, "clicks", "value").verdict) == (0, "not tested")
    response = of(found, "response", "mean")
    assert (response.difference, response.low, response.verdict) == (0.4, None, "not tested")


def test_a_latency_that_one_run_has_seldom_is_compared_all_the_same(make: Make) -> None:
    second = slow(20, 2, shift=1.0)
    for one in second[3:]:
        one.measures["response_s"][0] = None
    found = of(compare(make(slow(20, 1)), make(second), CONFIG), "response", "mean")
    assert found.n == (20, 3)
    assert found.low < found.difference < found.high


def test_figures_and_settings_of_one_report_only_are_named(make: Make) -> None:
    rows = slow(10, 1)
    other = {**SETTINGS, "policy": "patient", "definitions": {"limits": [2.0], "click": 0.00002}}
    found = compare(make(rows), make(rows, settings=other, change=lambda all_: all_[1:]), CONFIG)
    assert found.missing == ("success",)
    assert found.unlike == ("definitions.limits",)
    assert found.settings == ("policy",)


def test_reports_that_cannot_be_compared_are_one_line(make: Make) -> None:
    with pytest.raises(EvaluationError, match="reports of 'made' and 'other' cannot be compared"):
        compare(make(slow(3, 1)), make(slow(3, 1), suite="other"), CONFIG)
    with pytest.raises(EvaluationError, match="no dialogue in common"):
        compare(make([row("a")]), make([row("b")]), CONFIG)
