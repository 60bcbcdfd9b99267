"""Reads scenarios of MTR-DuplexBench as labels of the user.

    [{"dialogue_id", "round_num", "scenario", "timestamp": {"user_start", "user_end", "model_start", "model_end",
      "interruption_start", "interruption_end", "pause_start", "pause_end", "background_start", "background_end"}}, ...]

or only the object of times. The user's turn is a turn, an interruption an interrupt, a pause a pause, background sound
is noise; the times at which the model should speak are not labels. A pair that is missing, or 0 to 0, does not exist.
Of several entries, those count whose dialogue, round and scenario are in the recording's name
(dialogue_ID_round_N_SCENARIO.wav).

This module handles JSON values and file names.
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
    """Yield the labels of the rounds in `recording`.

    Raises:
        EvaluationError: times are not numbers, or none of several entries belongs to this recording.
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
    """Whether the entry's dialogue, round and scenario agree with those in the recording's name."""
    dialogue, number, scenario = (str(entry.get(key, "")) for key in (_ID, _ROUND, _SCENARIO))
    _, parted, rest = stem.rpartition("_round_")
    if not parted:
        return stem in (dialogue, f"dialogue_{dialogue}")
    told, _, named = rest.partition("_")
    whole = stem.removesuffix(f"_round_{rest}") in (dialogue, f"dialogue_{dialogue}")
    return whole and told == number and (not named or named == scenario)
