"""The media as the process of HTTP sees them: every call goes through the pipe to the process of the media.

Nothing here depends on HTTP or on processes.
"""

import asyncio
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from duplex.model.interface import ConversationOptions
from runtime.errors import DuplexError
from runtime.webrtc.media_server import Answered, Unready
from runtime.webrtc.web_pipe import Call, Cancel, Reply, Stop, WebPipe


class MediaGone(DuplexError):  # noqa: N818 - reads as what it is
    """The process of the media has ended."""

    code = "media_gone"


class RemoteMedia:
    """A `MediaServer` in another process."""

    def __init__(self, pipe: WebPipe) -> None:
        self._pipe = pipe
        self._numbers = count()
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._gone = False

    async def run(self, on_stop: Callable[[], None]) -> None:
        """Take replies until the process of the media ends; `on_stop` is called when it asks this one to end."""
        try:
            while (message := await self._pipe.receive()) is not None:
                match message:
                    case Reply():
                        self._take(message)
                    case Stop():
                        on_stop()
        finally:
            self._gone = True
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(_gone())

    async def open(
        self, sdp: str, options: ConversationOptions, policy: str, attempt: str | None = None, address: str = ""
    ) -> Answered:
        """See `MediaServer`."""
        answered: Answered = await self._call("open", sdp, options, policy, attempt, address)
        return answered

    async def resume(self, sdp: str, session: str, secret: str, attempt: str | None = None) -> Answered:
        """See `MediaServer`."""
        answered: Answered = await self._call("resume", sdp, session, secret, attempt)
        return answered

    async def lose(self, session: str, reason: str) -> None:
        """See `MediaServer`."""
        await self._call("lose", session, reason)

    async def close(self, session: str, reason: str) -> None:
        """See `MediaServer`."""
        await self._call("close", session, reason)

    async def leave(self, attempt: str, returns: bool = False) -> None:
        """See `MediaServer`."""
        await self._call("leave", attempt, returns)

    async def count_places(self) -> tuple[int, int]:
        """See `MediaServer`."""
        places: tuple[int, int] = await self._call("count_places")
        return places

    async def folder(self, session: str) -> Path:
        """See `MediaServer`."""
        folder: Path = await self._call("folder", session)
        return folder

    async def explain_unready(self) -> Unready | None:
        """See `MediaServer`."""
        unready: Unready | None = await self._call("explain_unready")
        return unready

    async def tell_metrics(self, http_tasks: int) -> bytes:
        """See `MediaServer`."""
        text: bytes = await self._call("tell_metrics", http_tasks)
        return text

    async def _call(self, method: str, *arguments: object) -> Any:
        """The result of a method there, or its error.

        Raises:
            MediaGone: the process of the media has ended.
        """
        if self._gone:
            raise _gone()
        number = next(self._numbers)
        waiting = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._pipe.send(Call(number, method, arguments))
        try:
            return await waiting
        except asyncio.CancelledError:
            self._waiting.pop(number, None)
            self._pipe.send(Cancel(number))
            raise

    def _take(self, reply: Reply) -> None:
        waiting = self._waiting.pop(reply.number, None)
        if waiting is not None and not waiting.done():
            if reply.error is None:
                waiting.set_result(reply.result)
            else:
                waiting.set_exception(reply.error)
        elif isinstance(reply.result, Answered):  # the session was opened before the cancellation was heard of
            arguments = (reply.result.session, "the client left before the answer")
            self._pipe.send(Call(next(self._numbers), "lose", arguments))


def _gone() -> MediaGone:
    return MediaGone("the server's media have ended; try again in a few seconds, or see its log")
