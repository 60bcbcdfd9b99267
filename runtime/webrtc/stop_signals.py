"""When a server stops: the first SIGTERM lets conversations end, a second one and Ctrl-C stop it at once.

This module handles signals; it does not depend on what is stopped.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_TICK_S: Final = 0.1
"""How often a server that is to stop looks whether it can."""
_INTERRUPTS: Final = tuple(getattr(signal, name) for name in ("SIGINT", "SIGBREAK") if hasattr(signal, name))
"""Ctrl-C, and Ctrl-Break on Windows."""


class StopSignals:
    """The signals that have come. `interrupted`: Ctrl-C was among them."""

    def __init__(self) -> None:
        self.interrupted = False
        self._draining, self._stopped = asyncio.Event(), asyncio.Event()

    @contextmanager
    def captured(self) -> Iterator[None]:
        """Signals come here, instead of to those who had them before; needs a running loop in the main thread."""
        loop = asyncio.get_running_loop()

        def note(number: int, frame: FrameType | None) -> None:  # a signal interrupts the loop anywhere
            loop.call_soon_threadsafe(self.receive, number)

        before = {number: signal.signal(number, note) for number in (signal.SIGTERM, *_INTERRUPTS)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def receive(self, number: int) -> None:
        """A signal came."""
        self.interrupted = self.interrupted or number in _INTERRUPTS
        if self.interrupted or self._draining.is_set():
            self._stopped.set()
        self.drain()

    def drain(self) -> None:
        """Let conversations end, as the first SIGTERM does."""
        self._draining.set()

    async def until_stopped(
        self, drain: Callable[[], Awaitable[bool]], sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    ) -> None:
        """Return when the server is to stop. `drain`: see `Gateway.drain`; it is called again and again."""
        await self._draining.wait()
        while not self._stopped.is_set() and not await drain():
            await sleep(_TICK_S)
