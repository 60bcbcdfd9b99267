"""The files of sessions: what they hold, who may read them, and a disk that does not take them."""

import errno
import os
from pathlib import Path

import pytest
import soundfile

from runtime.errors import DiskFull, LogError
from runtime.session.recording import read_recording
from runtime.session.slot_log import read_log
from runtime.session.slot_rows import sha256
from tests.runtime.session.small_disk import SmallDisk
from tests.runtime.session_world import OPTIONS, SLOT, World
from tests.runtime.user_audio import QUESTION


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
