"""Rows and reports with known values."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from configs.eval.evaluation import Bar
from duplex.eval.measures.figures import Figure, number, rate, ratio, spread
from duplex.eval.reports.report import report, write_json
from duplex.eval.suite import DialogueRow, Facts

SETTINGS: Facts = {
    "suite": "made",
    "model": "mini",
    "fingerprint": "0" * 64,
    "policy": "balanced",
    "seed": 0,
    "definitions": {"limits": [1.0, float("inf")], "click": 0.00002},
}
MACHINE: Facts = {"machine": "test", "cores": 2}
FASTER = Bar(of="p50", sense="<=", limit=1.0)
MORE = Bar(of="share", sense=">=", limit=0.5)


def event(side: str, kind: str, start: float, end: float, name: str = "") -> Facts:
    return {"side": side, "kind": kind, "name": name, "start": start, "end": end}


def row(name: str, response: float = 0.5, stop: float = 0.3, worst: float = 0.0, **more: Any) -> DialogueRow:
    """A user who speaks in [1, 2] and [4, 5]; the assistant answers `response` s after 2 and stops `stop` s after 4."""
    events = (
        event("user", "turn", 1.0, 2.0, "first"),
        event("assistant", "speech", 2.0 + response, 4.0 + stop),
        event("user", "interrupt", 4.0, 5.0, "second"),
    )
    answer = {"text": "Yes it is.", "unheard": "so", "start": 2.4, "end": 4.2, "how": "cut", "words": ()}
    trace = {
        "seconds": 6.0,
        "user": [0] * 20 + [50] * 20 + [0] * 80,
        "assistant": [0] * 50 + [99] * 36 + [0] * 34,
        "p_speak": [0.1] * 11 + [0.9] * 9 + [0.0] * 10,
        "state": "m" * 11 + "S" * 9 + "m" * 10,
        "decisions": [[2.4, "start"], [4.2, "cut"]],
        "answers": [answer],
        "heard": ["is it so"],
        **more.pop("trace", {}),
    }
    measures = {"response_s": [response, None], "stop_s": stop}
    return DialogueRow(name, more.pop("group", "pair"), measures, worst, events, trace)


def rows(count: int, **more: Any) -> list[DialogueRow]:
    return [row(f"d{i}", **more) for i in range(count)]


def figures(found: Sequence[DialogueRow], hits: Iterable[bool] | None = None) -> list[Figure]:
    """One of every kind."""
    flags = hits if hits is not None else (i % 4 > 0 for i in range(len(found)))
    return [
        rate("success", "pairs", ((row.id, flag) for row, flag in zip(found, flags, strict=True)), (MORE,)),
        spread("response", "turns", ((row.id, row.measures["response_s"][0]) for row in found), (FASTER,)),
        ratio("errors", "words", ((row.id, 1, 4 + i) for i, row in enumerate(found))),
        number("clicks", "joints", 7, 2.0),
    ]


def values(found: Sequence[DialogueRow], settings: Facts = SETTINGS, suite: str = "made") -> Facts:
    return report(suite, settings, MACHINE, figures(found), found)


def write(path: Path, found: Sequence[DialogueRow], settings: Facts = SETTINGS, suite: str = "made") -> Path:
    write_json(values(found, settings, suite), path)
    return path
