"""Reads annotations of Full-Duplex-Bench v1 and v1.5 as labels of the user.

    v1    pause.json        [{"text": "[PAUSE]", "timestamp": [start, end]}, ...]             pause
          turn_taking.json  [{"text": "[TURN-TAKING]", "timestamp": [user end, next start]}]  turn, from the beginning
          interrupt.json    [{"context", "interrupt", "timestamp": [start, end]}]             interrupt
    v1.5  metadata.json     {"context_text", "current_turn_text", "timestamps": [start, end]} by the folder's name:
          user_interruption: interrupt, user_backchannel: backchannel, talking_to_other: non_directed,
          background_speech: noise

This module was written from the formats; it handles JSON values and folder names.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from duplex.eval.errors import EvaluationError
from duplex.eval.exchange.labels import Label, LabelKind, PlacedLabel, seconds_of

_PAUSE, _TURN = "[PAUSE]", "[TURN-TAKING]"
_V15 = "timestamps"
_FOLDERS: Final[dict[str, LabelKind]] = {
    "interruption": "interrupt",
    "backchannel": "backchannel",
    "talking_to_other": "non_directed",
    "background": "noise",
}


def is_one(values: Any) -> bool:
    """Whether the values of a JSON file look like such an annotation."""
    if isinstance(values, dict):
        return isinstance(values.get(_V15), list)
    return isinstance(values, list) and bool(values) and all(_is_entry(one) for one in values)


def read(values: Any, path: Path) -> Iterator[PlacedLabel]:
    """Yield the labels of an annotation; `path` is its file.

    Raises:
        EvaluationError: times are not numbers, or the folder of a v1.5 file does not say which kind it is.
    """
    if isinstance(values, dict):
        start, end = _times(values[_V15], f"{path}: 'timestamps'")
        yield str(path), Label("user", _kind(path), start, end, str(values.get("current_turn_text", "")))
        return
    for number, entry in enumerate(values, 1):
        place = f"{path}: entry {number}"
        start, end = _times(entry["timestamp"], f"{place}: 'timestamp'")
        if "interrupt" in entry:
            yield place, Label("user", "interrupt", start, end, str(entry["interrupt"]))
        elif entry["text"] == _PAUSE:
            yield place, Label("user", "pause", start, end)
        else:
            yield place, Label("user", "turn", 0.0, start)


def _is_entry(value: Any) -> bool:
    known = isinstance(value, dict) and "timestamp" in value
    return known and ("interrupt" in value or value.get("text") in (_PAUSE, _TURN))


def _times(value: Any, what: str) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:
        raise EvaluationError(f"{what} is {value!r}; it must be [start, end] in seconds")
    return seconds_of(value[0], what), seconds_of(value[1], what)


def _kind(path: Path) -> LabelKind:
    folders = [part.lower() for part in path.absolute().parts[:-1]]
    for folder in reversed(folders):
        for name, kind in _FOLDERS.items():
            if name in folder:
                return kind
    names = "user_interruption, user_backchannel, talking_to_other or background_speech"
    raise EvaluationError(
        f"{path}: its folder's name does not say which kind of event it is; put it into a folder named {names}"
    )
