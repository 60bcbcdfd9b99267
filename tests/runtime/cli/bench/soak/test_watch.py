"""The loop of a soak in virtual time: when samples are taken, and what ends it."""

from collections.abc import Iterator

from runtime.cli.bench.soak.samples import Idle, ProcessSample, Sample, SessionSample
from runtime.cli.bench.soak.watch import ServerSample, settle, watch
from runtime.clock import ManualClock
from runtime.errors import EngineError

PROCESS = ProcessSample(100.0, 10)
FIGURES = SessionSample(50.0, None, 5, 0, 0)
CALM = Idle(20, 9, 12, 7)
MORE = Idle(20, 9, 12, 8)


class FakeSession:
    """Ends with its sample number `last`, if that is given."""

    def __init__(self, last: int = 0) -> None:
        self.ended: str | None = None
        self.samples = 0
        self._last = last

    def sample(self) -> SessionSample:
        self.samples += 1
        if self.samples == self._last:
            self.ended = "the engine died"
        return FIGURES


class World:
    """A clock that `sleep` moves, a little too far, and processes of which one is gone at a time."""

    def __init__(self, gone_at: float = 1e9, extra_s: float = 0.0) -> None:
        self.clock = ManualClock(100.0)
        self._gone_at, self._extra_s = gone_at, extra_s

    async def sleep(self, seconds: float) -> None:
        self.clock.advance(seconds + self._extra_s)

    def read(self) -> ServerSample:
        if self.clock.now() >= self._gone_at:
            raise EngineError("process 7 of the server is gone")
        return PROCESS, PROCESS, PROCESS


async def run(
    world: World, sessions: list[FakeSession], seconds: float = 60.0
) -> tuple[tuple[Sample, ...], tuple[str, ...]]:
    told: list[Sample] = []
    result = await watch(
        sessions, world.read, world.clock, world.sleep, seconds=seconds, every_s=5.0, on_sample=told.append
    )
    assert tuple(told) == result[0]
    return result


async def test_samples_are_regular_and_do_not_slip() -> None:
    samples, ended = await run(World(extra_s=0.25), [FakeSession(), FakeSession()])
    assert [sample.at_s for sample in samples] == [5.0 * number + 0.25 for number in range(1, 13)]
    assert ended == ()
    assert samples[-1] == Sample(60.25, PROCESS, PROCESS, PROCESS, (FIGURES, FIGURES))


async def test_the_last_sample_is_at_the_end() -> None:
    samples, _ = await run(World(), [FakeSession()], seconds=12.0)
    assert [sample.at_s for sample in samples] == [5.0, 10.0, 12.0]


async def test_a_session_that_ends_early_ends_the_soak() -> None:
    samples, ended = await run(World(), [FakeSession(), FakeSession(last=3)])
    assert len(samples) == 3
    assert ended == ("session 2 ended early: the engine died",)


async def test_a_process_that_is_gone_ends_the_soak_and_keeps_the_samples() -> None:
    samples, ended = await run(World(gone_at=112.0), [FakeSession()])
    assert len(samples) == 2
    assert ended == ("process 7 of the server is gone",)


async def test_a_server_may_take_a_while_to_settle() -> None:
    world, readings = World(), iter([MORE, MORE, CALM, MORE])
    assert await settle(lambda: read_next(readings), world.clock, world.sleep, 15.0, before=CALM) == CALM
    assert world.clock.now() == 102.0


async def test_what_stays_is_returned_after_the_limit() -> None:
    world = World()
    assert await settle(lambda: read_next(iter([MORE])), world.clock, world.sleep, 15.0, before=CALM) == MORE
    assert world.clock.now() == 115.0


async def test_without_an_earlier_reading_the_whole_time_is_waited() -> None:
    world = World()
    assert await settle(lambda: read_next(iter([CALM])), world.clock, world.sleep, 3.0) == CALM
    assert world.clock.now() == 103.0


async def read_next(readings: Iterator[Idle]) -> Idle:
    return next(readings)
