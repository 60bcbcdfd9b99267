"""What a killed process leaves is gone on with: the log's chain, the recording's clock, and who may come back."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from configs.runtime.runtime import RecordingConfig, RuntimeConfig
from runtime.converse import converse
from runtime.errors import AudioError, LogError, UnknownSession
from runtime.session.log_records import ABSENT, LogHeader, SlotRow
from runtime.session.recording import DIALOGUE_FILE, USER_FILE, Recorder, read_recording
from runtime.session.resumable import RESUME_FILE, ResumeKey, read_resumable
from runtime.session.session_files import SessionFiles
from runtime.session.slot_log import LOG_FILE, SlotLogWriter, read_log
from tests.runtime.fakes import FakeGenerator
from tests.runtime.results import tone
from tests.runtime.session.test_recording import SLOT_IN, SLOT_OUT, user_tone
from tests.runtime.session.test_slot_log import HEADER
from tests.runtime.user_audio import QUESTION

SESSION = "0123456789abcdef"
SLOTS = 20


@pytest.fixture(scope="module")
def rows() -> tuple[SlotRow, ...]:
    return converse(FakeGenerator(), QUESTION, tail_s=1.0).rows


def killed(folder: Path) -> Path:
    """The files as they are at this moment, which a killed process leaves."""
    return Path(shutil.copytree(folder, folder.with_name(f"{folder.name} left")))


@pytest.mark.parametrize("unfinished", ["", '{"kind":"slot","slo', "\u2028é"])
def test_a_log_goes_on_behind_its_last_whole_line(tmp_path: Path, rows: tuple[SlotRow, ...], unfinished: str) -> None:
    path = tmp_path / LOG_FILE
    before = SlotLogWriter(path, HEADER)
    for row in rows[:5]:
        before.row(row)
    before.abandon()
    with path.open("a", encoding="utf-8") as file:
        file.write(unfinished)
    after = SlotLogWriter(path, None)
    for row in rows[5:]:
        after.row(row)
    after.close("bye")
    log = read_log(path)
    assert (log.header, log.rows) == (HEADER, rows)
    assert log.end is not None
    assert log.end.slots == len(rows)


def test_a_log_that_was_changed_is_not_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / LOG_FILE
    writer = SlotLogWriter(path, HEADER)
    writer.abandon()
    path.write_text(path.read_text().replace("fake", "fakk"))
    with pytest.raises(LogError, match="line 1 was changed"):
        SlotLogWriter(path, None)


@pytest.mark.parametrize("slots", [1, 2, 7])
def test_a_recording_goes_on_by_its_own_clock(tmp_path: Path, slots: int) -> None:
    """The user is heard without a gap; of the assistant, what was not written yet is silence."""
    folder = tmp_path / "call"
    folder.mkdir()
    user, config = user_tone(SLOTS), RecordingConfig(header_every_slots=5)

    def add(recorder: Recorder, first: int, last: int) -> None:
        for slot in range(first, last):
            recorder.add(user[slot * SLOT_IN : (slot + 1) * SLOT_IN], tone(slot + 1))

    before = Recorder(folder, config)
    add(before, 0, slots)
    left = killed(folder)
    before.close()
    after = Recorder(left, config, slots)
    add(after, slots, SLOTS)
    after.close()
    np.testing.assert_array_equal(read_recording(left / USER_FILE), user)
    both = read_recording(left / DIALOGUE_FILE) / 32768
    time = np.arange(len(both)) / 24_000
    heard, said = (0.3 * np.sin(2 * np.pi * 100 * time) for _ in range(2))
    inner = slice(500, SLOTS * SLOT_OUT - 500)
    assert both.shape == ((SLOTS + 1) * SLOT_OUT, 2)
    assert np.abs(both[inner, 0] - heard[inner]).max() < 2e-3
    lost = slice((slots - 1) * SLOT_OUT, (slots + 1) * SLOT_OUT)
    said[lost], both[lost, 1] = 0, 0
    assert np.abs(both[SLOT_OUT:, 1] - said[SLOT_OUT:]).max() < 1e-3


def test_a_recording_that_lacks_slots_is_not_gone_on_with(tmp_path: Path) -> None:
    Recorder(tmp_path, RecordingConfig()).close()
    with pytest.raises(AudioError, match=r"user\.wav: is shorter than the slot log"):
        Recorder(tmp_path, RecordingConfig(), 3)


@pytest.fixture
def recordings(tmp_path: Path, rows: tuple[SlotRow, ...]) -> Iterator[Path]:
    """A folder in which a session of five slots lasts."""
    config = RuntimeConfig(recording=RecordingConfig(folder=tmp_path))
    header = LogHeader(SESSION, "fake", "fake-1", 0.0, HEADER.options, {})
    files = SessionFiles(tmp_path / SESSION, header, config)
    files.keep_key(ResumeKey.of("secret", "patient"))
    pcm = user_tone(5)
    for slot, row in enumerate(rows[:5]):
        files._recording.add(pcm[slot * SLOT_IN : (slot + 1) * SLOT_IN], tone(slot + 1))
        files._log.row(row)
    yield tmp_path
    files.close("the test is over")


def test_a_session_that_was_left_is_read(recordings: Path, rows: tuple[SlotRow, ...]) -> None:
    left = read_resumable(recordings, SESSION, "secret", oldest=0.0)
    assert (left.header.session, left.rows, left.policy) == (SESSION, rows[:5], "patient")
    heard = list(left.heard())
    assert [one.slot.index for one in heard] == list(range(5))
    np.testing.assert_array_equal(np.concatenate([one.slot.pcm for one in heard]), user_tone(5))
    assert [(one.event, one.kept, one.slot.absent) for one in heard] == [
        (row.event, row.kept, ABSENT in row.degraded) for row in rows[:5]
    ]
    assert (recordings / SESSION / RESUME_FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["0000000000000000", "", "..", f"../{SESSION}", f"{SESSION}/", SESSION.upper()])
def test_no_other_name_is_read(recordings: Path, name: str) -> None:
    with pytest.raises(UnknownSession, match="is over, or is not yours"):
        read_resumable(recordings, name, "secret", oldest=0.0)


@pytest.mark.parametrize("secret", ["", "wrong", "sécret"])
def test_a_session_is_read_for_its_client_only(recordings: Path, secret: str) -> None:
    with pytest.raises(UnknownSession, match="is over, or is not yours"):
        read_resumable(recordings, SESSION, secret, oldest=0.0)


def test_what_cannot_be_gone_on_with_is_unknown(recordings: Path) -> None:
    folder = recordings / SESSION
    changed = (folder / LOG_FILE).stat().st_mtime
    with pytest.raises(UnknownSession):
        read_resumable(recordings, SESSION, "secret", oldest=changed + 1)
    for name, content in ((RESUME_FILE, b"{}"), (USER_FILE, b"RIFF"), (LOG_FILE, b"no log\n")):
        before = (folder / name).read_bytes()
        (folder / name).write_bytes(content)
        with pytest.raises(UnknownSession):
            read_resumable(recordings, SESSION, "secret", oldest=0.0)
        (folder / name).write_bytes(before)
    read_resumable(recordings, SESSION, "secret", oldest=0.0)
    os.remove(folder / RESUME_FILE)
    with pytest.raises(UnknownSession):
        read_resumable(recordings, SESSION, "secret", oldest=0.0)


def test_a_session_that_has_ended_is_not_gone_on_with(recordings: Path) -> None:
    folder = recordings / SESSION
    log = SlotLogWriter(folder / LOG_FILE, None)
    log.close("bye")
    with pytest.raises(UnknownSession):
        read_resumable(recordings, SESSION, "secret", oldest=0.0)
