"""A disk that fills during a call, whose work is done beside it: who is told and when, and what is left."""

from collections import deque
from collections.abc import Iterable

import pytest
import soundfile

from duplex.model.interface import ConversationOptions
from runtime.cli.repair import command as repair
from runtime.clock import Clock
from runtime.engine.engine import Engine, InlineEngine
from runtime.engine.kept_session import HeardSlot
from runtime.errors import DiskFull
from runtime.replay import compare, load_logged, replay
from runtime.session.file_writer import Work
from runtime.session.resumable import ResumeKey, read_resumable
from runtime.session.session import Session
from runtime.session.slot_log import read_log
from runtime.sessions import SessionHub
from tests.runtime.fakes import FakeGenerator
from tests.runtime.session.small_disk import SmallDisk
from tests.runtime.session_world import OPTIONS, World
from tests.runtime.test_recorded_sessions import fail_full, sound_of
from tests.runtime.user_audio import INTERRUPTION

LATE_S, TOLD_S, SLOT_S = 1.0, 2.0, 0.2


class LateWriter:
    """A disk that does its work `LATE_S` after it was asked, when it is asked again."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._work = clock, deque[tuple[float, Work]]()

    @property
    def waiting(self) -> int:
        """How much work is not done yet."""
        return len(self._work)

    def submit(self, work: Work) -> None:
        """See `FileWriter`."""
        self._work.append((self._clock.now() + LATE_S, work))
        while self._work[0][0] <= self._clock.now():
            self._work.popleft()[1]()

    def close(self) -> None:
        """See `FileWriter`."""
        while self._work:
            self._work.popleft()[1]()


@pytest.fixture
def writer(world: World) -> LateWriter:
    """The disk of the world's sessions."""
    writer = LateWriter(world.clock)
    world.hub = world.with_recording(writer)
    return writer


def begin(world: World, writer: LateWriter) -> Session:
    """A session whose files are there, or cannot be created."""
    session = world.hub.open(OPTIONS)
    writer.close()
    world.hub.settle_files(session)
    return session


def metric(world: World, line: str) -> bool:
    return f"duplex_{line}\n".encode() in world.metrics.exposition()


@pytest.mark.parametrize("room", [60_000, 100_001, 200_003])
def test_user_and_log_are_told_within_two_seconds_and_what_was_written_is_whole(
    world: World, writer: LateWriter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, room: int
) -> None:
    disk = SmallDisk(world.config.recording.folder, room, monkeypatch)
    session = begin(world, writer)
    rows = world.talk({session.id: INTERRUPTION})[session.id]
    written = len(read_log(world.config.recording.folder / session.id / "slots.jsonl").rows)
    world.hub.close(session.id)
    writer.close()
    folder = world.config.recording.folder / session.id

    full_at = SLOT_S * (written + 1)  # when the first slot ended that is not in the log
    assert [told.notice.code for told in world.told] == ["recording_stopped"]
    assert world.told_at[0] - full_at <= TOLD_S
    (line,) = [one for one in caplog.records if getattr(one, "event", "") == "notice"]
    assert "the disk is full" in line.getMessage()
    assert metric(world, "recordings_stopped_total 1.0")
    assert [row.slot for row in rows] == list(range(30))
    assert [row.event for row in rows if row.event] == ["start", "cut", "start", "end"]

    assert 0 < written < 30
    for name in ("user.wav", "dialogue.wav"):
        told, there = sound_of(folder / name)
        assert told == there
    disk.room = 1_000_000
    repair(folder)
    logged = load_logged(folder / "slots.jsonl")
    assert logged.rows == tuple(rows[: len(logged.rows)])
    assert written - 1 <= len(logged.rows) <= written
    report = compare(logged.rows, replay(logged, FakeGenerator()).rows)
    assert (report.equal, report.slots) == (True, len(logged.rows))
    assert soundfile.info(folder / "dialogue.wav").duration >= SLOT_S * (written - 1)


def test_the_next_call_is_held_unrecorded(
    world: World, writer: LateWriter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    SmallDisk(world.config.recording.folder, 0, monkeypatch)
    session = begin(world, writer)
    assert len(world.talk({session.id: INTERRUPTION})[session.id]) == 30
    assert [told.notice.code for told in world.told] == ["not_recorded"]
    assert "session_unrecorded" in [getattr(one, "event", "") for one in caplog.records]
    assert metric(world, "recordings_failed_total 1.0")
    assert not metric(world, "recordings_stopped_total 1.0")


def test_or_refused_and_counted_although_its_files_fail_later(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "runtime")
    writer = LateWriter(world.clock)
    world.hub = world.with_recording(writer, required=True)
    SmallDisk(world.config.recording.folder, 0, monkeypatch)
    with pytest.raises(DiskFull, match="the disk is full"):
        begin(world, writer)
    assert metric(world, 'sessions_refused_total{code="disk_full"} 1.0')
    assert "session_refused" in [getattr(one, "event", "") for one in caplog.records]


class Reopening(InlineEngine):
    """An engine that takes up sessions of another process, without their past."""

    def reopen(self, session: str, options: ConversationOptions, heard: Iterable[HeardSlot]) -> None:
        """See `ReopeningClient.reopen`."""
        self._engine.admit(session, options)


def test_a_conversation_of_a_killed_server_whose_files_cannot_be_gone_on_with_frees_its_place(world: World) -> None:
    session = world.hub.open(OPTIONS)
    world.talk({session.id: INTERRUPTION})
    session.files.keep_key(ResumeKey.of("secret", "balanced"))
    left = read_resumable(world.config.recording.folder, session.id, "secret", 0.0)
    client = Reopening(Engine(FakeGenerator(2), world.clock, world.config.engine), "fake")
    recording = world.config.recording.model_copy(update={"required": True, "min_free_mb": 1e9})
    config = world.config.model_copy(update={"recording": recording})
    with pytest.raises(DiskFull):
        SessionHub(client, config, world.clock, world.observer).reopen(left)
    assert client.free == 2
    assert metric(world, 'sessions_refused_total{code="disk_full"} 1.0')


def test_files_that_cannot_be_finished_after_the_call_are_told_to_the_log(
    world: World, writer: LateWriter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    session = begin(world, writer)
    world.talk({session.id: INTERRUPTION})
    world.hub.close(session.id)
    monkeypatch.setattr("runtime.session.transcript.Transcript.write", fail_full)
    world.hub.pump()
    assert not caplog.records
    writer.close()
    world.hub.pump()
    world.hub.pump()
    (line,) = [one for one in caplog.records if getattr(one, "event", "") == "notice"]
    assert session.id in line.getMessage()
    assert metric(world, "recordings_stopped_total 1.0")
