"""Locates the latencies of a dialogue, so that a timeline can mark them and a page can sort by them.

This module reads report values (`duplex.eval.reports.schema`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from duplex.eval.suite import Facts

RESPONSE, STOP = "response", "stop"
_MEASURES: Final = {RESPONSE: ("response_s", "end", "start"), STOP: ("stop_s", "start", "end")}
"""kind: (measure, the user's edge at which it begins, the assistant's edge at which it ends)."""
_SAME_S: Final = 0.001
"""Tolerance for times, which reports round more finely than this."""


@dataclass(frozen=True)
class Latency:
    """A latency on the clock of the dialogue, seconds; negative if `end` is before `begin`."""

    kind: str
    begin: float
    end: float

    @property
    def seconds(self) -> float:
        """Signed length in seconds."""
        return self.end - self.begin


def latencies(row: Facts) -> list[Latency]:
    """Latencies named in the trace, or else those of the measures that fit between two edges of the dialogue."""
    named = row["trace"].get("latencies")
    if named:
        return [Latency(one["kind"], one["from"], one["to"]) for one in named]
    return [found for kind in _MEASURES for found in _place(kind, row)]


def slowest(row: Facts, kind: str) -> float | None:
    """The longest latency of a kind; None if there is none."""
    found = list(_measure(kind, row)) or [one.seconds for one in latencies(row) if one.kind == kind]
    return max(found, default=None)


def _measure(kind: str, row: Facts) -> Iterator[float]:
    value = row["measures"].get(_MEASURES[kind][0])
    yield from (one for one in (value if isinstance(value, list) else [value]) if isinstance(one, int | float))


def _place(kind: str, row: Facts) -> Iterator[Latency]:
    """Place each measured latency at the first pair of edges with that distance."""
    _, from_edge, to_edge = _MEASURES[kind]
    begins = [event[from_edge] for event in row["events"] if event["side"] == "user"]
    ends = [event[to_edge] for event in row["events"] if event["side"] == "assistant"]
    for seconds in _measure(kind, row):
        found = _pair(begins, ends, seconds)
        if found:
            begins.remove(found[0])
            yield Latency(kind, *found)


def _pair(begins: Sequence[float], ends: Sequence[float], seconds: float) -> tuple[float, float] | None:
    pairs = ((begin, end) for begin in begins for end in ends)
    return next(((begin, end) for begin, end in pairs if abs(end - begin - seconds) < _SAME_S), None)
