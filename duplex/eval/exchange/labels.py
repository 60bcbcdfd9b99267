"""Labels of a recording: who did what when, from any of the known file formats.

Our own format has one JSON object per line:

    {"session", "channel": "user" | "agent", "start", "end", "type", "text"}

with times in seconds and the types turn, interrupt, backchannel, pause, vocal_tic, non_directed and noise; "speech"
means that somebody speaks but the type is unknown. Other formats have modules of their own, and
`duplex.eval.exchange.label_files` reads all of them. How labels are judged is decided elsewhere.
"""

import re
from dataclasses import dataclass
from math import inf, isfinite
from pathlib import Path
from typing import Any, Final, Literal, get_args

from configs.eval.scoring import LabelsConfig
from duplex.eval.errors import EvaluationError
from duplex.io.whole_files import parse_json, shorten, text_lines

Side = Literal["user", "assistant"]
LabelKind = Literal["turn", "interrupt", "backchannel", "pause", "vocal_tic", "non_directed", "noise", "speech"]
KINDS: Final[tuple[LabelKind, ...]] = get_args(LabelKind)


@dataclass(frozen=True)
class Label:
    """An event of one side from `start` to `end`, seconds."""

    side: Side
    kind: LabelKind
    start: float
    end: float
    text: str = ""


PlacedLabel = tuple[str, Label]
"""A label and its place in a file."""

_NUMBER: Final = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)


@dataclass(frozen=True)
class Found:
    """The labels of a file in order. `notes`: what was left out or assumed, for the user."""

    placed: tuple[PlacedLabel, ...]
    notes: tuple[str, ...] = ()


def find_side(name: str, config: LabelsConfig) -> Side | None:
    """The side that a channel, speaker or tier name means; None for any other name."""
    word = name.strip().lower()
    if word in config.user_names:
        return "user"
    return "assistant" if word in config.assistant_names else None


def read_lines(text: str, path: Path, recording: Path, config: LabelsConfig) -> Found:
    """Read labels from JSON lines; of several sessions, the one named like the recording.

    Raises:
        EvaluationError: a line is not a label.
    """
    rows = [(f"{path}:{number}", line) for number, line in enumerate(text_lines(text), 1) if line.strip()]
    found = [(place, *_line(place, line, config)) for place, line in rows]
    sessions = sorted({session for _, session, _ in found})
    if len(sessions) > 1 and recording.stem not in sessions:
        names = ", ".join(map(shorten, sessions[:5]))
        raise EvaluationError(
            f"{path}: holds sessions {names} but none '{recording.stem}'; name the recording like one"
        )
    kept = recording.stem if len(sessions) > 1 else next(iter(sessions), "")
    note = f"{path}: its labels are of session '{shorten(kept)}'; they are taken for those of {recording.name}"
    placed = tuple((place, label) for place, session, label in found if session == kept)
    return Found(placed, (note,) if kept not in ("", recording.stem, recording.name) else ())


def _line(place: str, line: str, config: LabelsConfig) -> tuple[str, Label]:
    try:
        values = parse_json(line)
    except ValueError as error:
        raise EvaluationError(f"{place}: is not JSON ({error}); write one JSON object per line") from None
    if not isinstance(values, dict):
        raise EvaluationError(f"{place}: is not a JSON object; write one with channel, start, end and type")
    side = find_side(str(values.get("channel", "")), config)
    if side is None:
        raise EvaluationError(f"{place}: 'channel' is {show(values.get('channel'))}; it must be user or agent")
    kind = values.get("type")
    if kind not in KINDS:
        raise EvaluationError(f"{place}: 'type' is {show(kind)}; it must be one of {', '.join(KINDS)}")
    start, end = (seconds_of(values.get(key), f"{place}: '{key}'") for key in ("start", "end"))
    return _text(values.get("session")), Label(side, kind, start, end, _text(values.get("text")))


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def seconds_of(value: Any, what: str) -> float:
    """Read a number of seconds; `what` names its place in errors.

    Raises:
        EvaluationError: the value is not a number.
    """
    written = isinstance(value, str) and _NUMBER.fullmatch(value.strip()) is not None
    if written or (isinstance(value, int | float) and not isinstance(value, bool)):
        try:
            number = float(value)
        except OverflowError:
            number = inf
        if isfinite(number):
            return number
    raise EvaluationError(f"{what} is {show(value)}; it must be a number of seconds")


def show(value: Any) -> str:
    """A value of a file for a message: its Python representation, shortened if long."""
    return shorten(repr(value))
