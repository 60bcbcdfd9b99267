"""Where the files of conversations are written: at once, or in a thread of their own.

A disk may stall for longer than a packet lasts; whoever sends packets must not wait for it. Nothing here depends on
what is written.
"""

import logging
import queue
import threading
from collections.abc import Callable
from typing import Protocol

logger = logging.getLogger(__name__)
Work = Callable[[], None]
"""Something to write."""


class FileWriter(Protocol):
    """Does work in the order in which it was given."""

    def submit(self, work: Work) -> None:
        """Do `work` now or later."""
        ...

    @property
    def waiting(self) -> int:
        """How much work is not done yet."""
        ...

    def close(self) -> None:
        """Return when all work is done; nothing may be submitted afterwards."""
        ...


class InlineWriter:
    """Does work at once: for virtual time, tools and tests."""

    waiting = 0

    def submit(self, work: Work) -> None:
        """Do `work`."""
        work()

    def close(self) -> None:
        """Nothing is left to do."""


class ThreadWriter:
    """Does work in one thread."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="files", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How much work is not begun yet."""
        return self._queue.qsize()

    def submit(self, work: Work) -> None:
        """Do `work` later."""
        self._queue.put(work)

    def close(self) -> None:
        """Return when all work is done."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            try:
                work()
            except Exception:  # a fault in one conversation's files must not end those of the others
                logger.exception("files could not be written")
