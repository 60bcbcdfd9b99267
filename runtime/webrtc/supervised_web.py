"""The process of HTTP as the media see it: they answer its calls, and start another one when it is lost.

Conversations do not notice its loss: they need HTTP only to begin. Clients who come meanwhile wait, because the
listening socket stays open. A process that is lost again and again is given up.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from configs.runtime.serve import WebConfig
from runtime.child_processes import Worker
from runtime.clock import Clock
from runtime.errors import DuplexError
from runtime.webrtc.media_calls import MediaCalls
from runtime.webrtc.media_server import MediaServer, ServerFacts
from runtime.webrtc.web_pipe import Call, Cancel, Failed, Serving, Stop, WebPipe
from runtime.webrtc.web_process import WebProcess

logger = logging.getLogger(__name__)
_STOP_S: Final = 4.0
"""How long requests that are being answered may take when the server stops; uvicorn itself waits for 2 s."""
_EXIT_S: Final = 2.0
"""How long a process may take to end that serves no more."""


class WebDied(DuplexError):  # noqa: N818 - reads as what it is
    """The process of HTTP was lost too often."""

    code = "web_died"


class SupervisedWeb:
    """Processes of HTTP, one after the other. The first one is started at once, and loads while the engine does."""

    def __init__(self, start: Callable[[], WebProcess], config: WebConfig, clock: Clock) -> None:
        """`start` starts a process and does not wait for it."""
        self._start, self._config, self._clock = start, config, clock
        self._process = start()
        self._pipe: WebPipe | None = None
        self._losses: deque[float] = deque()
        self._ended = asyncio.Event()
        self._serving = self._stopping = False

    async def run(self, media: MediaServer, facts: ServerFacts, on_serving: Callable[[int], None]) -> None:
        """Let `media` answer what is asked over HTTP, until `stop`.

        `on_serving` is called with the id of every process, when clients can connect.

        Raises:
            WebDied: the process was lost too often.
        """
        try:
            while (why := await self._serve(media, facts, on_serving)) is not None and not self._stopping:
                self._note_loss(why)
                self._process = await asyncio.to_thread(self._start)
        finally:
            self._ended.set()

    async def stop(self) -> None:
        """Let the process end once its requests are answered, for a few seconds at most; `run` ends then."""
        self._stopping = True
        if self._pipe is not None and self._serving:
            self._pipe.send(Stop())
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), _STOP_S)

    def close(self) -> None:
        """End the process: at once, if it did not end when it should."""
        self._process.end.close()
        self._process.worker.stop(_EXIT_S if self._ended.is_set() else 0.0)

    async def _serve(self, media: MediaServer, facts: ServerFacts, on_serving: Callable[[int], None]) -> str | None:
        """Answer one process until it ends; returns why it did, None if it was to."""
        self._pipe = pipe = await WebPipe.attach(self._process.end)
        calls, failure = MediaCalls(media, pipe.send), ""
        pipe.send(facts)
        try:
            while (message := await pipe.receive()) is not None:
                match message:
                    case Call():
                        calls.begin(message)
                    case Cancel(number):
                        calls.cancel(number)
                    case Serving():
                        self._serving = True
                        on_serving(self._process.pid)
                    case Failed(why):
                        failure = why
                await asyncio.sleep(0)  # media come between two calls, however many have come at once
        finally:
            self._serving = False
            await calls.cancel_all()
            await pipe.close()
        ending = await asyncio.to_thread(_bury, self._process.worker)
        return None if self._stopping else failure or ending

    def _note_loss(self, why: str) -> None:
        """Another process may take the place of the lost one, unless that has happened too often.

        Raises:
            WebDied: it has.
        """
        now = self._clock.now()
        self._losses.append(now)
        while self._losses[0] < now - self._config.restart_window_s:
            self._losses.popleft()
        if len(self._losses) > self._config.restarts:
            logger.error("the web server is given up (%s)", why)
            raise WebDied(f"the web server was lost {len(self._losses)} times ({why}); restart, and see the log")
        logger.error("the web server was lost (%s); another one takes its place, conversations go on", why)


def _bury(worker: Worker) -> str:
    """How a process ended that serves no more; one that has not is killed."""
    ending = worker.ending()
    worker.stop(0.0)
    return ending
