"""Sessions around an engine, under a virtual clock."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from configs.runtime.runtime import RuntimeConfig
from duplex.model.interface import ConversationOptions, Samples
from runtime.clock import ManualClock
from runtime.engine.engine import Engine, InlineEngine
from runtime.errors import DiskFull, LogError, ServerFull, UnknownSession
from runtime.event_log import EventLog
from runtime.metrics import Metrics
from runtime.observers import Observers
from runtime.pcm import to_int16
from runtime.session.log_records import SlotRow
from runtime.session.recording import read_recording
from runtime.session.session import Session
from runtime.session.slot_log import read_log
from runtime.session.slot_rows import sha256
from runtime.sessions import Delivered, Ended, Noticed, Opened, SessionHub
from tests.runtime.fakes import FakeGenerator
from tests.runtime.session.small_disk import SmallDisk
from tests.runtime.user_audio import INTERRUPTION, QUESTION

OPTIONS = ConversationOptions()
SLOT, PACKET = 3200, 320


class World:
    """A hub with two rows, a clock and a folder."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.told: list[Noticed] = []
        self.config = RuntimeConfig.model_validate({"recording": {"folder": folder}, "engine": {"gather_ms": 0}})
        self.metrics = Metrics()
        self.generator = FakeGenerator(2)
        engine = Engine(self.generator, self.clock, self.config.engine)
        self.client = InlineEngine(engine, "fake")
        self.observer = Observers(self.metrics, EventLog())
        self.hub = SessionHub(self.client, self.config, self.clock, self.observer)

    def with_recording(self, **values: object) -> SessionHub:
        """A hub of the same engine with other values of its `RecordingConfig`."""
        recording = self.config.recording.model_copy(update=values)
        config = self.config.model_copy(update={"recording": recording})
        return SessionHub(self.client, config, self.clock, self.observer)

    def talk(self, voices: dict[str, Samples]) -> dict[str, list[SlotRow]]:
        """Twenty milliseconds at a time; every session hears its own voice; returns the rows by session."""
        rows: dict[str, list[SlotRow]] = {session: [] for session in voices}
        length = max(map(len, voices.values()))
        for start in range(0, length, PACKET):
            self.clock.advance(0.02)
            for session, voice in voices.items():
                self.hub.session(session).push_audio(start, to_int16(voice[start : start + PACKET]))
            for news in self.hub.pump():
                if isinstance(news, Delivered):
                    rows[news.session].append(news.row)
                self.told += [news] if isinstance(news, Noticed) else []
        return rows


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.hub.close_all()


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


def test_files_that_cannot_be_made_free_the_place_again(world: World, tmp_path: Path) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("not a folder")
    with pytest.raises(LogError, match="cannot be written"):
        world.hub.open(OPTIONS, blocked / "conversation")
    assert world.hub.client.free == 2


def sound_of(path: Path) -> tuple[int, int]:
    """The number of samples in the header, and in the file."""
    with soundfile.SoundFile(path) as file:
        return file.frames, len(file.read(dtype="int16"))


@pytest.mark.parametrize("room", [25_000, 100_001, 200_003])
def test_what_was_recorded_before_the_disk_was_full_stays_readable(
    world: World, monkeypatch: pytest.MonkeyPatch, room: int, caplog: pytest.LogCaptureFixture
) -> None:
    disk = SmallDisk(world.config.recording.folder, room, monkeypatch)
    session = world.hub.open(OPTIONS)
    rows = world.talk({session.id: QUESTION})[session.id]
    assert [told.notice.code for told in world.told] == ["recording_stopped"]
    assert world.told[0].notice.message == session.files.error
    assert "the disk is full" in caplog.text
    world.hub.close(session.id)
    assert len(rows) == 15
    assert disk.room < 5000
    folder = world.config.recording.folder / session.id
    log = read_log(folder / "slots.jsonl")
    assert log.rows == tuple(rows[: len(log.rows)])
    for file, least in (("user.wav", 3200), ("dialogue.wav", 0)):
        told, there = sound_of(folder / file)
        assert told == there >= min(least, room // 20)
    heard = read_recording(folder / "user.wav")
    assert [sha256(slot) for slot in heard[: len(heard) // SLOT * SLOT].reshape(-1, SLOT)] == [
        row.user_sha256 for row in rows[: len(heard) // SLOT]
    ]
    assert b"duplex_recordings_stopped_total 1.0" in world.metrics.exposition()


@pytest.mark.parametrize("place", ["log", "half a log", "user", "dialogue"])
def test_a_new_session_on_a_full_disk_is_refused_and_leaves_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    world.hub = world.with_recording(required=True)
    first = world.hub.open(OPTIONS)
    log = (world.config.recording.folder / first.id / "slots.jsonl").stat().st_size
    room = {"log": 0, "half a log": log // 2, "user": log + 20, "dialogue": log + 44 + 20}[place]
    SmallDisk(world.config.recording.folder, room, monkeypatch)
    with pytest.raises(DiskFull, match="the disk is full"):
        world.hub.open(OPTIONS)
    assert [path.name for path in world.config.recording.folder.iterdir()] == [first.id]
    assert world.hub.client.free == 1
    assert b'duplex_sessions_refused_total{code="disk_full"} 1.0' in world.metrics.exposition()


def test_a_disk_that_is_full_at_the_end_does_not_stop_the_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    session = world.hub.open(OPTIONS)
    world.talk({session.id: QUESTION})
    monkeypatch.setattr("runtime.session.transcript.Transcript.write", fail_full)
    world.hub.close(session.id)
    assert session.over == "closed"
    assert session.files.error is not None


def fail_full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_disk_that_is_nearly_full_takes_no_new_session(world: World) -> None:
    hub = world.with_recording(min_free_mb=1e9, required=True)
    with pytest.raises(DiskFull):
        hub.open(OPTIONS)
    assert list(world.config.recording.folder.iterdir()) == []


def test_a_file_that_cannot_be_written_for_another_reason_is_named(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = world.hub.open(OPTIONS)

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("runtime.session.recording.WavWriter.write", fail)
    assert len(world.talk({session.id: QUESTION})[session.id]) == 15
    assert session.files.error is not None
    assert "Input/output error" in session.files.error


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps no such modes")
def test_recordings_can_be_read_by_the_servers_user_alone(world: World, tmp_path: Path) -> None:
    session = world.hub.open(OPTIONS)
    world.talk({session.id: QUESTION})
    world.hub.close(session.id)
    folder = world.config.recording.folder / session.id
    modes = {path.name: path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir())}
    assert modes.pop(session.id) == 0o700
    assert len(modes) >= 3
    assert set(modes.values()) == {0o600}


def test_without_recording_nothing_is_written(world: World, tmp_path: Path) -> None:
    hub = world.with_recording(enabled=False)
    session = hub.open(OPTIONS)
    world.hub = hub
    world.talk({session.id: QUESTION})
    hub.close_all()
    assert session.folder is None
    assert list(tmp_path.iterdir()) == []


def test_statistics_add_up(world: World) -> None:
    session: Session = world.hub.open(OPTIONS)
    world.talk({session.id: QUESTION})
    counts = session.statistics
    assert (counts.answered, counts.missed, counts.waiting) == (15, 0, 0)
    assert counts.slots.placed == len(QUESTION)
