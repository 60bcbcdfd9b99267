"""The pipe between the processes of the media and of HTTP, and the records that they exchange.

It is a pair of sockets on both sides' event loops, so that neither side waits for the other one; the pipes of
`multiprocessing` wait until a whole message has been sent or has come.
"""

import asyncio
import logging
import pickle
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from runtime.errors import DuplexError

_HEAD: Final = struct.Struct("!I")
"""Before each message: its length in bytes."""
_MOST_BYTES: Final = 1 << 24
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Call:
    """HTTP asks the media: a method of `MediaServer` and its arguments. One `Reply` follows, whatever happens."""

    number: int
    method: str
    arguments: tuple[object, ...] = field(repr=False)


@dataclass(frozen=True)
class Cancel:
    """HTTP no longer wants the reply to a call; unknown ones are ignored."""

    number: int


@dataclass(frozen=True)
class Reply:
    """The media answer a call: with a result, or with an error that is raised by the caller."""

    number: int
    result: object = field(default=None, repr=False)
    error: DuplexError | None = None


@dataclass(frozen=True)
class Serving:
    """HTTP: clients can connect."""


@dataclass(frozen=True)
class Failed:
    """HTTP: this process ends because of an error."""

    why: str


@dataclass(frozen=True)
class Stop:
    """The media: end, once the requests that have come are answered."""


def encode(message: object) -> bytes:
    """A message as it is sent."""
    body = pickle.dumps(message)
    return _HEAD.pack(len(body)) + body


class WebPipe:
    """One end of the pipe on the running event loop."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def attach(cls, end: socket.socket) -> "WebPipe":
        """Use a connected socket from now on; `close` closes it."""
        end.setblocking(False)
        return cls(*await asyncio.open_connection(sock=end))

    def send(self, message: object) -> None:
        """Send a message at some time; what nobody receives any more is dropped.

        What waits is bounded by the number of HTTP connections, each of which has one call at most.
        """
        if not self._writer.is_closing():
            self._writer.write(encode(message))

    async def receive(self) -> object | None:
        """The next message; None when the other side has ended, or sends what cannot be read."""
        try:
            (length,) = _HEAD.unpack(await self._reader.readexactly(_HEAD.size))
            if length > _MOST_BYTES:
                logger.error("a message of %d bytes is too large; the pipe ends", length)
                return None
            body = await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, OSError):
            return None
        try:
            message: object = pickle.loads(body)
        except Exception:  # whatever a broken message makes of it
            logger.exception("a message cannot be read; the pipe ends")
            return None
        return message

    async def close(self) -> None:
        """Close this end."""
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()
