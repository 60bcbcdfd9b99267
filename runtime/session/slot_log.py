"""The slot log of a conversation: one JSON line per slot, chained by hashes.

    {"kind": "header", ...}      what was opened, with which model
    {"kind": "slot", ...}        one per user slot
    {"kind": "end", ...}         why and after how many slots; missing if the process was killed

Every line ends with `"chain"`: the sha256 of the previous line's chain and this line's bytes without it, so a single
changed byte is found, with its line. Nothing here depends on audio files or models.
"""

import hashlib
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, Final, TextIO, TypeVar

from pydantic import TypeAdapter, ValidationError

from duplex.io.whole_files import json_text, parse_json, shorten
from duplex.model.interface import Came
from runtime.errors import LogError
from runtime.session.disk import disk_error
from runtime.session.log_records import LogEnd, LogHeader, SlotLogContent, SlotRow

FORMAT = "duplex-slots"
VERSION = 1
LOG_FILE = "slots.jsonl"
_SEPARATORS = (",", ":")
_ERRORS: Final = "surrogateescape"
_HEX = 64
T = TypeVar("T")


class SlotLogWriter:
    """Streams a log to disk, one line at a time; keeps only the chain in memory."""

    def __init__(self, path: Path, header: LogHeader | None) -> None:
        """`header`: None goes on with a log that was never closed, behind its last whole line.

        Raises:
            LogError: the file cannot be created, or is no slot log to go on with. DiskFull: there is no room for it.
        """
        before = [] if header else _whole_lines(path)
        self._chain = _split(before[-1])[1] if before else ""
        self._slots = max(len(before) - 1, 0)
        try:
            self._file: TextIO = path.open("w" if header else "r+", encoding="utf-8", newline="\n")
        except OSError as error:
            raise disk_error(path, error) from None
        try:
            if header:
                self._write({"kind": "header", "format": FORMAT, "version": VERSION, **_header_values(header)})
            else:
                self._file.seek(sum(len(line.encode("utf-8", _ERRORS)) + 1 for line in before))
                self._file.truncate()
        except OSError as error:
            self.abandon()
            raise disk_error(path, error) from None

    def row(self, row: SlotRow) -> None:
        """Append a slot."""
        self._slots += 1
        self._write({"kind": "slot", **_row_values(row)})

    def close(self, reason: str) -> None:
        """Append the closing line; closing twice does nothing."""
        if not self._file.closed:
            with self._file:
                self._write({"kind": "end", "slots": self._slots, "reason": reason})

    def abandon(self) -> None:
        """Close the file as it is."""
        with suppress(OSError):
            self._file.close()

    def _write(self, values: dict[str, Any]) -> None:
        content = json_text(values, separators=_SEPARATORS, allow_nan=False)
        self._chain = chain(self._chain, content)
        self._file.write(f'{content[:-1]},"chain":"{self._chain}"}}\n')
        self._file.flush()


def chain(previous: str, content: str) -> str:
    """sha256 (hex) over the previous chain and a line without its own chain."""
    return hashlib.sha256((previous + content).encode("utf-8", errors=_ERRORS)).hexdigest()


def find_log(path: Path) -> Path:
    """The log in the folder of a conversation; a path that is no folder is that of a log.

    Raises:
        LogError: the folder holds no log, or those of several conversations.
    """
    if not path.is_dir():
        return path
    if (path / LOG_FILE).is_file():
        return path / LOG_FILE
    inside = sorted(path.glob(f"*/{LOG_FILE}"))
    if not inside:
        raise LogError(f"{path}: holds no {LOG_FILE}; give the folder of a conversation, or its log")
    if len(inside) == 1:
        raise LogError(f"{path}: is not a conversation, but holds one; give its folder, {inside[0].parent}")
    raise LogError(f"{path}: holds {len(inside)} conversations; give one of them, for example {inside[0].parent}")


def read_log(path: Path) -> SlotLogContent:
    """Read and verify a log.

    A log that ends early can be read up to its last whole line.

    Raises:
        LogError: the file cannot be read, is not a slot log, or has a changed line; the message names the line.
    """
    values = _verify(path, _read_text(path))
    if not values or values[0].get("format") != FORMAT or values[0].get("version") != VERSION:
        raise LogError(f"{path}: is not a slot log of version {VERSION}; give a slots.jsonl of a conversation")
    try:
        return _content(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = shorten(".".join(str(part) for part in first["loc"]))
        reason = f"'{place}': {first['msg']}"
        raise LogError(f"{path}: holds an unreadable row ({reason}); it was written by another version") from None


def _whole_lines(path: Path) -> list[str]:
    """The lines of a log, each checked, without one that was not written to its end."""
    text = _read_text(path)
    _verify(path, text)
    return text.split("\n")[:-1]


def _read_text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", errors=_ERRORS)
    except OSError as error:
        raise LogError(f"{path}: cannot be read ({error.strerror}); check the path") from None


def _verify(path: Path, text: str) -> list[dict[str, Any]]:
    """Values of all whole lines, each checked against its chain."""
    *lines, rest = text.split("\n")
    values: list[dict[str, Any]] = []
    previous = ""
    for number, line in enumerate(lines, start=1):
        content, found = _split(line)
        if not found or chain(previous, content) != found:
            raise LogError(f"{path}: line {number} was changed or damaged; use an untouched copy of the log")
        values.append(_object(path, number, content))
        previous = found
    if _is_whole_line(rest):
        raise LogError(f"{path}: line {len(lines) + 1} was changed or damaged; use an untouched copy of the log")
    return values


def _object(path: Path, number: int, content: str) -> dict[str, Any]:
    try:
        value = parse_json(content)
    except ValueError as error:
        raise LogError(f"{path}: line {number} is not JSON ({error}); give a slots.jsonl of a conversation") from None
    if not isinstance(value, dict):
        raise LogError(f"{path}: line {number} is not a JSON object; give a slots.jsonl of a conversation")
    return value


def _split(line: str) -> tuple[str, str]:
    """A line as (content without its chain, chain); the chain is empty if there is none."""
    tail = len(',"chain":""}') + _HEX
    head, end = line[:-tail], line[-tail:]
    found = end[len(',"chain":"') : -len('"}')]
    return (head + "}", found) if end == f',"chain":"{found}"}}' else (line, "")


def _is_whole_line(rest: str) -> bool:
    """Whether text after the last line feed is more than an unfinished line."""
    return any(_split(rest[:end])[1] for end in (len(rest), len(rest) - 1))


def _row_values(row: SlotRow) -> dict[str, Any]:
    words = [vars(word) for word in row.spoken]
    values = {**vars(row), "user": vars(row.user) if row.user else None, "spoken": words}
    values["came"] = _came_values(row.came) if row.came else None
    return _without_empty(values, "came", "thinking", "concealed", "dropped")


def _came_values(came: Came) -> dict[str, Any]:
    return _without_empty(asdict(came), "started", "ended")


def _without_empty(values: dict[str, Any], *names: str) -> dict[str, Any]:
    """Values without those of `names` that hold nothing."""
    return {name: value for name, value in values.items() if value or name not in names}


def _header_values(header: LogHeader) -> dict[str, Any]:
    values = {name: value for name, value in vars(header).items() if name != "options"}
    options = dict(vars(header.options)) | {"policy": header.options.policy.model_dump(mode="json")}
    if header.options.tools is None:
        del options["tools"]
    return _without_empty({**values, "options": options}, "llm", "tools")


def _content(values: list[dict[str, Any]]) -> SlotLogContent:
    """
    Raises:
        ValidationError: a line lacks a value, or has one of the wrong type.
    """
    header, *rest = values
    rows = tuple(_read(SlotRow, value) for value in rest if value.get("kind") == "slot")
    end = _read(LogEnd, values[-1]) if values[-1].get("kind") == "end" else None
    return SlotLogContent(_read(LogHeader, header, "format", "version"), rows, end)


def _read(record: type[T], value: dict[str, Any], *besides: str) -> T:
    """A line as a record, without `besides`, each value of its type."""
    fields = {name: content for name, content in value.items() if name not in ("kind", *besides)}
    found: T = _adapter(record).validate_python(fields)  # type: ignore[arg-type] # a class is hashable
    return found


@cache
def _adapter(record: Any) -> TypeAdapter[Any]:
    return TypeAdapter(record)
