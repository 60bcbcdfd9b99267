"""The log on standard error: one line per event, for people or as JSON, bounded.

    set_up_logs(config, sys.stderr, SystemClock())
    log_event(logging.INFO, "session_opened", session="702971e519573168")

An event is a name and plain values. It carries no audio and no text of users. Everything else that this process logs
passes through the same bounds. This module handles lines; it does not depend on what is logged.
"""

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import Any, Final, TextIO

from configs.runtime.serve import LogConfig
from runtime.clock import Clock

_EVENTS: Final = logging.getLogger("runtime.events")
_WINDOW_S: Final = 60.0
_LONGEST: Final = 2000
"""Characters of one value."""


def log_event(level: int, event: str, **values: Any) -> None:
    """Log an event; values that are None are left out.

    Args:
        level: as in `logging`. event: its name, of a fixed set, because each name has a budget of its own.
    """
    fields = {name: _bounded(value) for name, value in values.items() if value is not None}
    _EVENTS.log(level, "%s", f"{event} {_pairs(fields)}".strip(), extra={"event": event, "fields": fields})


def set_up_logs(config: LogConfig, stream: TextIO, clock: Clock) -> None:
    """Send what this process logs to a stream: events and warnings."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines() if config.format == "json" else TextLines())
    handler.addFilter(LineBudget(config.most_per_min, clock))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("runtime").setLevel(logging.INFO)


class LineBudget(logging.Filter):
    """Lets so many lines of each kind pass in a minute; the first one after that tells how many were left out."""

    def __init__(self, most: int, clock: Clock) -> None:
        super().__init__()
        self._most, self._clock = most, clock
        self._seen: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is within the budget of its kind: an event, else a logger."""
        kind = getattr(record, "event", record.name)
        start, count = self._seen.get(kind, (self._clock.now(), 0))
        if self._clock.now() - start >= _WINDOW_S:
            vars(record)["left_out"] = max(0, count - self._most)
            start, count = self._clock.now(), 0
        self._seen[kind] = start, count + 1
        return count < self._most


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, then the event with its values, or logger and message."""

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        return json.dumps({"time": _time(record), "level": record.levelname.lower(), **_values(record)}, default=str)


class TextLines(logging.Formatter):
    """One line for people: time, level, what happened, then values as `name=value`."""

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        values = _values(record)
        what = values.pop("event", None) or f"{values.pop('logger')}: {_on_one_line(values.pop('message'))}"
        return f"{_time(record)} {record.levelname.lower()} {' '.join([what, _pairs(values)]).strip()}"


def _values(record: logging.LogRecord) -> dict[str, Any]:
    """What a line tells apart from time and level; every text is bounded."""
    left_out = {"left_out": count} if (count := getattr(record, "left_out", 0)) else {}
    if (event := getattr(record, "event", None)) is not None:
        values = {"event": event, **getattr(record, "fields", {})}
    else:
        values = {"logger": record.name, "message": record.getMessage()}
    error = record.exc_info[1] if record.exc_info else None
    cause = {} if error is None else {"error": repr(error), "at": _origin(error)}
    return {name: _bounded(value) for name, value in (values | cause | left_out).items()}


def _origin(error: BaseException) -> str:
    """Where an error was raised, the innermost frame first."""
    frames = reversed(traceback.extract_tb(error.__traceback__))
    return " < ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames)


def _bounded(value: Any) -> Any:
    return f"{value[:_LONGEST]}..." if isinstance(value, str) and len(value) > _LONGEST else value


def _pairs(values: dict[str, Any]) -> str:
    """Values as `name=value`, on one line."""
    return " ".join(f"{name}={_readable(value)}" for name, value in values.items())


def _readable(value: Any) -> str:
    text = str(value)
    return text if text and text.isprintable() and not {" ", '"', "="} & set(text) else json.dumps(text)


def _on_one_line(text: str) -> str:
    """A text in which nothing can begin a line or move a terminal's cursor."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
