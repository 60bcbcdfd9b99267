"""RTTM (NIST Rich Transcription): a line per stretch of speech.

    SPEAKER FILE CHANNEL START DURATION <NA> <NA> NAME <NA> <NA>

It tells who speaks when, not what a stretch is: its labels are "speech". Whose it is tells the speaker's name (user,
assistant, ...), or else the channel (1 the user, 2 the assistant).
"""

from collections.abc import Iterator
from pathlib import Path

from configs.eval.scoring import LabelsConfig
from duplex.eval.errors import EvaluationError
from duplex.eval.exchange.labels import Label, Placed, Side, seconds_of, side_named

_SPEAKER = "SPEAKER"
_FIELDS = 8
_FILE, _CHANNEL, _START, _DURATION, _NAME = 1, 2, 3, 4, 7


def read_rttm(text: str, path: Path, recording: Path, config: LabelsConfig) -> Iterator[Placed]:
    """Speech of both sides; of several files the one that is named like the recording.

    Raises:
        EvaluationError: a line is no RTTM, or it cannot be told whose speech it is.
    """
    rows = [(f"{path}:{number}", line.split()) for number, line in enumerate(text.splitlines(), 1)]
    speakers = [(place, fields) for place, fields in rows if fields and fields[0] == _SPEAKER]
    for place, fields in speakers:
        if len(fields) < _FIELDS:
            raise EvaluationError(f"{place}: has {len(fields)} fields; a SPEAKER line of RTTM has at least {_FIELDS}")
    several = len({fields[_FILE] for _, fields in speakers}) > 1
    kept = [(place, fields) for place, fields in speakers if not several or fields[_FILE] == recording.stem]
    channels = {fields[_CHANNEL] for _, fields in kept}
    for place, fields in kept:
        start = seconds_of(fields[_START], f"{place}: the start")
        end = start + seconds_of(fields[_DURATION], f"{place}: the duration")
        yield place, Label(_side(place, fields, channels, config), "speech", start, end)


def _side(place: str, fields: list[str], channels: set[str], config: LabelsConfig) -> Side:
    named = side_named(fields[_NAME], config)
    if named:
        return named
    if channels == {"1", "2"}:
        return "user" if fields[_CHANNEL] == "1" else "assistant"
    raise EvaluationError(
        f"{place}: it is not known whose speech '{fields[_NAME]}' is; name the speakers user and assistant, "
        "or put them on channels 1 and 2"
    )
