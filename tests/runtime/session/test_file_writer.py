"""Files are written beside the conversation: a slow disk holds nobody up, and nothing is lost."""

import threading
from pathlib import Path

import pytest

from configs.runtime.runtime import RuntimeConfig
from duplex.model.interface import ConversationOptions
from runtime.clock import ManualClock
from runtime.engine.engine import Engine, InlineEngine
from runtime.pcm import to_int16
from runtime.session.file_writer import ThreadWriter
from runtime.session.session import Session
from runtime.session.session_files import SessionFiles
from runtime.session.slot_log import read_log
from runtime.sessions import Delivered, Noticed, SessionHub
from tests.runtime.fakes import FakeGenerator
from tests.runtime.user_audio import QUESTION

PACKET = 320
LONG_S = 30.0


class SlowDisk:
    """Takes the first slot of a conversation, and the rest only after `go_on`."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, **recording: object) -> None:
        self.go_on, self.writer = threading.Event(), ThreadWriter()
        add = SessionFiles.add

        def slow(files: SessionFiles, *given: object) -> None:
            assert self.go_on.wait(LONG_S)
            add(files, *given)  # type: ignore[arg-type]

        monkeypatch.setattr(SessionFiles, "add", slow)
        self._clock = ManualClock()
        config = RuntimeConfig.model_validate(
            {"recording": {"folder": folder, **recording}, "engine": {"gather_ms": 0}}
        )
        engine = InlineEngine(Engine(FakeGenerator(), self._clock, config.engine), "fake")
        self.hub = SessionHub(engine, config, self._clock, writer=self.writer)
        self.told: list[str] = []

    def talk(self) -> tuple[Session, int]:
        """A question; returns its session and the number of slots that were answered."""
        session, answered = self.hub.open(ConversationOptions()), 0
        for start in range(0, len(QUESTION), PACKET):
            self._clock.advance(0.02)
            session.push_audio(start, to_int16(QUESTION[start : start + PACKET]))
            for news in self.hub.pump():
                answered += isinstance(news, Delivered)
                self.told += [news.notice.message] if isinstance(news, Noticed) else []
        return session, answered


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "recordings"


def test_a_disk_that_stalls_holds_nobody_up_and_loses_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = SlowDisk(folder, monkeypatch)
    session, answered = disk.talk()
    disk.hub.close(session.id)
    assert not session.files.finished.done()
    disk.go_on.set()
    session.files.finished.result(LONG_S)
    disk.writer.close()
    log = read_log(folder / session.id / "slots.jsonl")
    assert answered == len(log.rows) == 15
    assert log.end is not None
    assert (folder / session.id / "transcript.json").stat().st_size


def test_a_disk_that_stays_too_slow_ends_the_recording_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = SlowDisk(folder, monkeypatch, most_waiting=4)
    session, answered = disk.talk()
    disk.go_on.set()
    disk.hub.close(session.id)
    session.files.finished.result(LONG_S)
    disk.writer.close()
    log = read_log(folder / session.id / "slots.jsonl")
    assert answered == 15
    assert 4 <= len(log.rows) <= 6
    assert session.files.error is not None
    assert "the disk is too slow" in session.files.error


def test_a_fault_in_one_piece_of_work_does_not_end_the_others(caplog: pytest.LogCaptureFixture) -> None:
    writer, done = ThreadWriter(), threading.Event()
    writer.submit(lambda: 1 // 0)  # type: ignore[arg-type,return-value]
    writer.submit(done.set)
    writer.close()
    assert done.is_set()
    assert "ZeroDivisionError" in caplog.text


def test_whoever_waits_for_files_learns_of_any_fault(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a fault nobody expects")

    monkeypatch.setattr(SessionFiles, "__init__", fail)
    disk = SlowDisk(folder, monkeypatch, required=True)
    session = disk.hub.open(ConversationOptions())
    assert "nobody expects" in str(session.files.created.result(LONG_S))
    disk.hub.close(session.id)
    session.files.finished.result(LONG_S)
    disk.writer.close()
