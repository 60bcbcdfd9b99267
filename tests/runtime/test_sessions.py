"""Sessions around an engine, under a virtual clock."""

import numpy as np
import pytest

from duplex.model.interface import ConversationOptions
from runtime.errors import ServerFull, UnknownSession
from runtime.pcm import to_int16
from runtime.session.session import Session
from runtime.session.slot_log import read_log
from runtime.sessions import Delivered, Ended, Opened
from tests.runtime.session_world import OPTIONS, PACKET, SLOT, World
from tests.runtime.user_audio import INTERRUPTION, QUESTION


def test_a_session_is_opened_answered_and_closed(world: World) -> None:
    session = world.hub.open(OPTIONS)
    assert world.hub.pump() == [Opened(session.id)]
    rows = world.talk({session.id: QUESTION})[session.id]
    assert [row.slot for row in rows] == list(range(15))
    assert [row.event for row in rows if row.event] == ["start"]
    world.hub.close(session.id, "bye")
    assert (session.over, world.hub.sessions) == ("bye", ())
    log = read_log(world.config.recording.folder / session.id / "slots.jsonl")
    assert log.end is not None
    assert (log.end.slots, log.end.reason) == (15, "bye")


def test_a_session_that_begins_later_shares_the_steps_of_the_others(world: World) -> None:
    first, second = world.hub.open(OPTIONS), world.hub.open(OPTIONS)
    closed: dict[str, list[float]] = {first.id: [], second.id: []}
    for number in range(60):
        world.clock.advance(0.02)
        first.push_audio(number * PACKET, np.ones(PACKET, np.int16))
        first.push_audio(0, np.zeros(0, np.int16))
        if number >= 13:
            second.push_audio((number - 13) * PACKET, np.ones(PACKET, np.int16))
        for news in world.hub.pump():
            if isinstance(news, Delivered):
                closed[news.session].append(news.heard.captured)
    assert closed[first.id] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 1.2])
    assert closed[second.id] == pytest.approx([0.4, 0.6, 0.8, 1.0, 1.2])


def test_where_steps_are_not_shared_no_session_waits_for_another(world: World) -> None:
    world.generator.shares_steps = False
    first, second = world.hub.open(OPTIONS), world.hub.open(OPTIONS)
    begins: dict[str, list[float]] = {first.id: [], second.id: []}
    for number in range(30):
        world.clock.advance(0.02)
        first.push_audio(number * PACKET, np.ones(PACKET, np.int16))
        if number >= 5:
            second.push_audio((number - 5) * PACKET, np.ones(PACKET, np.int16))
        for news in world.hub.pump():
            if isinstance(news, Delivered):
                begins[news.session].append(world.clock.now())
    assert begins[first.id] == pytest.approx([0.2, 0.4, 0.6])
    assert begins[second.id] == pytest.approx([0.3, 0.5])


def test_two_sessions_do_not_hear_each_other(world: World) -> None:
    alone = World(world.config.recording.folder / "alone")
    solo = alone.hub.open(ConversationOptions(seed=3))
    want = alone.talk({solo.id: INTERRUPTION})[solo.id]
    alone.hub.close_all()
    first, second = world.hub.open(ConversationOptions(seed=3)), world.hub.open(ConversationOptions(seed=9))
    rows = world.talk({first.id: INTERRUPTION, second.id: QUESTION})
    assert [row.assistant_sha256 for row in rows[first.id]] == [row.assistant_sha256 for row in want]
    assert [bool(row.holes) for row in rows[second.id]] == [slot >= 15 for slot in range(len(rows[second.id]))]


def test_the_third_session_is_refused_and_the_others_go_on(world: World) -> None:
    first, second = world.hub.open(OPTIONS), world.hub.open(OPTIONS)
    with pytest.raises(ServerFull, match="the server is full: all 2 places are taken"):
        world.hub.open(OPTIONS)
    rows = world.talk({first.id: QUESTION, second.id: QUESTION})
    assert len(rows[first.id]) == len(rows[second.id]) == 15
    assert b'duplex_sessions_refused_total{code="server_full"} 1.0' in world.metrics.exposition()
    world.hub.close(first.id)
    world.hub.open(OPTIONS)


def test_a_closed_session_is_unknown_and_its_late_results_are_dropped(world: World) -> None:
    session = world.hub.open(OPTIONS)
    session.push_audio(0, np.zeros(SLOT, dtype=np.int16))
    world.hub.close(session.id)
    world.hub.close(session.id)
    assert world.hub.pump() == []
    with pytest.raises(UnknownSession, match="is unknown or over"):
        world.hub.session(session.id)


def test_every_row_tells_its_times_and_what_was_degraded(world: World) -> None:
    session = world.hub.open(OPTIONS)
    world.hub.pump()
    world.clock.advance(0.4)
    session.push_audio(0, np.zeros(SLOT - PACKET, dtype=np.int16))
    world.clock.advance(0.1)
    (news,) = world.hub.pump()
    assert isinstance(news, Delivered)
    assert news.row.holes == ((SLOT - PACKET, SLOT),)
    assert news.row.degraded == ("holes",)
    assert news.row.times_ms == {
        "captured": 500.0, "queued": 0.0, "step": 0.0, "detokenized": 0.0, "sent": 0.0, "slack": 200.0,
    }  # fmt: skip


def test_a_late_result_counts_as_missed(world: World) -> None:
    session = world.hub.open(OPTIONS)
    world.clock.advance(0.4)
    session.push_audio(0, np.zeros(2 * SLOT, dtype=np.int16))
    slots = session.collect()
    for slot in slots:
        world.hub.client.push_slot(session.id, slot)
    world.clock.advance(0.21)
    rows = [news.row for news in world.hub.pump() if isinstance(news, Delivered)]
    assert [row.degraded for row in rows] == [("late", "catch_up"), ("late",)]
    assert session.statistics.missed == 2
    assert b'duplex_slots_degraded_total{how="late"} 2.0' in world.metrics.exposition()


def test_a_session_that_the_engine_cannot_follow_is_ended_with_a_reason(world: World) -> None:
    session = world.hub.open(OPTIONS)
    client = world.hub.client
    for slot in range(world.config.engine.max_waiting_slots):
        world.clock.advance(0.2)
        session.push_audio(slot * SLOT, np.zeros(SLOT, dtype=np.int16))
        client.push_slot(session.id, session.collect()[0])
    world.clock.advance(0.2)
    session.push_audio(world.config.engine.max_waiting_slots * SLOT, np.zeros(SLOT, dtype=np.int16))
    (news, *_) = world.hub.pump()
    assert isinstance(news, Ended)
    assert news.code == "engine_overloaded"
    assert session.over == f"engine_overloaded: {news.message}"


def test_a_cut_takes_back_what_was_not_played(world: World) -> None:
    session = world.hub.open(OPTIONS)
    flushed = []
    for start in range(0, len(INTERRUPTION), PACKET):
        world.clock.advance(0.02)
        session.push_audio(start, to_int16(INTERRUPTION[start : start + PACKET]))
        flushed += [(news.row.event, news.row.flushed_ms) for news in world.hub.pump() if isinstance(news, Delivered)]
        session.pull()
    cuts = [ms for event, ms in flushed if event == "cut"]
    prime = world.config.playout.prime_packets * 20
    assert cuts == [prime - 20 + 20 - world.config.playout.fade_ms]
    assert all(ms == 0.0 for event, ms in flushed if event != "cut")


def test_the_deadline_of_the_hub_is_the_earliest_one(world: World) -> None:
    assert world.hub.next_deadline() is None
    first, second = world.hub.open(OPTIONS), world.hub.open(OPTIONS)
    second.push_audio(0, np.zeros(PACKET, dtype=np.int16))
    world.clock.advance(0.1)
    first.push_audio(0, np.zeros(PACKET, dtype=np.int16))
    grace = world.config.slots.grace_ms / 1000
    assert world.hub.next_deadline() == pytest.approx(-0.02 + 0.2 + grace)


def test_statistics_add_up(world: World) -> None:
    session: Session = world.hub.open(OPTIONS)
    world.talk({session.id: QUESTION})
    counts = session.statistics
    assert (counts.answered, counts.missed, counts.waiting) == (15, 0, 0)
    assert counts.slots.placed == len(QUESTION)
