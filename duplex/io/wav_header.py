"""Compares what the header of a wav file claims with the bytes that are there.

Programs that write to a pipe do not know the length: they leave 0 or the largest number. A file that was cut off claims
more than it contains. This module handles RIFF, RIFX and RF64 chunks, no samples.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_BYTE_ORDERS: Final = {b"RIFF": "<", b"RF64": "<", b"RIFX": ">"}
_START, _HEAD = 12, 8
_LARGEST: Final = 0xFFFFFFFF
UNKNOWN_SIZE: Final = 0x7F000000
"""Streaming writers put at least this value (sox 0x7FFFF000, ffmpeg 0xFFFFFFFF) if they do not know the length."""


@dataclass(frozen=True)
class WavHeader:
    """The data chunk of a wav file.

    Attributes:
        order: byte order of its numbers, "<" or ">". begin: where its samples begin, in bytes.
        claimed: bytes of samples claimed by its header. held: bytes from `begin` to the file's end.
        followed: whether the claimed samples are followed by nothing or by well-formed chunks.
    """

    order: str
    begin: int
    claimed: int
    held: int
    followed: bool

    @property
    def endless(self) -> bool:
        """Whether the header has no length, so that the samples extend to the end of the file."""
        return self.claimed >= UNKNOWN_SIZE > self.held or (self.claimed == 0 < self.held and not self.followed)

    @property
    def cut_off(self) -> bool:
        """Whether the header claims more than there is."""
        return not self.endless and self.claimed > self.held

    @property
    def unread(self) -> int:
        """Bytes after the samples that do not belong to the file by its header."""
        return 0 if self.endless or self.followed else max(0, self.held - self.claimed)

    def with_length(self, data: bytes) -> bytes:
        """The file as plain RIFF, with a header that covers all its samples."""
        whole = bytearray(data)
        whole[:4] = b"RIFF" if self.order == "<" else b"RIFX"
        struct.pack_into(f"{self.order}I", whole, 4, min(len(whole) - _HEAD, _LARGEST))
        struct.pack_into(f"{self.order}I", whole, self.begin - 4, min(self.held, _LARGEST))
        return bytes(whole)


def wav_header(data: bytes) -> WavHeader | None:
    """The data chunk of a file; None if it is not a wav file or has none."""
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
    """Name, first byte and size of the chunks from there on, up to the first invalid one."""
    while len(data) >= at + _HEAD and all(0x20 <= byte < 0x7F for byte in data[at : at + 4]):
        size = struct.unpack_from(f"{order}I", data, at + 4)[0]
        yield data[at : at + 4], at + _HEAD, size
        at += _HEAD + size + size % 2


def _ends_well(data: bytes, at: int, order: str) -> bool:
    """Whether only whole chunks follow up to the end; an odd one may lack its padding byte."""
    end = at + at % 2
    for _, begin, size in _chunks(data, end, order):
        end = begin + size + size % 2
    return end in (len(data), len(data) + 1) or at == len(data)
