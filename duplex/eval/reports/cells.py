"""Formats the numbers of a figure for people, in the same way for terminal, Markdown and HTML."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from configs.eval.evaluation import Bar
from duplex.eval.measures.figures import Figure
from duplex.eval.suite import Facts

Mark = Literal["met", "missed", "no data"]

_SHARES: Final = ("share", "low", "high")
_SENSES: Final = {"<=": "≤", ">=": "≥"}
_HASH: Final = 64
_SHORT_HASH: Final = 12


@dataclass(frozen=True)
class BarCell:
    """A bar in words, and whether it is met."""

    text: str
    mark: Mark


@dataclass(frozen=True)
class Cells:
    """One figure in words.

    Attributes:
        name: what was measured. n: how many of what, for a rate with its hits.
        result: the share, the median or the number. interval: its 95 % interval.
        spread: mean, p90 and p95 of a latency.
        bars: requirements on it.
    """

    name: str
    n: str
    result: str
    interval: str
    spread: str
    bars: tuple[BarCell, ...]


def cells(figure: Figure) -> Cells:
    """The words for a figure."""
    return Cells(figure.name, _n(figure), _result(figure), _interval(figure), _spread(figure), tuple(_bars(figure)))


def settings_line(settings: Facts) -> Iterator[tuple[str, str]]:
    """(key, value) of all settings that are a single value, and the language model; hashes are shortened."""
    for key, value in settings.items():
        if key == "llm":
            yield "language model", describe_language_model(value)
        elif isinstance(value, str | int | float) and value != "":
            text = str(value)
            yield key.replace("_", " "), text[:_SHORT_HASH] if len(text) == _HASH else text


def describe_language_model(llm: Facts) -> str:
    """A language model in words: what answers, which questions, and the settings that are not the default ones."""
    where = f"{llm['model']} at {llm['source']}" if "model" in llm else llm["source"]
    prompt = {} if llm["system_prompt"] == "default" else {"system_prompt": llm["system_prompt"]}
    changed = (f"{key.replace('_', ' ')} {value}" for key, value in {**prompt, **llm["settings"]}.items())
    return ", ".join([f"{where} ({llm['fingerprint']})", f"answers {llm['answers']}", *changed])


def show(value: float | None, percent: bool = False) -> str:
    """A number with three digits, or as a percentage with one decimal; "-" for None."""
    if value is None:
        return "-"
    return f"{100 * value:.1f} %" if percent else f"{value:.3g}"


def _n(figure: Figure) -> str:
    hits = f"{figure.numbers['hits']:g} of " if figure.kind == "rate" else ""
    return f"{hits}{figure.numbers['n']:g} {figure.of}"


def _result(figure: Figure) -> str:
    numbers = figure.numbers
    if figure.hidden:
        return f"n < {figure.statistics.least_n}"
    if figure.kind == "rate":
        return show(numbers["share"], percent=True)
    return f"p50 {show(numbers['p50'])}" if figure.kind == "spread" else show(numbers["value"])


def _interval(figure: Figure) -> str:
    names = ("p50_low", "p50_high") if figure.kind == "spread" else ("low", "high")
    low, high = (figure.numbers.get(name) for name in names)
    return bounds(low, high, figure.kind == "rate")


def bounds(low: float | None, high: float | None, percent: bool = False) -> str:
    """An interval; "" without one."""
    if low is None or high is None:
        return ""
    return f"[{100 * low:.1f}, {100 * high:.1f}] %" if percent else f"[{show(low)}, {show(high)}]"


def _spread(figure: Figure) -> str:
    numbers = figure.numbers
    if figure.kind != "spread" or numbers["mean"] is None:
        return ""
    mean = f"mean {show(numbers['mean'])} {bounds(numbers['mean_low'], numbers['mean_high'])}".rstrip()
    return f"{mean}, p90 {show(numbers['p90'])}, p95 {show(numbers['p95'])}"


def _bars(figure: Figure) -> Iterator[BarCell]:
    for bar in figure.bars:
        mark: Mark = "met" if figure.meets(bar) else "missed"
        yield BarCell(_bar(bar), "no data" if figure.numbers.get(bar.of) is None else mark)


def _bar(bar: Bar) -> str:
    name = "" if bar.of in ("share", "value") else f"{bar.of} "
    return f"{name}{_SENSES[bar.sense]} {show(bar.limit, percent=bar.of in _SHARES)}"
