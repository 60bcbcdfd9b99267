"""Calls of functions as people read them, one short line each: "time_in Tokyo -> 14:32"."""

import json
from collections.abc import Iterable
from typing import Any, Final

from duplex.io.whole_files import parse_json
from duplex.model.interface import Came, EndedCall, StartedCall
from duplex.model.tools.calls import read_call
from duplex.model.tools.records import BrokenCall

_LONGEST: Final = 120
"""Characters of a call, and of its result."""


def call_line(started: StartedCall, ended: EndedCall | None = None) -> str:
    """A call, and what came of it where it has ended."""
    call = describe_call(started.name, started.arguments)
    return f"{call} -> {describe_result(ended.result, ended.failed)}" if ended else f"{call} ..."


def pair_calls(everything: Iterable[Came | None]) -> list[tuple[StartedCall, EndedCall | None]]:
    """All calls of a conversation, each with its end, in the order in which they began."""
    pairs: list[tuple[StartedCall, EndedCall | None]] = []
    places: dict[str, int] = {}
    for came in filter(None, everything):
        for started in came.started:
            places[started.id] = len(pairs)
            pairs.append((started, None))
        for ended in came.ended:
            if (place := places.pop(ended.id, None)) is not None:
                pairs[place] = (pairs[place][0], ended)
    return pairs


def describe_call(name: str, arguments: str) -> str:
    """The function and the values of its arguments."""
    call = read_call(name, arguments)
    if isinstance(call, BrokenCall):
        return _one_line(f"{name or 'a call that cannot be read'} {call.text}")
    return _one_line(f"{call.name} {', '.join(map(_show, call.arguments.values()))}")


def describe_result(result: str, failed: bool) -> str:
    """The result, or the reason why there is none."""
    if not failed:
        return _one_line(result)
    try:
        reason = parse_json(result)["error"]
    except (ValueError, KeyError, TypeError):
        reason = result
    return _one_line(f"error: {reason}")


def _show(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _one_line(text: str) -> str:
    """Without signs that a terminal would take as a command."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}..."
