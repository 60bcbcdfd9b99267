"""Starts the process of HTTP: its end of the pipe, its priority, its log, and what it reports if it fails.

The process begins with `process_main`, which imports the web stack only once Ctrl-C is ignored.
"""

import asyncio
import multiprocessing
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from configs.runtime.serve import ServeConfig
from runtime.child_processes import ProcessWorker, Worker, ignore_interrupts, start_shielded
from runtime.clock import SystemClock
from runtime.errors import user_line
from runtime.logs import set_up_logs
from runtime.webrtc.web_pipe import Failed, encode

WEB: Final = "duplex-web"
"""Name of the process."""
_NICE: Final = 10
"""By how much its priority is lower than that of the media."""


class WebProcess:
    """A running process of HTTP. `end`: the media's end of the pipe. `pid`: its id."""

    def __init__(self, worker: Worker, end: socket.socket, pid: int) -> None:
        self.worker, self.end, self.pid = worker, end, pid


def start_web_process(listener: socket.socket, config: ServeConfig, page: Path) -> WebProcess:
    """Start a process of HTTP; it serves once it has been sent `ServerFacts` and has told that it is `Serving`.

    Args:
        listener: a listening socket, which stays open here. config: limits, token, log. page: folder of the page's
            files.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = socket.socketpair()
    with theirs:
        process = context.Process(target=process_main, args=(theirs, listener, config, page), name=WEB, daemon=True)
        start_shielded(process)
    assert process.pid is not None
    return WebProcess(ProcessWorker(process), ours, process.pid)


def process_main(end: socket.socket, listener: socket.socket, config: ServeConfig, page: Path) -> None:
    """Main function of the process; see `start_web_process`. It ends with its pipe."""
    ignore_interrupts()
    if sys.platform != "win32":
        os.nice(_NICE)
    set_up_logs(config.log, sys.stderr, SystemClock())
    with end, listener:
        try:
            from runtime.webrtc.web_server import serve

            asyncio.run(serve(end, listener, config, page))
        except Exception as error:
            with suppress(OSError):
                end.setblocking(True)
                end.sendall(encode(Failed(f"{type(error).__name__}: {user_line(error)}")))
