"""What the header of a wav file claims, held against the bytes that are there.

Writers to a pipe cannot tell a length: they leave 0 or the largest number. A file that was cut off claims more than
it holds. Knows RIFF, RIFX and RF64 chunks; knows nothing of samples.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_BYTE_ORDERS: Final = {b"RIFF": "<", b"RF64": "<", b"RIFX": ">"}
_START, _HEAD = 12, 8
_LARGEST: Final = 0xFFFFFFFF
UNKNOWN_SIZE: Final = 0x7F000000
"""Streaming writers put at least so much (sox 0x7FFFF000, ffmpeg 0xFFFFFFFF) where they do not know a length."""


@dataclass(frozen=True)
class WavHeader:
    """The data chunk of a wav file.

    Attributes:
        order: "<" or ">", of its numbers. begin: where its samples begin, in bytes.
        claimed: how many bytes of samples its header tells of. held: how many there are from `begin` to the file's end.
        followed: whether nothing, or well-formed chunks, follow what the header tells of.
    """

    order: str
    begin: int
    claimed: int
    held: int
    followed: bool

    @property
    def endless(self) -> bool:
        """Whether the header tells no length, so that the samples go on to the end of the file."""
        return self.claimed >= UNKNOWN_SIZE > self.held or (self.claimed == 0 < self.held and not self.followed)

    @property
    def cut_off(self) -> bool:
        """Whether the header tells of more than there is."""
        return not self.endless and self.claimed > self.held

    @property
    def unread(self) -> int:
        """Bytes after the samples that are no part of the file by its header."""
        return 0 if self.endless or self.followed else max(0, self.held - self.claimed)

    def with_length(self, data: bytes) -> bytes:
        """The file with a header that tells of all samples that it holds, as plain RIFF."""
        whole = bytearray(data)
        whole[:4] = b"RIFF" if self.order == "<" else b"RIFX"
        struct.pack_into(f"{self.order}I", whole, 4, min(len(whole) - _HEAD, _LARGEST))
        struct.pack_into(f"{self.order}I", whole, self.begin - 4, min(self.held, _LARGEST))
        return bytes(whole)


def wav_header(data: bytes) -> WavHeader | None:
    """The data chunk of a file; None where it is no wav file or has none."""
    order = _BYTE_ORDERS.get(data[:4])
    if order is None or data[8:_START] != b"WAVE":
        return None
    large = _LARGEST
    for name, begin, size in _chunks(data, _START, order):
        if name == b"ds64" and len(data) >= begin + 16:
            large = int.from_bytes(data[begin + 8 : begin + 16], "little")
        elif name == b"data":
            claimed = large if size == _LARGEST else size
            return WavHeader(order, begin, claimed, len(data) - begin, _ends_well(data, begin + claimed, order))
    return None


def _chunks(data: bytes, at: int, order: str) -> Iterator[tuple[bytes, int, int]]:
    """Name, first byte and size of the chunks from there on, up to what is no chunk."""
    while len(data) >= at + _HEAD and all(0x20 <= byte < 0x7F for byte in data[at : at + 4]):
        size = struct.unpack_from(f"{order}I", data, at + 4)[0]
        yield data[at : at + 4], at + _HEAD, size
        at += _HEAD + size + size % 2


def _ends_well(data: bytes, at: int, order: str) -> bool:
    """Whether only whole chunks lie from there to the end; an odd one may lack its byte of padding."""
    end = at + at % 2
    for _, begin, size in _chunks(data, end, order):
        end = begin + size + size % 2
    return end in (len(data), len(data) + 1) or at == len(data)
