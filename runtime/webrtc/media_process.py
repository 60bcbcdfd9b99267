"""The main process of a server: media on its event loop, HTTP in a process beside it, and the end of both.

Nothing here depends on engines or options.
"""

import asyncio
import logging
import sys
from collections.abc import Callable
from typing import Final

from runtime.heap import settle_heap
from runtime.observers import Observer
from runtime.webrtc.gateway import Gateway
from runtime.webrtc.media_server import ServerFacts
from runtime.webrtc.stop_signals import StopSignals
from runtime.webrtc.supervised_web import SupervisedWeb

logger = logging.getLogger(__name__)
SWITCH_S: Final = 0.0005
"""How long a thread that writes files keeps the interpreter while media wait for it; Python's own value is 5 ms."""


class MediaProcess:
    """What this process does from the moment its engine runs."""

    def __init__(self, gateway: Gateway, web: SupervisedWeb, facts: ServerFacts, observer: Observer) -> None:
        """`observer` is told of every process of HTTP."""
        self._gateway, self._web, self._facts, self._observer = gateway, web, facts, observer
        self._ready: Callable[[], None] | None = None

    def run(self, ready: Callable[[], None]) -> None:
        """Serve until interrupted or, after SIGTERM, drained; `ready` is called when clients can connect.

        Raises:
            WebDied: HTTP cannot be served any more; the conversations have ended. KeyboardInterrupt: Ctrl-C ended them.
        """
        self._ready = ready
        sys.setswitchinterval(SWITCH_S)
        signals = StopSignals()
        asyncio.run(self._run(signals))
        if signals.interrupted:
            raise KeyboardInterrupt

    async def _run(self, signals: StopSignals) -> None:
        with signals.captured():
            media = asyncio.create_task(self._gateway.run())
            http = asyncio.create_task(self._web.run(self._gateway, self._facts, self._on_serving))
            stopping = asyncio.create_task(signals.until_stopped(self._gateway.drain))
            await asyncio.wait((media, http, stopping), return_when=asyncio.FIRST_COMPLETED)
            if http.done():
                signals.drain()
                await asyncio.wait((media, stopping), return_when=asyncio.FIRST_COMPLETED)
            await self._web.stop()
            for task in (stopping, http, media):  # media last, because HTTP may ask until its end
                task.cancel()
                await asyncio.wait((task,))
        for task in (media, http, stopping):
            if not task.cancelled():
                task.result()

    def _on_serving(self, pid: int) -> None:
        self._observer.on_web(pid)
        if self._ready is None:
            logger.warning("the web server runs again")
            return
        ready, self._ready = self._ready, None
        settle_heap()
        ready()
