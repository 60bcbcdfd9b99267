"""The engine: rows, gathering, catching up, refusals."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from configs.runtime.runtime import EngineConfig
from duplex.model.interface import ConversationOptions, Samples, SlotResult
from runtime.clock import ManualClock
from runtime.engine.engine import Engine, InlineEngine
from runtime.errors import BadOptions, EngineError, EngineOverloaded, ServerFull, UnknownSession
from runtime.records import SessionOpened, SlotDone, UserSlot
from tests.runtime.fakes import FakeGenerator

OPTIONS = ConversationOptions()
CONFIG = EngineConfig(gather_ms=10)


def slot(index: int, level: int = 0) -> UserSlot:
    return UserSlot(index, np.full(3200, level, dtype=np.int16))


def engine(rows: int = 2) -> tuple[Engine, ManualClock]:
    clock = ManualClock()
    return Engine(FakeGenerator(rows), clock, CONFIG.model_copy(update={"max_sessions": rows})), clock


def test_a_single_session_is_stepped_at_once() -> None:
    machine, clock = engine()
    machine.admit("a", OPTIONS)
    assert machine.wait_s() is None
    assert machine.run_once() == []
    machine.push("a", slot(0), clock.now())
    assert machine.wait_s() == 0.0
    (done,) = machine.run_once()
    assert (done.session, done.result.slot, done.times.batch) == ("a", 0, 1)
    assert machine.wait_s() is None


def test_a_ready_row_waits_a_moment_for_the_others() -> None:
    machine, clock = engine()
    machine.admit("a", OPTIONS)
    machine.admit("b", OPTIONS)
    machine.push("a", slot(0), clock.now())
    assert machine.wait_s() == pytest.approx(0.010)
    assert machine.run_once() == []
    clock.advance(0.004)
    machine.push("b", slot(0), clock.now())
    assert [done.times.batch for done in machine.run_once()] == [2, 2]


def test_no_row_waits_where_steps_are_not_shared() -> None:
    machine, clock = engine()
    machine.generator.shares_steps = False
    machine.admit("a", OPTIONS)
    machine.admit("b", OPTIONS)
    machine.push("a", slot(0), clock.now())
    assert [done.times.batch for done in machine.run_once()] == [1]
    assert not machine.info("fake").shares_steps


def test_and_goes_alone_when_they_do_not_come() -> None:
    machine, clock = engine()
    machine.admit("a", OPTIONS)
    machine.admit("b", OPTIONS)
    machine.push("a", slot(0), clock.now())
    clock.advance(0.010)
    (done,) = machine.run_once()
    assert (done.session, done.times.queued, done.times.step) == ("a", 0.0, 0.010)


def test_waiting_slots_are_caught_up_back_to_back() -> None:
    machine, clock = engine()
    machine.admit("a", OPTIONS)
    for index in range(3):
        machine.push("a", slot(index), clock.now())
    done = [machine.run_once()[0] for _ in range(3)]
    assert [one.result.slot for one in done] == [0, 1, 2]
    assert [one.times.waiting for one in done] == [2, 1, 0]


def test_one_session_too_many_is_refused_with_a_reason() -> None:
    machine, _ = engine(rows=1)
    machine.admit("a", OPTIONS)
    with pytest.raises(ServerFull, match="all 1 place is taken; try again"):
        machine.admit("b", OPTIONS)
    machine.release("a")
    machine.admit("b", OPTIONS)


def test_bad_options_leave_the_row_free() -> None:
    machine, _ = engine(rows=1)
    with pytest.raises(BadOptions, match="too long"):
        machine.admit("a", ConversationOptions(system_prompt="x" * 200))
    machine.admit("b", OPTIONS)


def test_a_reused_row_gets_nothing_of_its_former_user() -> None:
    machine, clock = engine(rows=1)
    machine.admit("a", OPTIONS)
    machine.push("a", slot(0, 9000), clock.now())
    machine.release("a")
    machine.admit("b", OPTIONS)
    with pytest.raises(UnknownSession):
        machine.push("a", slot(1), clock.now())
    machine.push("b", slot(0), clock.now())
    (done,) = machine.run_once()
    assert done.session == "b"
    assert done.result.user is None


def test_an_inline_engine_answers_in_poll() -> None:
    machine, _ = engine()
    client = InlineEngine(machine, "fake")
    session = client.open(OPTIONS)
    client.push_slot(session, slot(0))
    client.push_slot(session, slot(1))
    events = client.poll()
    assert isinstance(events[0], SessionOpened)
    assert [event.result.slot for event in events if isinstance(event, SlotDone)] == [0, 1]
    assert client.poll() == []
    assert (client.info.model, client.info.rows, client.free) == ("fake", 2, 1)


def test_a_closed_session_cannot_push() -> None:
    machine, _ = engine()
    client = InlineEngine(machine, "fake")
    session = client.open(OPTIONS)
    client.close_session(session)
    client.close_session("never there")
    assert client.free == 2
    with pytest.raises(UnknownSession, match="is over; open a new one"):
        client.push_slot(session, slot(0))


def test_what_waits_is_bounded() -> None:
    machine, _ = engine()
    client = InlineEngine(machine, "fake")
    session = client.open(OPTIONS)
    for index in range(CONFIG.max_waiting_slots):
        client.push_slot(session, slot(index))
    with pytest.raises(EngineOverloaded, match="3 s behind"):
        client.push_slot(session, slot(99))


def test_a_model_without_sense_is_stopped() -> None:
    class Senseless(FakeGenerator):
        def step(self, pcm: Samples, active: NDArray[np.bool_]) -> list[SlotResult | None]:
            return [replace(result, p_speak=float("nan")) if result else None for result in super().step(pcm, active)]

    machine = Engine(Senseless(1), ManualClock(), CONFIG)
    machine.admit("a", OPTIONS)
    machine.push("a", slot(0), 0.0)
    with pytest.raises(EngineError, match="of slot 0 is nan; its weights are damaged"):
        machine.run_once()


def test_closing_the_engine_releases_the_model() -> None:
    machine, _ = engine()
    InlineEngine(machine, "fake").close()
    assert isinstance(machine.generator, FakeGenerator)
    assert machine.generator.closed


def test_functions_go_with_a_language_model() -> None:
    engine = Engine(FakeGenerator(), ManualClock(), EngineConfig())
    with pytest.raises(BadOptions, match="this model calls no functions"):
        engine.admit("a", ConversationOptions(tools=("time_in",)))
    engine.admit("a", ConversationOptions(tools=()))
