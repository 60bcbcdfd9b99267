"""Samples running conversations and their server at regular times. Clock, sleep and sources are arguments."""

from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import Final, Protocol

from runtime.cli.bench.soak.samples import Idle, ProcessSample, Sample, SessionSample
from runtime.clock import Clock
from runtime.errors import EngineError, user_line

Sleep = Callable[[float], Awaitable[None]]
"""Waits for a number of seconds."""
ServerSample = tuple[ProcessSample, ProcessSample, ProcessSample]
"""Figures of a server's main process, its engine and its web process."""
_AGAIN_S: Final = 1.0


class Watched(Protocol):
    """A session that is sampled."""

    ended: str | None

    def sample(self) -> SessionSample:
        """Its figures now; sets `ended` if it has ended."""
        ...


async def watch(
    sessions: Sequence[Watched],
    read_processes: Callable[[], ServerSample],
    clock: Clock,
    sleep: Sleep,
    *,
    seconds: float,
    every_s: float,
    on_sample: Callable[[Sample], None],
) -> tuple[tuple[Sample, ...], tuple[str, ...]]:
    """Take a sample every `every_s` seconds, for `seconds` or until something ends.

    Args:
        sessions: what is sampled.
        read_processes: figures of server, engine and web process; an `EngineError` (one is gone) ends the watch.
        clock, sleep: the time between samples.
        seconds, every_s: see above; the last sample is taken at the end.
        on_sample: is called with every sample.

    Returns:
        The samples, and why it ended before its time; no reason if it did not.
    """
    begin, samples = clock.now(), list[Sample]()
    for number in count(1):
        due_s = min(number * every_s, seconds)
        await sleep(max(0.0, begin + due_s - clock.now()))
        try:
            processes = read_processes()
        except EngineError as error:
            return tuple(samples), (user_line(error),)
        figures = tuple(session.sample() for session in sessions)
        samples.append(Sample(round(clock.now() - begin, 3), *processes, figures))
        on_sample(samples[-1])
        ended = tuple(
            f"session {place} ended early: {session.ended}"
            for place, session in enumerate(sessions, 1)
            if session.ended is not None
        )
        if ended or due_s >= seconds:
            return tuple(samples), ended
    raise AssertionError("count has no end")


async def settle(
    read: Callable[[], Awaitable[Idle]], clock: Clock, sleep: Sleep, limit_s: float, before: Idle | None = None
) -> Idle:
    """Wait until an idle server has closed what it no longer needs.

    Args:
        read: what the server holds now.
        clock, sleep: the time between two readings.
        limit_s: how long to wait at most; without `before`, how long to wait.
        before: what it held earlier; the first reading that does not exceed it ends the wait.

    Returns:
        The last reading.
    """
    end = clock.now() + limit_s
    while True:
        now = await read()
        if clock.now() >= end or (before is not None and not now.exceeds(before)):
            return now
        await sleep(_AGAIN_S)
