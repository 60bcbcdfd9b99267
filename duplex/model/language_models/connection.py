"""The connection of one request, which other threads can break; and how long its server may be silent.

A thread that waits for a server cannot look at a flag, and closing a socket does not wake it; shutting it down does.
"""

import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any


class Connection:
    """Breaks the TCP connection of a request at any time, before it exists too, without waiting."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._broken = False

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """What httpcore calls as the `trace` extension of a request: holds on to the socket as soon as there is one.

        The duplicate stays valid while TLS takes the original over, and until `release`: no other connection can get
        its number in between.
        """
        if event.endswith("connect_tcp.complete"):
            held = info["return_value"].get_extra_info("socket").dup()
            with self._lock:
                self._sockets.append(held)
                if self._broken:
                    _shut_down(held)

    def break_off(self) -> None:
        """End the connection: the server sees it closed, and the thread that reads from it goes on with an error."""
        with self._lock:
            self._broken = True
            for held in self._sockets:
                _shut_down(held)

    def release(self) -> None:
        """The request is over."""
        with self._lock:
            for held in self._sockets:
                held.close()
            self._sockets.clear()


def _shut_down(held: socket.socket) -> None:
    with suppress(OSError):  # the server was first
        held.shutdown(socket.SHUT_RDWR)


class Patience:
    """How long a server may still take: `first_s` until text comes, then `next_s` between two signs of life."""

    def __init__(self, first_s: float, next_s: float, now: Callable[[], float]) -> None:
        self._next_s, self._now = next_s, now
        self._due = now() + first_s
        self.has_text = False
        """The answer has begun."""
        self.thinks = False
        """The model has thought."""

    def note(self, text: bool, thinks: bool) -> None:
        """Something came. Thoughts before the first text buy no time: to the user they are silence."""
        self.has_text |= text
        self.thinks |= thinks
        if self.has_text:
            self._due = self._now() + self._next_s

    @property
    def left_s(self) -> float:
        """Seconds until it ends; 0 when it has ended."""
        return max(0.0, self._due - self._now())
