"""Files that are almost right: a good file with some bytes removed, inserted, doubled or changed."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from hypothesis import strategies as st

T = TypeVar("T")
E = TypeVar("E", bound=Exception)
Edit = tuple[str, float, float, bytes]
"""What is done, where (a share of the file), to how much of it (a share), with which bytes."""

_KINDS = ("cut", "put", "double", "change", "end")


def make_malformed(good: Sequence[bytes], pieces: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """One of the good files after a few edits, or any bytes; `pieces` are what its readers look for."""
    put = st.sampled_from(pieces) | st.binary(max_size=8)
    edit = st.tuples(st.sampled_from(_KINDS), st.floats(0, 1), st.floats(0, 0.2), put)
    edited = st.builds(_edit, st.sampled_from(good), st.lists(edit, min_size=1, max_size=5))
    return edited | st.binary(max_size=200) | st.lists(put, max_size=30).map(b" ".join)


def _edit(data: bytes, edits: Sequence[Edit]) -> bytes:
    for kind, where, share, piece in edits:
        at = int(where * len(data))
        to = at + int(share * len(data)) + 1
        new = {"cut": b"", "put": piece + data[at:to], "double": data[at:to] * 2, "change": piece, "end": b""}[kind]
        data = data[:at] + new + (b"" if kind == "end" else data[to:])
    return data


def value_or_error(read: Callable[[], T], typed: type[E]) -> T | E:
    """What a reader returns, or its typed error; any other exception is a fault."""
    try:
        return read()
    except typed as error:
        return error


def is_one_line(error: Exception, path: Path) -> bool:
    """Whether an error names its file and fits a line of moderate length."""
    text = str(error)
    return text.startswith(str(path)) and len(text.splitlines()) == 1 and len(text) < len(str(path)) + 600
