"""Clients in a process of their own, so that they do not disturb those that measure."""

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

_JOIN_S = 10.0


@contextmanager
def other_process(main: Callable[..., None], *arguments: object) -> "Iterator[Connection[Any, Any]]":
    """Run `main(pipe, *arguments)` in a process of its own; gives the other end of the pipe. The process has some time
    to end at the end, and is killed after an error."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=main, args=(theirs, *arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours
        process.join(_JOIN_S)
    finally:
        process.kill()
