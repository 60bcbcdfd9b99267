"""Makes inputs that are almost right: good ones with some bytes, numbers or lines changed. Depends on no format."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Final

CORPUS: Final = Path(__file__).with_name("corpus")
_NUMBER: Final = re.compile(rb"\d+")
Edit = Callable[[Random, bytes, Sequence[bytes]], bytes]


def example(name: str) -> bytes:
    """A good input of the corpus."""
    return (CORPUS / name).read_bytes()


def pieces(name: str) -> tuple[bytes, ...]:
    """The pieces of a file of the corpus, one a line, with Python's escapes."""
    lines = (CORPUS / f"{name}.txt").read_text(encoding="ascii").split("\n")
    return tuple(line.encode("ascii").decode("unicode_escape").encode("latin-1") for line in lines if line)


_NUMBERS: Final = (*pieces("numbers"), b"9" * 400, b"9" * 5000)
_BYTES: Final = (*pieces("bytes"), b"[" * 5000, b'{"a":' * 3000, b"a" * 3000, b"")


def almost(rng: Random, good: Sequence[bytes], parts: Sequence[bytes] = ()) -> bytes:
    """A good input after a few edits, rarely none; now and then parts alone, or any bytes.

    Args:
        good: inputs that are read. parts: pieces that their readers look for.
    """
    draw = rng.random()
    if draw < 0.03:
        return rng.randbytes(rng.randrange(300))
    if draw < 0.06 and parts:
        return b" ".join(rng.choices(parts, k=rng.randrange(30)))
    data = rng.choice(good)
    for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3, 5, 8))):
        data = rng.choice(_EDITS)(rng, data, parts)
    return data


def _span(rng: Random, data: bytes) -> tuple[int, int]:
    """Begin and end of a stretch, mostly a short one."""
    begin = rng.randrange(len(data) + 1)
    longest = max(1, len(data) // 5) if rng.random() < 0.2 else 8
    return begin, min(len(data), begin + rng.randrange(longest + 1))


def _piece(rng: Random, parts: Sequence[bytes]) -> bytes:
    return rng.choice(parts) if parts and rng.random() < 0.5 else rng.choice(_BYTES)


def _cut(rng: Random, data: bytes, parts: Sequence[bytes]) -> bytes:
    begin, end = _span(rng, data)
    return data[:begin] + data[end:]


def _put(rng: Random, data: bytes, parts: Sequence[bytes]) -> bytes:
    begin, end = _span(rng, data)
    return data[:begin] + _piece(rng, parts) + data[end if rng.random() < 0.5 else begin :]


def _double(rng: Random, data: bytes, parts: Sequence[bytes]) -> bytes:
    begin, end = _span(rng, data)
    return data[:end] + data[begin:end] * rng.choice((1, 1, 20)) + data[end:]


def _flip(rng: Random, data: bytes, parts: Sequence[bytes]) -> bytes:
    at = rng.randrange(max(1, len(data)))
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :] if data else data


def _number(rng: Random, data: bytes, parts: Sequence[bytes]) -> bytes:
    """Another number in the place of one."""
    found = list(_NUMBER.finditer(data[: 1 << 16]))
    if not found:
        return data
    one = rng.choice(found)
    return data[: one.start()] + rng.choice(_NUMBERS) + data[one.end() :]


def _bytes_of_a_number(rng: Random, data: bytes, parts: Sequence[bytes]) -> bytes:
    """Four bytes that are a large or small number, mostly near the beginning, where headers are."""
    at = rng.randrange(min(len(data), 64) + 1) if rng.random() < 0.7 else rng.randrange(len(data) + 1)
    number = rng.choice((0, 1, 2**31 - 1, 2**31, 2**32 - 1, rng.randrange(2**32)))
    return data[:at] + number.to_bytes(4, "little" if rng.random() < 0.5 else "big") + data[at + 4 :]


def _end(rng: Random, data: bytes, parts: Sequence[bytes]) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _lines(rng: Random, data: bytes, parts: Sequence[bytes]) -> bytes:
    """A line removed, doubled, moved, or changed for a piece."""
    lines = data.split(b"\n")
    at, to = rng.randrange(len(lines)), rng.randrange(len(lines))
    line = lines.pop(at)
    new: list[bytes] = rng.choice(([], [line, line], [line], [_piece(rng, parts)]))
    lines[to:to] = new
    return b"\n".join(lines)


_EDITS: Final[tuple[Edit, ...]] = (_cut, _put, _double, _flip, _number, _bytes_of_a_number, _end, _lines, _lines)
