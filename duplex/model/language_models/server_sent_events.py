"""Server-sent events from bytes, as the HTML standard defines them: only the data, which is all that chats use."""

from collections.abc import Iterable, Iterator
from typing import Final

LONGEST_LINE: Final = 1 << 20
"""Bytes; no chunk of a chat comes near it."""

_FIELDS: Final = frozenset({"", "data", "event", "id", "retry"})
"""The first one is that of comments."""


class NotEventsError(Exception):
    """What came is not a stream of events; the message says what it is."""


def read_events(received: Iterable[bytes]) -> Iterator[str]:
    """The data of each event. Comments are left out; an event that the end of the stream cuts is lost.

    Raises:
        NotEventsError: no text, a line without end, or no events at all.
    """
    data: list[str] = []
    is_text = is_stream = False
    for line in _lines(received):
        field, _, value = line.partition(":")
        is_text |= bool(line)
        is_stream |= bool(line) and field in _FIELDS
        if not line and data:
            yield "\n".join(data)
            data.clear()
        elif field == "data":
            data.append(value.removeprefix(" "))
    if is_text and not is_stream:
        raise NotEventsError("text that is no stream of events")


def _lines(received: Iterable[bytes]) -> Iterator[str]:
    rest = b""
    for some in received:
        *whole, rest = (rest + some).split(b"\n")
        for line in whole:
            yield _decode(line.removesuffix(b"\r"))
        if len(rest) > LONGEST_LINE:
            raise NotEventsError(f"a line of more than {LONGEST_LINE} bytes")
    if rest:
        yield _decode(rest)


def _decode(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotEventsError("bytes that are not UTF-8") from error
