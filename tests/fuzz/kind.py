"""What a kind of input is, and how one input is tried: its errors, its memory and its time."""

import time
import tracemalloc
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from runtime.errors import USER_ERRORS, user_line

Reader = Callable[[bytes], bool]
"""Reads an input: whether it is accepted. Raises one of `USER_ERRORS` for one that is refused."""

MOST_BYTES: Final = 200_000_000
MOST_S: Final = 10.0
"""Time of the CPU for one input, most of which take some milliseconds."""
LONGEST_LINE: Final = 1200


class FaultError(Exception):
    """A reader did what it must not do."""


@dataclass(frozen=True)
class Kind:
    """A kind of input.

    Attributes:
        name: in the plural. make: draws an input. reading: gives a reader that may keep its files in a folder.
    """

    name: str
    make: Callable[[Random], bytes]
    reading: Callable[[Path], AbstractContextManager[Reader]]

    def draw(self, seed: int, number: int) -> bytes:
        """Input `number` of a seed."""
        return self.make(Random(f"{seed} {self.name} {number}"))


def try_input(reader: Reader, data: bytes) -> bool:
    """Whether the reader accepts an input.

    Raises:
        FaultError: it raised no typed error in one line, or took too much memory or time.
    """
    tracemalloc.start()
    began = time.process_time()
    try:
        accepted = _read(reader, data)
        held = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    seconds = time.process_time() - began
    if held > MOST_BYTES:
        raise FaultError(f"it took {held / 1e6:.0f} MB for {len(data)} bytes")
    if seconds > MOST_S:
        raise FaultError(f"it took {seconds:.1f} s for {len(data)} bytes")
    return accepted


def _read(reader: Reader, data: bytes) -> bool:
    try:
        return reader(data)
    except USER_ERRORS as error:
        if len(user_line(error)) > LONGEST_LINE:
            raise FaultError(f"a message of {len(user_line(error))} characters: {user_line(error)[:80]}...") from error
        return False
    except FaultError:
        raise
    except Exception as error:
        raise FaultError(f"{type(error).__name__}: {user_line(error)[:200]}") from error
