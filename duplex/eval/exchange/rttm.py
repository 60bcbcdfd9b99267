"""Reads RTTM (NIST Rich Transcription Time Marked, RT-09 evaluation plan, appendix A): a line per stretch of speech.

    SPEAKER FILE CHANNEL START DURATION <NA> <NA> NAME <NA> <NA>

Lines of other types (words, pauses, information on speakers) are ignored; `;;` begins a comment. The format says who
speaks when, but not what a stretch is, so its labels are "speech". The speaker's name (user, assistant, ...) or else
the channel (1 the user, 2 the assistant) says whose it is.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from configs.eval.scoring import LabelsConfig
from duplex.eval.errors import EvaluationError
from duplex.eval.exchange.labels import Found, Label, PlacedLabel, Side, find_side, seconds_of
from duplex.io.whole_files import shorten, text_lines

_SPEAKER, _COMMENT = "SPEAKER", ";;"
_OTHERS: Final = frozenset(
    [
        "SEGMENT",
        "NOSCORE",
        "NO_RT_METADATA",
        "LEXEME",
        "NON-LEX",
        "NON-SPEECH",
        "FILLER",
        "EDIT",
        "IP",
        "SU",
        "CB",
        "A/P",
        "SPKR-INFO",
    ]
)
_FIELDS: Final = range(8, 11)
_FILE, _CHANNEL, _START, _DURATION, _NAME = 1, 2, 3, 4, 7
_NOT_SAID: Final = "<NA>"
_FIELD: Final = re.compile(r"[^ \t\r\f\v]+")

_Line = tuple[str, list[str]]
"""Place of a line, and its fields."""


def read_rttm(text: str, path: Path, recordings: Sequence[Path], config: LabelsConfig) -> Found:
    """Read the speech of both sides from the lines whose file is named like a recording.

    Args:
        recordings: the file of both sides, or one of each side.

    Raises:
        EvaluationError: a line is not RTTM, all belong to other recordings, or it is not known whose speech one is.
    """
    rows = [(f"{path}:{number}", _FIELD.findall(line)) for number, line in enumerate(text_lines(text), 1)]
    lines = [(place, fields) for place, fields in rows if fields and not fields[0].startswith(_COMMENT)]
    for place, fields in lines:
        _check(place, fields)
    kept = _of(recordings, [line for line in lines if line[1][0] == _SPEAKER], path)
    placed = tuple(_labels(kept, config))
    said = [(place, label) for place, label in placed if label.end > label.start]
    return Found(tuple(said), tuple(_notes(path, lines, len(placed) - len(said))))


def _check(place: str, fields: list[str]) -> None:
    if fields[0] != _SPEAKER:
        if fields[0] not in _OTHERS:
            raise EvaluationError(f"{place}: '{shorten(fields[0])}' is not a type of RTTM; begin the line with SPEAKER")
        return
    if len(fields) not in _FIELDS:
        wanted = f"{_FIELDS[0]} to {_FIELDS[-1]}, and names hold no spaces"
        raise EvaluationError(f"{place}: has {len(fields)} fields; a SPEAKER line of RTTM has {wanted}")


def _of(recordings: Sequence[Path], speakers: Sequence[_Line], path: Path) -> Sequence[_Line]:
    """The lines of these recordings; a line without a file name belongs to any."""
    names = {name for recording in recordings for name in (recording.stem, recording.name)}
    kept = [line for line in speakers if line[1][_FILE] == _NOT_SAID or Path(line[1][_FILE]).name in names]
    if speakers and not kept:
        others = sorted({fields[_FILE] for _, fields in speakers})
        shown = ", ".join(f"'{shorten(name)}'" for name in others[:5])
        raise EvaluationError(
            f"{path}: holds labels of {shown} but none of {recordings[0].name}; give the labels of this recording, or "
            f"write '{recordings[0].stem}' into the second field of its lines"
        )
    return kept


def _labels(lines: Sequence[_Line], config: LabelsConfig) -> Iterator[PlacedLabel]:
    channels = {fields[_CHANNEL] for _, fields in lines}
    for place, fields in lines:
        start = seconds_of(fields[_START], f"{place}: the start")
        end = start + seconds_of(fields[_DURATION], f"{place}: the duration")
        yield place, Label(_side(place, fields, channels, config), "speech", start, end)


def _notes(path: Path, lines: Sequence[_Line], empty: int) -> Iterator[str]:
    if empty:
        yield f"{path}: left out {empty} of its stretches of speech, which last 0 s or less"
    others = Counter(fields[0] for _, fields in lines if fields[0] != _SPEAKER)
    if others:
        counts = ", ".join(f"{count} {name}" for name, count in sorted(others.items()))
        yield f"{path}: left out the lines that are not stretches of speech: {counts}"


def _side(place: str, fields: list[str], channels: set[str], config: LabelsConfig) -> Side:
    named = find_side(fields[_NAME], config)
    if named:
        return named
    if channels == {"1", "2"}:
        return "user" if fields[_CHANNEL] == "1" else "assistant"
    raise EvaluationError(
        f"{place}: it is not known whose speech '{shorten(fields[_NAME])}' is; name the speakers user and assistant, "
        "or put them on channels 1 and 2"
    )
