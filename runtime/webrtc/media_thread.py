"""An event loop of their own for media: what strangers do over HTTP hardly makes packets late.

HTTP and media share one interpreter, of which only one thread runs at a time; therefore threads change places more
often than usual. Nothing here depends on HTTP or on sessions.
"""

import asyncio
import os
import sys
import threading
from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar

Result = TypeVar("Result")
SWITCH_S = 0.0005
"""How long a thread that computes keeps the interpreter while another one waits for it; Python's own value is 5 ms."""
_NICE = 10


def _give_way() -> None:
    """Lower the priority of the present thread, which serves HTTP."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


class MediaLoop(Protocol):
    """Runs coroutines where the media run."""

    async def start(self, main: Coroutine[Any, Any, None]) -> None:
        """Run `main` until `stop`."""
        ...

    async def call(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The result of `work`; what it raises is raised here."""
        ...

    async def stop(self) -> None:
        """Cancel `main` and wait for its end."""
        ...


class SharedLoop:
    """Media on the caller's own loop, for tests and for programs that serve nobody else."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None

    async def start(self, main: Coroutine[Any, Any, None]) -> None:
        """See `MediaLoop.start`."""
        self._task = asyncio.create_task(main)

    async def call(self, work: Coroutine[Any, Any, Result]) -> Result:
        """See `MediaLoop.call`."""
        return await work

    async def stop(self) -> None:
        """See `MediaLoop.stop`."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


class MediaThread:
    """Media on a loop in a thread of their own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="media", daemon=True)
        self._task: asyncio.Task[None] | None = None

    async def start(self, main: Coroutine[Any, Any, None]) -> None:
        """See `MediaLoop.start`."""
        sys.setswitchinterval(SWITCH_S)
        self._thread.start()
        _give_way()

        async def begin() -> None:
            self._task = asyncio.create_task(main)

        await self.call(begin())

    async def call(self, work: Coroutine[Any, Any, Result]) -> Result:
        """See `MediaLoop.call`."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    async def stop(self) -> None:
        """See `MediaLoop.stop`."""

        async def end() -> None:
            if self._task is not None:
                self._task.cancel()
                await asyncio.gather(self._task, return_exceptions=True)
            await self._loop.shutdown_default_executor()

        await self.call(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        await asyncio.to_thread(self._thread.join)
        self._loop.close()
