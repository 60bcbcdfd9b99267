"""The processes that a server starts: how they end, and what they do about Ctrl-C.

The terminal sends Ctrl-C to all of them, and the server alone acts on it. A child hears nothing of it from its first
instruction on, so that it never ends before its work, nor with a traceback.
"""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess
from typing import Protocol


class Worker(Protocol):
    """Runs the other side of a pipe."""

    def ending(self) -> str:
        """How it ended, for the user."""
        ...

    def stop(self, timeout_s: float) -> None:
        """Wait for its end; a process that does not end is killed."""
        ...


class ProcessWorker:
    """The other side in a process of its own."""

    def __init__(self, process: BaseProcess) -> None:
        self._process = process

    def ending(self) -> str:
        """Its exit code."""
        self._process.join(timeout=1.0)
        return f"exit code {self._process.exitcode}"

    def stop(self, timeout_s: float) -> None:
        """Wait for its end, then kill it."""
        self._process.join(timeout_s)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def start_shielded(process: BaseProcess) -> None:
    """Start a child that holds Ctrl-C back until `ignore_interrupts`; here Ctrl-C counts once the child has all that it
    needs."""
    with _interrupts_later():
        if sys.platform == "win32":
            process.start()
            return
        resource_tracker.ensure_running()  # it would lift the block if it were started with the child
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _interrupts_later() -> Iterator[None]:
    """Ctrl-C takes effect at the end; it interrupts no other thread than the main one in any case."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            signal.raise_signal(signal.SIGINT)


def ignore_interrupts() -> None:
    """Ignore Ctrl-C in this process from now on, and what came of it before."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
