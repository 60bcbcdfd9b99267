"""Scenarios of MTR-DuplexBench, read as labels of the user.

    [{"dialogue_id", "round_num", "scenario", "timestamp": {"user_start", "user_end", "model_start", "model_end",
      "interruption_start", "interruption_end", "pause_start", "pause_end", "background_start", "background_end"}}, ...]

or the object of times alone. The user's turn is a turn, an interruption an interrupt, a pause a pause, background sound
is noise; when the model should speak is no label. A pair that is missing, or 0 to 0, is not there. Of several entries
those count whose dialogue, round and scenario the recording's name holds (dialogue_ID_round_N_SCENARIO.wav).

Knows JSON values and file names.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from duplex.eval.errors import EvaluationError
from duplex.eval.exchange.labels import Label, LabelKind, PlacedLabel, seconds_of

_TIMES: Final[dict[str, LabelKind]] = {
    "user": "turn",
    "interruption": "interrupt",
    "pause": "pause",
    "background": "noise",
}
_ID, _ROUND, _SCENARIO, _STAMP = "dialogue_id", "round_num", "scenario", "timestamp"


def is_one(values: Any) -> bool:
    """Whether the values of a JSON file look like scenarios."""
    entries = values if isinstance(values, list) else [values]
    return bool(entries) and all(isinstance(_stamp(one), dict) and _has_times(_stamp(one)) for one in entries)


def read(values: Any, path: Path, recording: Path) -> Iterator[PlacedLabel]:
    """The labels of the rounds in `recording`.

    Raises:
        EvaluationError: times are no numbers, or none of several entries is of this recording.
    """
    entries = list(enumerate(values if isinstance(values, list) else [values], 1))
    kept = [(number, one) for number, one in entries if _is_of(one, recording.stem)] if len(entries) > 1 else entries
    if not kept:
        raise EvaluationError(
            f"{path}: none of its {len(entries)} scenarios is of {recording.name}; "
            "name the recording dialogue_ID_round_N_SCENARIO.wav"
        )
    for number, entry in kept:
        yield from _labels(_stamp(entry), f"{path}: scenario {number}")


def _labels(times: dict[str, Any], place: str) -> Iterator[PlacedLabel]:
    for name, kind in _TIMES.items():
        keys = (f"{name}_start", f"{name}_end")
        if all(times.get(key) is not None for key in keys):
            start, end = (seconds_of(times[key], f"{place}: '{key}'") for key in keys)
            if (start, end) != (0.0, 0.0):
                yield place, Label("user", kind, start, end)


def _stamp(entry: Any) -> Any:
    return entry.get(_STAMP, entry.get(f"{_STAMP}s", entry)) if isinstance(entry, dict) else None


def _has_times(times: dict[str, Any]) -> bool:
    return any(f"{name}_start" in times for name in _TIMES)


def _is_of(entry: dict[str, Any], stem: str) -> bool:
    """Whether all that the entry tells of itself and the name tells of the recording is the same."""
    dialogue, number, scenario = (str(entry.get(key, "")) for key in (_ID, _ROUND, _SCENARIO))
    _, parted, rest = stem.rpartition("_round_")
    if not parted:
        return stem in (dialogue, f"dialogue_{dialogue}")
    told, _, named = rest.partition("_")
    whole = stem.removesuffix(f"_round_{rest}") in (dialogue, f"dialogue_{dialogue}")
    return whole and told == number and (not named or named == scenario)
