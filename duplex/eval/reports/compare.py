"""Compares two reports of one suite: how much every figure differs, and whether that is more than chance.

Dialogues are paired by id and drawn in pairs (paired bootstrap; Efron and Tibshirani, An Introduction to the Bootstrap,
1993, chapter 8), so that the difficulty of a dialogue, which both runs share, does not count as a difference. Nothing
here depends on files.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np

from configs.eval.statistics import ComparisonConfig
from duplex.eval.errors import EvaluationError
from duplex.eval.measures.figures import DIGITS, Figure, Rate
from duplex.eval.measures.statistics import Estimator, Floats, Places, estimate, interval, resample
from duplex.eval.reports.schema import Report

Verdict = Literal["better", "worse", "higher", "lower", "no difference shown", "too few", "not tested"]
"""Verdict on the second report. "higher", "lower": no bar says which is better. "too few": a rate with too few trials.

"not tested": nothing is known of single dialogues, a number is missing, or there are fewer than two pairs.
"""

_MAIN: Final = {"rate": ("share",), "spread": ("mean", "p50"), "ratio": ("value",), "number": ("value",)}
_LEAST_PAIRS: Final = 2


@dataclass(frozen=True)
class Difference:
    """One number of one figure in both reports, over the dialogues that both have.

    Attributes:
        name, of: as in the figure. number: which of its numbers.
        n: how many values it has in the first and in the second report.
        first, second: the number. difference: second - first. low, high: its 95 % interval. p: two-sided p-value.
        barred: whether a bar says which is better. detail: as in the figure.
    """

    name: str
    of: str
    number: str
    n: tuple[float, float]
    first: float | None
    second: float | None
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    verdict: Verdict
    barred: bool
    detail: bool


@dataclass(frozen=True)
class Comparison:
    """The comparison of two reports.

    Attributes:
        pairs: number of dialogues that both have. only_first, only_second: ids of the others.
        differences: by figure, in the order of the first report.
        missing: names of figures that only one of them has.
        unlike: settings that must be equal but differ. settings: other settings that differ.
    """

    suite: str
    pairs: int
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    differences: tuple[Difference, ...]
    missing: tuple[str, ...]
    unlike: tuple[str, ...]
    settings: tuple[str, ...]

    @property
    def worse(self) -> bool:
        """Whether a figure with a bar got worse."""
        return any(difference.verdict == "worse" for difference in self.differences)


def compare(first: Report, second: Report, config: ComparisonConfig) -> Comparison:
    """Compare the second report with the first (paired bootstrap, Efron and Tibshirani 1993, chapter 8).

    Raises:
        EvaluationError: the reports are of different suites, or have no dialogue in common.
    """
    if first.suite != second.suite:
        raise EvaluationError(
            f"reports of '{first.suite}' and '{second.suite}' cannot be compared; give two reports of one suite"
        )
    ids, others = ([dialogue.id for dialogue in report.dialogues] for report in (first, second))
    places = {who: column for column, who in enumerate(sorted(set(ids) & set(others)))}
    if not places:
        raise EvaluationError("the two reports have no dialogue in common; make both from the same data")
    figures, also = _figures(first), _figures(second)
    different = sorted(_different(first.settings, second.settings))
    unlike = tuple(key for key in different if _within(key, config.alike))
    return Comparison(
        suite=first.suite,
        pairs=len(places),
        only_first=tuple(who for who in ids if who not in places),
        only_second=tuple(who for who in others if who not in places),
        differences=tuple(
            difference
            for name, figure in figures.items()
            if name in also and also[name].kind == figure.kind
            for difference in _differences(figure, also[name], places, config)
        ),
        missing=tuple(name for name in {**figures, **also} if not (name in figures and name in also)),
        unlike=unlike,
        settings=tuple(key for key in different if key not in unlike),
    )


def _figures(report: Report) -> dict[str, Figure]:
    return {part.name: part.figure(report.statistics) for part in report.figures}


def _differences(first: Figure, second: Figure, places: Places, config: ComparisonConfig) -> Iterator[Difference]:
    """The main numbers of a figure, and those to which a bar applies."""
    asked = [bar.of for bar in first.bars if bar.of in first.summary.estimators(places)]
    for number in dict.fromkeys((*_MAIN[first.kind], *asked)):
        yield _difference(first, second, number, places, config)


def _difference(first: Figure, second: Figure, number: str, places: Places, config: ComparisonConfig) -> Difference:
    n = _n(first, places), _n(second, places)
    if first.kind == Rate.kind and min(n) < config.statistics.least_n:
        return _skip_test(first, number, n, (None, None), "too few")
    pair = [figure.summary.estimators(places).get(number) for figure in (first, second)]
    estimators = [one for one in pair if one is not None]
    if len(estimators) < len(pair):
        return _skip_test(first, number, n, (first.numbers.get(number), second.numbers.get(number)), "not tested")
    values = estimate(estimators[0], places), estimate(estimators[1], places)
    if None in values or len(places) < _LEAST_PAIRS:
        return _skip_test(first, number, n, values, "not tested")
    return _test(first, number, n, values, _resample_difference(estimators, places, config))


def _resample_difference(pair: list[Estimator], places: Places, config: ComparisonConfig) -> Floats:
    """Second minus first, for every draw in which both have values."""
    first, second = resample(pair, places, config.statistics)
    difference = second - first
    return difference[~np.isnan(difference)]


def _test(
    figure: Figure, number: str, n: tuple[float, float], values: tuple[float | None, float | None], draws: Floats
) -> Difference:
    low, high = (round(bound, DIGITS) for bound in interval(draws) or (0.0, 0.0))
    plain = _skip_test(figure, number, n, values, _verdict(low, high, _sense(figure, number)))
    return replace(plain, low=low, high=high, p=round(_p(draws), DIGITS))


def _skip_test(
    figure: Figure, number: str, n: tuple[float, float], values: tuple[float | None, float | None], verdict: Verdict
) -> Difference:
    first, second = values
    return Difference(
        name=figure.name,
        of=figure.of,
        number=number,
        n=n,
        first=None if first is None else round(first, DIGITS),
        second=None if second is None else round(second, DIGITS),
        difference=None if first is None or second is None else round(second - first, DIGITS),
        low=None,
        high=None,
        p=None,
        verdict=verdict,
        barred=bool(_sense(figure, number)),
        detail=figure.detail,
    )


def _n(figure: Figure, places: Places) -> float:
    """`n` of the figure in the dialogues of `places`."""
    if not figure.summary.estimators(places):
        return figure.numbers["n"] or 0
    weights = figure.summary.over or [1] * len(figure.values)
    return sum(weight for (who, _), weight in zip(figure.values, weights, strict=True) if who in places)


def _sense(figure: Figure, number: str) -> str:
    """The sense of the bars of this number, or else of the figure; "" if none says which is better."""
    senses = {bar.sense for bar in figure.bars if bar.of == number} or {bar.sense for bar in figure.bars}
    return senses.pop() if len(senses) == 1 else ""


def _verdict(low: float, high: float, sense: str) -> Verdict:
    if low <= 0 <= high:
        return "no difference shown"
    if not sense:
        return "higher" if low > 0 else "lower"
    return "better" if (low > 0) == (sense == ">=") else "worse"


def _p(draws: Floats) -> float:
    """Two-sided p-value: how often a draw lies on the other side of 0; never 0 (Davison and Hinkley 1997, section
    4.2.3)."""
    beyond = min(np.sum(draws <= 0), np.sum(draws >= 0))
    return min(1.0, 2 * float(beyond + 1) / (len(draws) + 1))


def _different(first: Mapping[str, Any], second: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """Keys, joined by dots, of values that differ."""
    for key in {**first, **second}:
        one, other = first.get(key), second.get(key)
        if isinstance(one, dict) and isinstance(other, dict):
            yield from _different(one, other, f"{above}{key}.")
        elif one != other:
            yield f"{above}{key}"


def _within(key: str, names: tuple[str, ...]) -> bool:
    return any(key == name or key.startswith(f"{name}.") for name in names)
