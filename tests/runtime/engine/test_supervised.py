"""An engine that is lost is started again, and its conversations go on with what they were."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from configs.runtime.runtime import EngineConfig
from duplex.model.interface import Came, ConversationOptions, SlotResult, UserWords
from runtime.clock import ManualClock
from runtime.engine.kept_session import KeptSession
from runtime.engine.process import PipeEngine, start_engine_process, start_engine_thread
from runtime.engine.supervised import SupervisedEngine
from runtime.errors import EngineDied, EngineRestarts, ModelLoadError, UnknownSession
from runtime.pcm import to_int16
from runtime.records import EngineEvent, EngineTimes, SessionFailed, SessionOpened, SlotDone, UserSlot
from tests.runtime.fakes import FakeGenerator, load_fake
from tests.runtime.user_audio import INTERRUPTION

SLOT = 3200
CONFIG = EngineConfig(max_sessions=2, gather_ms=0, restarts=2, max_waiting_slots=5, spare=False)
OPTIONS = ConversationOptions()
PATIENCE_S = 60.0
VOICE = to_int16(INTERRUPTION)
SLOTS = len(VOICE) // SLOT


def said(index: int) -> UserSlot:
    return UserSlot(index, VOICE[index * SLOT : (index + 1) * SLOT])


class Starts:
    """Starts engines in threads, whose pipes a test can cut; `broken`: from then on none can be started."""

    def __init__(self) -> None:
        self.engines: list[PipeEngine] = []
        self.gently: list[bool] = []
        self.broken = False

    def __call__(self, *, unwanted: threading.Event, gently: bool = False) -> PipeEngine:
        self.gently.append(gently)
        if self.broken:
            raise ModelLoadError("model 'fake' cannot be loaded: no memory")
        self.engines.append(start_engine_thread("fake", CONFIG, load_fake, unwanted))
        return self.engines[-1]

    def lose(self) -> None:
        """The newest engine ends, as far as anybody can see."""
        self.engines[-1]._gone = EngineDied("the engine ended unexpectedly (by the test); restart")


@pytest.fixture
def starts() -> Starts:
    return Starts()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def engine(starts: Starts, clock: ManualClock) -> Iterator[SupervisedEngine]:
    made = SupervisedEngine(starts, CONFIG, clock)
    yield made
    made.close()


def wait(engine: SupervisedEngine) -> list[EngineEvent]:
    """What happens next."""
    if engine._starting is not None:
        engine._starting.exception(PATIENCE_S)
    else:
        engine._engine.wait(PATIENCE_S)
    return engine.poll()


def events_until(engine: SupervisedEngine, last: Callable[[EngineEvent], bool]) -> list[EngineEvent]:
    events: list[EngineEvent] = []
    while not any(map(last, events)):
        events += wait(engine)
    return events


def answers(engine: SupervisedEngine, session: str, indices: range) -> list[SlotDone]:
    """Push the slots one by one; returns their results."""
    done: list[SlotDone] = []
    for index in indices:
        engine.push_slot(session, said(index))
        done += [e for e in events_until(engine, lambda e: isinstance(e, SlotDone)) if isinstance(e, SlotDone)]
    return done


def whole() -> list[SlotResult]:
    """The results of a conversation that nothing disturbs."""
    generator = FakeGenerator()
    generator.open(0, OPTIONS)
    active = np.ones(1, dtype=np.bool_)
    results = [generator.step(said(i).pcm[None].astype(np.float32) / 32768, active)[0] for i in range(SLOTS)]
    return [result for result in results if result is not None]


def assert_the_same(done: list[SlotDone], wanted: list[SlotResult]) -> None:
    assert [event.result.slot for event in done] == [result.slot for result in wanted]
    for event, result in zip(done, wanted, strict=True):
        assert (event.result.event, event.result.spoken, event.result.user) == (
            result.event,
            result.spoken,
            result.user,
        )
        np.testing.assert_array_equal(event.result.pcm, result.pcm)


@pytest.mark.parametrize("lost_after", [1, 6, 14])
def test_a_conversation_goes_on_as_if_nothing_had_happened(
    engine: SupervisedEngine, starts: Starts, lost_after: int
) -> None:
    session = engine.open(OPTIONS)
    done = answers(engine, session, range(lost_after))
    starts.lose()
    assert engine.poll() == []
    assert (engine.ready, engine.free, engine.fileno()) == (False, 0, None)
    for index in range(lost_after, lost_after + 8):
        engine.push_slot(session, said(index))
    while sum(isinstance(event, SlotDone) for event in done) < lost_after + 8:
        done += [event for event in wait(engine) if isinstance(event, SlotDone)]
    done += answers(engine, session, range(lost_after + 8, SLOTS))
    assert (engine.ready, engine.free, len(starts.engines)) == (True, 1, 2)
    assert_the_same(done, whole())
    assert [event.result.slot for event in done if event.restarted] == [lost_after]
    assert not any(event.forgot for event in done)


def test_an_open_session_hears_that_it_is_open_only_once(engine: SupervisedEngine, starts: Starts) -> None:
    session = engine.open(OPTIONS)
    events = events_until(engine, lambda event: isinstance(event, SessionOpened))
    answers(engine, session, range(2))
    starts.lose()
    engine.poll()
    engine.push_slot(session, said(2))
    events += events_until(engine, lambda event: isinstance(event, SlotDone))
    assert [event for event in events if isinstance(event, SessionOpened)] == [SessionOpened(session)]


def test_a_spare_engine_is_loaded_before_it_is_needed(starts: Starts, clock: ManualClock) -> None:
    engine = SupervisedEngine(starts, CONFIG.model_copy(update={"spare": True}), clock)
    engine.poll()
    assert engine._spare is not None
    engine._spare.result(PATIENCE_S)
    session = engine.open(OPTIONS)
    done = answers(engine, session, range(6))
    first, spare = starts.engines
    first._gone = EngineDied("the engine ended unexpectedly (by the test); restart")
    engine.poll()
    assert engine._starting is not None
    assert engine._starting.done()
    engine.poll()
    assert (engine.ready, engine._engine, engine._spare) == (True, spare, None)
    done += answers(engine, session, range(6, SLOTS))
    engine.poll()
    engine.close()
    assert_the_same(done, whole())
    assert starts.gently == [False, True, True], "a spare does not disturb those who talk"


@pytest.mark.parametrize(
    ("spare", "left_mb", "kept"),
    [("auto", 1000.0, True), ("auto", 999.0, False), ("auto", None, False), (True, None, True), (False, 9e9, False)],
)
def test_a_spare_engine_is_kept_where_there_is_memory_for_it(
    starts: Starts, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, spare: bool | str, left_mb: float, kept: bool
) -> None:
    monkeypatch.setattr("runtime.engine.worker.held_mb", lambda pid: 600.0)
    config = EngineConfig.model_validate({**CONFIG.model_dump(), "spare": spare, "spare_leaves_mb": 1000})
    engine = SupervisedEngine(starts, config, clock, lambda: None if left_mb is None else 600.0 + left_mb)
    engine.poll()
    engine.close()
    assert (engine._spare is not None) is kept


def test_no_spare_engine_is_kept_beside_a_gpu(
    starts: Starts, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.engine.worker.has_gpu", lambda: True)
    engine = SupervisedEngine(starts, CONFIG.model_copy(update={"spare": "auto"}), clock, lambda: 9e9)
    engine.poll()
    engine.close()
    assert engine._spare is None


def test_the_end_does_not_wait_for_a_spare_that_is_being_loaded(starts: Starts, clock: ManualClock) -> None:
    def start(*, unwanted: threading.Event, gently: bool = False) -> PipeEngine:
        if starts.engines:
            assert unwanted.wait(PATIENCE_S)
            raise EngineDied("the engine is no longer wanted")
        return starts(unwanted=unwanted, gently=gently)

    engine = SupervisedEngine(start, CONFIG.model_copy(update={"spare": True}), clock)
    engine.poll()
    engine.close()
    assert engine._spare is not None
    assert isinstance(engine._spare.exception(PATIENCE_S), EngineDied)


def test_a_spare_that_cannot_be_loaded_is_not_waited_for(starts: Starts, clock: ManualClock) -> None:
    engine = SupervisedEngine(starts, CONFIG.model_copy(update={"spare": True}), clock)
    starts.broken = True
    engine.poll()
    assert engine._spare is not None
    assert engine._spare.exception(PATIENCE_S) is not None
    starts.broken = False
    session = engine.open(OPTIONS)
    done = answers(engine, session, range(3))
    starts.lose()
    engine.poll()
    done += answers(engine, session, range(3, 6))
    engine.close()
    assert [event.result.slot for event in done] == list(range(6))


def test_a_session_that_hears_its_past_again_may_wait_for_longer(
    engine: SupervisedEngine, starts: Starts, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = engine.open(OPTIONS)
    done = answers(engine, session, range(4))
    starts.lose()
    engine.poll()
    assert engine._starting is not None
    engine._starting.result(PATIENCE_S)
    monkeypatch.setattr(PipeEngine, "poll", lambda self: [])
    while not engine.ready:
        engine.poll()
    for index in range(4, 4 + 2 * CONFIG.max_waiting_slots):
        engine.push_slot(session, said(index))
    monkeypatch.undo()
    while len(done) < 4 + 2 * CONFIG.max_waiting_slots:
        done += [event for event in wait(engine) if isinstance(event, SlotDone)]
    assert_the_same(done, whole()[: len(done)])


def test_meanwhile_nothing_new_is_opened(engine: SupervisedEngine, starts: Starts) -> None:
    session = engine.open(OPTIONS)
    starts.lose()
    engine.poll()
    with pytest.raises(EngineRestarts, match="try again in a few seconds"):
        engine.open(OPTIONS)
    engine.close_session(session)
    while not engine.ready:
        wait(engine)
    assert engine.free == 2
    with pytest.raises(UnknownSession, match="open a new one"):
        engine.push_slot(session, said(0))


def test_an_engine_that_is_lost_again_and_again_is_given_up(engine: SupervisedEngine, starts: Starts) -> None:
    session = engine.open(OPTIONS)
    events: list[EngineEvent] = []
    while not events:
        if engine.ready:
            starts.lose()
            events += engine.poll()
        else:
            events += wait(engine)
    assert len(starts.engines) == 1 + CONFIG.restarts
    (failed,) = (event for event in events if isinstance(event, SessionFailed))
    assert (failed.session, failed.code) == (session, "engine_died")
    with pytest.raises(EngineDied, match="the engine ended unexpectedly"):
        engine.open(OPTIONS)
    assert (engine.ready, engine.free, engine.poll()) == (False, 0, [])


def test_losses_long_ago_do_not_count(engine: SupervisedEngine, starts: Starts, clock: ManualClock) -> None:
    for _ in range(2 * CONFIG.restarts):
        clock.advance(CONFIG.restart_window_s)
        starts.lose()
        engine.poll()
        while not engine.ready:
            assert wait(engine) == []
    assert len(starts.engines) == 1 + 2 * CONFIG.restarts


def test_an_engine_that_cannot_be_started_again_ends_its_sessions(engine: SupervisedEngine, starts: Starts) -> None:
    session = engine.open(OPTIONS)
    starts.broken = True
    starts.lose()
    engine.poll()
    (failed,) = events_until(engine, lambda event: isinstance(event, SessionFailed))
    assert isinstance(failed, SessionFailed)
    assert (failed.session, "cannot be started again" in failed.message) == (session, True)
    assert "no memory" in failed.message


def test_a_process_that_is_killed_is_replaced() -> None:
    engine = SupervisedEngine(partial(start_engine_process, "fake", CONFIG, load_fake), CONFIG, ManualClock())
    session = engine.open(OPTIONS)
    done = answers(engine, session, range(8))
    process = engine._engine._worker._process  # type: ignore[attr-defined]
    os.kill(process.pid, signal.SIGKILL)
    process.join(PATIENCE_S)
    while engine.ready:
        engine.poll()
    done += answers(engine, session, range(8, SLOTS))
    engine.close()
    assert_the_same(done, whole())


def result(slot: int, **fields: object) -> SlotResult:
    return replace(whole()[0], slot=slot, **fields)  # type: ignore[arg-type]


def test_what_is_too_old_becomes_a_history_and_numbers_go_on() -> None:
    kept = KeptSession(OPTIONS, longest=2)
    times = EngineTimes(0, 0, 0, 0, 1, 0)

    def take(done: SlotResult) -> SlotDone:
        kept.waiting.append(said(done.slot))
        kept.given += 1
        return kept.take(SlotDone("inner", done, times))

    hears = UserWords(0, "hello", "Hello", 0.0, 0.2)
    take(result(0, user=hears))
    take(result(1, event="start", came=Came("Hi."), words_late=True))
    take(result(2, event="end", kept="Hi."))
    take(result(3))
    assert [(slot.index, slot.came, slot.words_late) for slot in kept.past.slots] == [
        (2, None, False),
        (3, None, False),
    ]
    assert kept.past.turns == (("user", "Hello"),)
    take(result(4))
    assert kept.past.turns == (("user", "Hello"), ("assistant", "Hi."))
    kept.begin_again("other")
    word = replace(whole()[7].spoken[0], answer=0) if whole()[7].spoken else None
    done = take(result(0, user=hears, event="start", spoken=(word,) if word else ()))
    assert (done.result.slot, done.restarted, done.forgot) == (3, True, True)
    assert done.result.user is not None
    assert done.result.user.turn == 1
    assert not take(result(1)).restarted
