"""Strangers who open connections to a server and never finish a request, while others are served.

They run in a process of their own, so that the clients that measure are not disturbed.
"""

import socket
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from urllib.parse import urlsplit

from runtime.cli.bench.other_process import other_process

_HALF = b"GET / HTTP/1.1\r\nX-"
_ASK_S, _AGAIN_S = 0.2, 10.0
"""How often somebody else asks; and how long it takes to open all connections again that the server has ended."""
_PATIENCE_S = 30.0


@dataclass(frozen=True)
class StrangersReport:
    """`opened`: connections. `slowest_ms`: longest time in which the server answered somebody else, of `asked`."""

    opened: int
    asked: int
    slowest_ms: float


@contextmanager
def strangers(url: str, count: int) -> Iterator[list[StrangersReport]]:
    """Keep `count` half-open connections to the server at `url`; at the end, their report is in the list."""
    reports: list[StrangersReport] = []
    if not count:
        yield reports
        return
    with other_process(_besiege, url, count) as pipe:
        yield reports
        pipe.send(None)
        reports.append(pipe.recv())


def _besiege(pipe: "Connection[StrangersReport, None]", url: str, count: int) -> None:
    """Main function of their process: until it is told to end, connections that the server ended are opened again."""
    place = urlsplit(url)
    address = (place.hostname or "127.0.0.1", place.port or 80)
    held: list[socket.socket] = []
    opened, times = 0, [_ask(url)]
    most = count
    while not pipe.poll(_ASK_S):
        held = [one for one in held if _is_open(one)]
        for _ in range(min(count - len(held), most)):
            with suppress(OSError):
                held.append(_half_open(address))
                opened += 1
        most = max(1, round(count * _ASK_S / _AGAIN_S))
        times.append(_ask(url))
    for one in held:
        one.close()
    pipe.send(StrangersReport(opened, len(times), round(1000 * max(times), 1)))


def _half_open(address: tuple[str, int]) -> socket.socket:
    one = socket.create_connection(address, _PATIENCE_S)
    one.sendall(_HALF)
    one.setblocking(False)
    return one


def _is_open(one: socket.socket) -> bool:
    try:
        if one.recv(1):
            return True
    except BlockingIOError:
        return True
    except OSError:
        pass
    one.close()
    return False


def _ask(url: str) -> float:
    """How long the server takes to serve the page's icon, seconds; `_PATIENCE_S` if it does not."""
    began = time.monotonic()
    try:
        with urllib.request.urlopen(f"{url}/icon.svg", timeout=_PATIENCE_S) as answer:
            answer.read()
    except OSError:
        return _PATIENCE_S
    return time.monotonic() - began
