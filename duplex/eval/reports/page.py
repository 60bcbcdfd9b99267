"""Writes a report as a single HTML file with figures and a timeline of every dialogue; it needs no network and no
sound.

This module reads report values (`duplex.eval.reports.schema`). The most remarkable dialogues come first; a script on
the page sorts and filters them.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader, Template

from duplex.eval.measures.figures import Figure
from duplex.eval.reports.cells import Cells, cells, settings_line
from duplex.eval.reports.latencies import RESPONSE, STOP, latencies, slowest
from duplex.eval.reports.timeline import Timeline, timeline
from duplex.eval.suite import Facts

OPEN: Final = 3
"""Number of dialogues whose timelines are open initially."""

_PAGE: Final = "page.html.j2"


@dataclass(frozen=True)
class Gauge:
    """A rate between 0 and 100 %: the share, its interval, and its bars."""

    share: float
    low: float
    high: float
    bars: tuple[float, ...]


@dataclass(frozen=True)
class FigureLine:
    """A line of the table of figures."""

    cells: Cells
    gauge: Gauge | None


@dataclass(frozen=True)
class DialogueView:
    """What the page shows of a dialogue.

    Attributes:
        response, stop: the slowest ones, to sort by, or "".
        latencies: in words. lines: what was heard and said. measures: in words.
    """

    id: str
    group: str
    worst: float
    response: float | str
    stop: float | str
    latencies: str
    lines: tuple[str, ...]
    measures: tuple[tuple[str, str], ...]
    timeline: Timeline


def page(values: Facts, figures: Sequence[Figure]) -> str:
    """The HTML of a report and the figures that it was made from."""
    settings = values["settings"]
    rows = sorted(values["dialogues"], key=lambda row: (-row["worst"], row["id"]))
    return _template().render(
        suite=values["suite"],
        title=" ".join(str(part) for part in (values["suite"], settings.get("model"), settings.get("policy")) if part),
        facts=list(settings_line(settings)),
        settings=json.dumps(settings, ensure_ascii=False, indent=2),
        machine=json.dumps(values["machine"], ensure_ascii=False, indent=2),
        figures=[_line(figure) for figure in figures if not figure.detail],
        details=[_line(figure) for figure in figures if figure.detail],
        groups=sorted({row["group"] for row in rows}),
        dialogues=[_view(row) for row in rows],
        opened=OPEN,
    )


@cache
def _template() -> Template:
    loader = PackageLoader("duplex.eval.reports", "")
    return Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True).get_template(_PAGE)


def _line(figure: Figure) -> FigureLine:
    share, low, high = (figure.numbers.get(name) for name in ("share", "low", "high"))
    if share is None or low is None or high is None:
        return FigureLine(cells(figure), None)
    bars = tuple(100 * bar.limit for bar in figure.bars if bar.of == "share")
    return FigureLine(cells(figure), Gauge(100 * share, 100 * low, 100 * high, bars))


def _view(row: Facts) -> DialogueView:
    response, stop = slowest(row, RESPONSE), slowest(row, STOP)
    return DialogueView(
        id=row["id"],
        group=row["group"],
        worst=row["worst"],
        response="" if response is None else response,
        stop="" if stop is None else stop,
        latencies=", ".join(_latencies(row)),
        lines=tuple(_lines(row["trace"])),
        measures=tuple(_measures(row["measures"])),
        timeline=timeline(row),
    )


def _latencies(row: Facts) -> Iterator[str]:
    found = latencies(row)
    for kind in dict.fromkeys(one.kind for one in found):
        yield f"{kind} {' / '.join(f'{one.seconds:.2f}' for one in found if one.kind == kind)} s"


def _lines(trace: Facts) -> Iterator[str]:
    if trace["heard"]:
        yield "heard: " + " / ".join(trace["heard"])
    for answer in trace["answers"]:
        cut = f" [{answer['unheard']}]" if answer["unheard"] else ""
        yield f"said at {answer['start']:.2f} s ({answer['how']}): {answer['text']}{cut}"


def _measures(measures: Facts) -> Iterable[tuple[str, str]]:
    for name, value in measures.items():
        yield name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
