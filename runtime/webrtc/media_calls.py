"""The calls of a process of HTTP that the media are answering.

Nothing here depends on what is asked, or on processes.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from runtime.errors import DuplexError
from runtime.webrtc.media_server import MediaServer
from runtime.webrtc.web_pipe import Call, Reply

logger = logging.getLogger(__name__)
METHODS: Final = frozenset(name for name in vars(MediaServer) if not name.startswith("_"))
"""What may be called."""


class MediaFault(DuplexError):  # noqa: N818 - reads as what it is
    """The media made a mistake, which is in the log."""

    code = "internal"


class MediaCalls:
    """Tasks by the number of their call; each ends with one reply."""

    def __init__(self, media: MediaServer, reply: Callable[[Reply], None]) -> None:
        self._media, self._reply = media, reply
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def begin(self, call: Call) -> None:
        """Answer a call."""
        task = asyncio.get_running_loop().create_task(self._answer(call))
        self._tasks[call.number] = task
        task.add_done_callback(lambda done: self._tasks.pop(call.number, None))

    def cancel(self, number: int) -> None:
        """Break a call off; one that has ended is ignored."""
        if number in self._tasks:
            self._tasks[number].cancel()

    async def cancel_all(self) -> None:
        """Nobody waits for the replies any more: break all calls off, and wait for their end."""
        tasks = tuple(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(self, call: Call) -> None:
        reply = Reply(call.number)
        try:
            reply = Reply(call.number, await self._do(call))
        except DuplexError as error:
            reply = Reply(call.number, error=error)
        except Exception as error:
            logger.exception("a request failed (%s)", call.method)
            fault = MediaFault(f"the server made a mistake ({type(error).__name__}); see its log")
            reply = Reply(call.number, error=fault)
        finally:
            self._reply(reply)

    async def _do(self, call: Call) -> object:
        if call.method not in METHODS:
            raise ValueError(f"the media have no method '{call.method}'")
        result: object = await getattr(self._media, call.method)(*call.arguments)
        return result
