"""Runs a soak: a rehearsal, the conversations, and a look at what the server still holds afterwards."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TypeVar

from runtime.cli.bench.conversations import begin, leave, read
from runtime.cli.bench.own_server import RunningServer
from runtime.cli.bench.soak.processes import read_process
from runtime.cli.bench.soak.samples import Idle, Measured, Sample
from runtime.cli.bench.soak.talker import Talker
from runtime.cli.bench.soak.watch import ServerSample, Sleep, settle, watch
from runtime.clock import Clock
from runtime.errors import EngineError
from runtime.pcm import Pcm16

Result = TypeVar("Result")
_TASKS: Final = "duplex_tasks{"


@dataclass(frozen=True)
class SoakConfig:
    """How a soak runs.

    `sessions` conversations of `seconds`, sampled every `every_s`; the clocks of every other one are slow by
    `drift_ppm`, those of the rest fast. Before it, the same conversations are held for `rehearse_s`, so that what a
    server opens once and keeps does not count as leaked. `settle_s`: how long a server may take to close what it no
    longer needs. `pattern`: interaction pattern of the conversations, for models that have several.
    """

    seconds: float
    sessions: int = 2
    drift_ppm: float = 200.0
    every_s: float = 5.0
    rehearse_s: float = 20.0
    settle_s: float = 15.0
    pattern: str | None = None

    @property
    def drifts_ppm(self) -> tuple[float, ...]:
        """The drift of every session; positive is slow."""
        return tuple(-self.drift_ppm if place % 2 else self.drift_ppm for place in range(self.sessions))


async def soak(
    server: RunningServer,
    config: SoakConfig,
    audio: Pcm16,
    clock: Clock,
    sleep: Sleep = asyncio.sleep,
    on_sample: Callable[[Sample], None] = lambda sample: None,
) -> Measured:
    """Soak a server that nobody else talks to.

    Args:
        server: runs on this machine and has room for the sessions.
        config: see `SoakConfig`.
        audio: [n] user audio at 24 kHz, repeated; every session begins at another place of it.
        clock, sleep: real time.
        on_sample: is called with every sample.

    Returns:
        What was measured, also if sessions ended early.

    Raises:
        EngineError: the server refuses a client, or is gone before the soak begins.
    """

    async def idle() -> Idle:
        return await read_idle(server)

    rehearsal = make_talkers(config, audio, clock)
    await _hold(server, rehearsal, config, lambda: sleep(config.rehearse_s))
    before = await settle(idle, clock, sleep, config.settle_s)
    talkers = make_talkers(config, audio, clock)
    samples, ended = await _hold(
        server, talkers, config,
        lambda: watch(
            talkers, lambda: read_processes(server), clock, sleep,
            seconds=config.seconds, every_s=config.every_s, on_sample=on_sample,
        ),
    )  # fmt: skip
    after = None
    with suppress(EngineError):
        after = await settle(idle, clock, sleep, config.settle_s, before)
    return Measured(config.drifts_ppm, samples, before, after, ended, count_late(talkers))


def make_talkers(config: SoakConfig, audio: Pcm16, clock: Clock) -> list[Talker]:
    """The clients, not yet connected; needs a running event loop."""
    return [Talker(audio, place / config.sessions, clock, ppm) for place, ppm in enumerate(config.drifts_ppm)]


def count_late(talkers: Sequence[Talker]) -> float:
    """Share (0..1) of the clients' own packets that left late."""
    sent = [talker.client.pacing for talker in talkers]
    return round(sum(one.late for one in sent) / max(1, sum(one.packets for one in sent)), 6)


def read_processes(server: RunningServer) -> ServerSample:
    """Figures of the processes of a server.

    Raises:
        EngineError: one of them is gone.
    """
    return read_process(server.server_pid), read_process(server.engine_pid), read_process(server.web_pid)


async def read_idle(server: RunningServer) -> Idle:
    """What the server holds now; its tasks are those that it tells at `/metrics`.

    Raises:
        EngineError: it does not answer, or a process is gone.
    """
    tasks = count_tasks(await read(f"{server.url}/metrics"))
    own, engine, web = read_processes(server)
    return Idle(own.descriptors, engine.descriptors, web.descriptors, tasks)


def count_tasks(metrics: str) -> int:
    """Tasks on all event loops, from the text of `/metrics`."""
    return sum(int(float(line.split()[-1])) for line in metrics.splitlines() if line.startswith(_TASKS))


async def _hold(
    server: RunningServer, talkers: Sequence[Talker], config: SoakConfig, work: Callable[[], Awaitable[Result]]
) -> Result:
    """Hold the conversations while `work` is done; returns its result."""
    try:
        await asyncio.gather(*(begin(talker.client, server.url, config.pattern) for talker in talkers))
        result = await work()
        await asyncio.gather(*(leave(talker.client) for talker in talkers if talker.ended is None))
        return result
    finally:
        for talker in talkers:
            await talker.client.close()
