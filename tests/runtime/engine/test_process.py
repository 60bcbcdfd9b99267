"""The engine behind a pipe: a thread, a process, their ends."""

import multiprocessing
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from configs.runtime.runtime import EngineConfig
from duplex.model.interface import ConversationOptions
from runtime.child_processes import ProcessWorker
from runtime.engine.process import PipeEngine, start_engine_process, start_engine_thread
from runtime.errors import EngineDied, ModelLoadError, ServerFull
from runtime.records import EngineEvent, SessionFailed, SessionOpened, SlotDone, UserSlot
from tests.runtime.fakes import FakeGenerator, load_fake

CONFIG = EngineConfig(max_sessions=2, gather_ms=0)
OPTIONS = ConversationOptions()
PATIENCE_S = 30.0
Open = Callable[[str], PipeEngine]


@pytest.fixture
def in_thread() -> Iterator[Open]:
    """Opens engines in threads and ends them after the test."""
    engines: list[PipeEngine] = []

    def start(model: str) -> PipeEngine:
        engines.append(start_engine_thread(model, CONFIG, load_fake))
        return engines[-1]

    yield start
    for engine in engines:
        engine.close()


def slot(index: int) -> UserSlot:
    return UserSlot(index, np.zeros(3200, dtype=np.int16))


def events_until(engine: PipeEngine, last: Callable[[EngineEvent], bool]) -> list[EngineEvent]:
    events: list[EngineEvent] = []
    while not any(map(last, events)):
        assert engine.wait(PATIENCE_S), events
        events += engine.poll()
    return events


def expect_done(session: str, index: int) -> Callable[[EngineEvent], bool]:
    return lambda event: isinstance(event, SlotDone) and event.session == session and event.result.slot == index


def has_failed(event: EngineEvent) -> bool:
    return isinstance(event, SessionFailed)


def converse(engine: PipeEngine) -> list[EngineEvent]:
    """Three slots of a session."""
    session = engine.open(OPTIONS)
    for index in range(3):
        engine.push_slot(session, slot(index))
    return events_until(engine, expect_done(session, 2))


def test_a_thread_answers_every_slot_in_order(in_thread: Open) -> None:
    engine = in_thread("fake")
    events = converse(engine)
    assert isinstance(events[0], SessionOpened)
    assert [event.result.slot for event in events if isinstance(event, SlotDone)] == [0, 1, 2]
    assert (engine.info.fingerprint, engine.info.rows, engine.free) == ("fake-1", 2, 1)


class PunctualFake(FakeGenerator):
    """Keeps what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.budget_s = 0.0
        self.held: list[int] = []

    def be_punctual(self, budget_s: float) -> None:
        """See `PunctualGenerator`."""
        self.budget_s = budget_s

    def hold_words(self, row: int) -> None:
        """See `PunctualGenerator`."""
        self.held.append(row)


def test_a_live_engine_holds_no_step_up_for_words() -> None:
    generator = PunctualFake()
    engine = start_engine_thread("fake", CONFIG, lambda *_: generator)
    session = engine.open(OPTIONS)
    for index in range(3):
        engine.push_slot(session, replace(slot(index), words_late=index == 1))
    events_until(engine, expect_done(session, 2))
    engine.close()
    assert generator.budget_s == pytest.approx(CONFIG.words_budget_ms / 1000)
    assert generator.held == [0]


def test_two_sessions_at_once_and_the_third_is_refused(in_thread: Open) -> None:
    engine = in_thread("fake")
    first, second = engine.open(OPTIONS), engine.open(OPTIONS)
    with pytest.raises(ServerFull, match="all 2 places are taken"):
        engine.open(OPTIONS)
    engine.push_slot(first, slot(0))
    events_until(engine, expect_done(first, 0))
    engine.push_slot(second, slot(0))
    events_until(engine, expect_done(second, 0))
    engine.close_session(first)
    third = engine.open(OPTIONS)
    engine.push_slot(third, slot(0))
    assert all(event.session == third for event in events_until(engine, expect_done(third, 0)))


def test_refused_options_end_only_their_session(in_thread: Open) -> None:
    engine = in_thread("fake")
    good, bad = engine.open(OPTIONS), engine.open(ConversationOptions(system_prompt="x" * 200))
    engine.push_slot(bad, slot(0))
    events = events_until(engine, has_failed)
    (failure,) = [event for event in events if isinstance(event, SessionFailed)]
    assert (failure.session, failure.code) == (bad, "bad_options")
    engine.push_slot(good, slot(0))
    events_until(engine, expect_done(good, 0))
    assert engine.free == 1


def test_a_model_that_breaks_down_is_told_to_every_session_once(in_thread: Open) -> None:
    engine = in_thread("failing")
    sessions = {engine.open(OPTIONS), engine.open(OPTIONS)}
    for session in sessions:
        for index in range(3):
            engine.push_slot(session, slot(index))
    failures = [event for event in events_until(engine, has_failed) if isinstance(event, SessionFailed)]
    assert {event.session for event in failures} == sessions
    assert all("the fake model broke" in event.message for event in failures)
    assert (engine.poll(), engine.ready, engine.free, engine.fileno()) == ([], False, 0, None)
    with pytest.raises(EngineDied, match="restart"):
        engine.open(OPTIONS)


def test_a_model_that_cannot_be_loaded_is_one_line(in_thread: Open) -> None:
    with pytest.raises(ModelLoadError, match="model 'nope' cannot be loaded: there is no model 'nope'; choose"):
        in_thread("nope")


def load_without_torch(model: str, rows: int, threads: int) -> FakeGenerator:
    """A fake named after what its process found: its threads, and whether torch was imported before it."""
    generator = FakeGenerator(rows)
    generator.fingerprint = f"{threads} threads, torch: {'torch' in sys.modules}"
    return generator


def test_the_loader_alone_sets_the_threads() -> None:
    engine = start_engine_process("fake", CONFIG.model_copy(update={"threads": 3}), load_without_torch)
    try:
        assert engine.info.fingerprint == "3 threads, torch: False"
    finally:
        engine.close()


def load_for_ever(model: str, rows: int, threads: int) -> FakeGenerator:
    """A model that is never loaded."""
    threading.Event().wait()
    raise AssertionError


def test_a_process_that_is_still_loading_is_killed_when_nobody_wants_it_any_more() -> None:
    unwanted = threading.Event()
    unwanted.set()
    before = set(multiprocessing.active_children())
    with pytest.raises(EngineDied, match="no longer wanted"):
        start_engine_process("fake", CONFIG, load_for_ever, unwanted)
    assert set(multiprocessing.active_children()) == before


def test_a_model_that_takes_too_long_is_one_line() -> None:
    hasty = CONFIG.model_copy(update={"load_timeout_s": 0.1, "stop_timeout_s": 0.1})
    with pytest.raises(ModelLoadError, match=r"not loaded within 0 s; raise engine\.load_timeout_s"):
        start_engine_process("fake", hasty, load_for_ever)


def load_with_priority(model: str, rows: int, threads: int) -> FakeGenerator:
    """A fake named after the priority with which it was loaded."""
    generator = FakeGenerator(rows)
    generator.fingerprint = str(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
    return generator


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives threads priorities")
@pytest.mark.parametrize("gently", [False, True])
def test_only_the_loading_of_a_spare_has_the_lowest_priority(gently: bool) -> None:
    config = CONFIG.model_copy(update={"nice": 0})
    engine = start_engine_process("fake", config, load_with_priority, gently=gently)
    try:
        usual = os.getpriority(os.PRIO_PROCESS, 0)
        assert engine.info.fingerprint == str(19 if gently else usual)
        assert os.getpriority(os.PRIO_PROCESS, engine.info.pid) == usual
        assert len(converse(engine)) == 4
    finally:
        engine.close()


def test_a_process_of_its_own_and_its_sudden_end() -> None:
    engine = start_engine_process("fake", CONFIG.model_copy(update={"nice": 1}), load_fake)
    try:
        assert [event.result.slot for event in converse(engine) if isinstance(event, SlotDone)] == [0, 1, 2]
        assert isinstance(engine._worker, ProcessWorker)
        assert engine.ready
        engine._worker._process.kill()
        (failure,) = [event for event in events_until(engine, has_failed) if isinstance(event, SessionFailed)]
        assert (failure.code, failure.message) == (
            "engine_died",
            "the engine ended unexpectedly (exit code -9); restart",
        )
        assert not engine.ready
        with pytest.raises(EngineDied):
            engine.open(OPTIONS)
    finally:
        engine.close()


def test_a_program_with_a_settled_heap_still_frees_everything_at_exit() -> None:
    """soxr warns on stderr about every leaked stream; a reference cycle is freed only by the collector."""
    code = """
import soxr
from runtime.heap import settle_heap
class Node: pass
node = Node()
node.itself, node.stream = node, soxr.ResampleStream(16000, 24000, 1)
settle_heap()
settle_heap()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
