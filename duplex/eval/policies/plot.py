"""Plots the points of a policy search as a self-contained SVG file, readable on light and dark pages.

This module handles points and axes; it does not depend on how the points were made.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from math import floor, inf, isfinite, log10
from typing import Final

from jinja2 import Environment

from configs.policy import PolicyConfig
from duplex.eval.policies.search import Point, Search

WIDTH: Final = 720
HEIGHT: Final = 460
LEFT, RIGHT, TOP, BOTTOM = 64, 200, 40, 48
TICKS: Final = 5
MARGIN: Final = 0.06
_TEMPLATE: Final = "plot.svg.j2"


@dataclass(frozen=True)
class Axis:
    """Maps values `low` .. `high` to pixels `start` .. `end`."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Pixel of a value."""
        return round(self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start), 1)

    def ticks(self) -> list[tuple[float, str]]:
        """(pixel, label) of round values."""
        step = _round_step((self.high - self.low) / TICKS)
        first = floor(self.low / step) + 1
        values = [number * step for number in range(first, floor(self.high / step) + 1)]
        return [(self.at(value), f"{value:.10g}") for value in values]


def plot(search: Search, points: Sequence[Point], title: str) -> str:
    """The SVG of a search: a dot for every policy, a line for the front, the best policy named."""
    shown = [point for point in points if isfinite(point.x) and isfinite(point.y)]
    x = _axis([point.x for point in shown], LEFT, WIDTH - RIGHT)
    y = _axis([point.y for point in shown], HEIGHT - BOTTOM, TOP)
    front = sorted({(x.at(point.x), y.at(point.y)) for point in shown if point.front})
    source = files("duplex.eval.policies").joinpath(_TEMPLATE).read_text(encoding="utf-8")
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(source)
    return template.render(
        width=WIDTH, height=HEIGHT, left=LEFT, right=WIDTH - RIGHT, top=TOP, bottom=HEIGHT - BOTTOM, title=title,
        x_name=_with_arrow(search.x, search.more_x), y_name=_with_arrow(search.y, search.more_y),
        x_ticks=x.ticks(), y_ticks=y.ticks(), front=" ".join(f"{a},{b}" for a, b in front),
        dots=[
            {"x": x.at(point.x), "y": y.at(point.y), "css": _css(point), "title": _describe(point, search)}
            for point in sorted(shown, key=lambda point: (point.best, point.front))
        ],
        best=[line for point in shown if point.best for line in lines_of(point.policy)],
    )  # fmt: skip


def lines_of(policy: PolicyConfig) -> list[str]:
    """A policy in words, with a line for each way to start or stop."""
    start, late, stop = policy.start, policy.start_late, policy.stop
    return [
        f"start: {start.slots} × above {start.probability:g}",
        f"late start: {late.slots} × above {late.probability:g}",
        f"stop: {stop.slots} × below {stop.probability:g}",
        f"stop at once: below {policy.stop_at_once:g}",
    ]


def _describe(point: Point, search: Search) -> str:
    where = f"{search.x} {point.x:.3g}, {search.y} {point.y:.3g}"
    return "\n".join([where, *lines_of(point.policy)])


def _css(point: Point) -> str:
    return "best" if point.best else "front" if point.front else "dot"


def _with_arrow(name: str, more: bool) -> str:
    return f"{name} ({'more' if more else 'less'} is better)"


def _axis(values: Sequence[float], start: float, end: float) -> Axis:
    low, high = min(values, default=inf), max(values, default=-inf)
    if high - low <= 0 or not isfinite(high - low):
        low, high = (low - 1, high + 1) if isfinite(low) else (0.0, 1.0)
    room = (high - low) * MARGIN
    return Axis(low - room, high + room, start, end)


def _round_step(rough: float) -> float:
    """1, 2 or 5 times a power of ten, at least `rough`."""
    power = 10.0 ** floor(log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
