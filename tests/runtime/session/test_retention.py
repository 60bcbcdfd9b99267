"""Quota and retention of recordings: what goes, and above all what stays."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from configs.runtime.runtime import RecordingConfig, RuntimeConfig
from duplex.model.interface import ConversationOptions
from runtime.clock import ManualClock
from runtime.engine.engine import Engine, InlineEngine
from runtime.session.retention import Retention, remove_surplus
from runtime.sessions import SessionHub
from tests.runtime.fakes import FakeGenerator

DAY = 86_400.0
NOW = 1_800_000_000.0
END = '{"kind":"header"}\n{"kind":"end","slots":3,"reason":"closed","chain":"00"}\n'
OPEN = '{"kind":"header"}\n{"kind":"slot","text":"\\n{\\"kind\\":\\"end\\","}\n'


def keep(folder: Path, name: str, age_s: float, megabytes: float = 1.0, log: str = END) -> Path:
    """A conversation whose log was written `age_s` before `NOW`."""
    place = folder / name
    place.mkdir(parents=True)
    (place / "slots.jsonl").write_text(log)
    with (place / "dialogue.wav").open("wb") as file:
        file.truncate(round(megabytes * 1_000_000) - len(log))
    os.utime(place / "slots.jsonl", (NOW - age_s, NOW - age_s))
    return place


def name(number: int) -> str:
    return f"{number:016x}"


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_without_limits_everything_is_kept(tmp_path: Path) -> None:
    keep(tmp_path, name(1), 10_000 * DAY)
    remove_surplus(RecordingConfig(folder=tmp_path), (), NOW)
    assert left(tmp_path) == [name(1)]


def test_what_is_older_than_it_may_be_goes(tmp_path: Path) -> None:
    for number, days in ((1, 7.1), (2, 6.9), (3, 30.0)):
        keep(tmp_path, name(number), days * DAY)
    remove_surplus(RecordingConfig(folder=tmp_path, keep_days=7), (), NOW)
    assert left(tmp_path) == [name(2)]


def test_the_oldest_go_until_the_rest_fits(tmp_path: Path) -> None:
    for number, hours in ((1, 1), (2, 4), (3, 3), (4, 2)):
        keep(tmp_path, name(number), hours * 3600, megabytes=4)
    config = RecordingConfig(folder=tmp_path, max_total_gb=0.008)
    remove_surplus(config, (), NOW)
    assert left(tmp_path) == [name(1), name(4)]
    remove_surplus(config, (), NOW)
    assert left(tmp_path) == [name(1), name(4)]


def test_conversations_that_last_are_kept(tmp_path: Path) -> None:
    keep(tmp_path, name(1), 20 * DAY)
    keep(tmp_path, name(2), 599, log=OPEN)
    keep(tmp_path, name(3), 601, log=OPEN)
    config = RecordingConfig(folder=tmp_path, max_total_gb=1e-9, keep_days=1e-9)
    remove_surplus(config, {name(1)}, NOW)
    assert left(tmp_path) == [name(1), name(2)]


@pytest.mark.parametrize("foreign", ["holiday", name(1).upper().replace("0", "A"), name(1)[1:], f"{name(1)}0"])
def test_folders_of_others_are_kept(tmp_path: Path, foreign: str) -> None:
    keep(tmp_path, foreign, 20 * DAY)
    (tmp_path / name(2)).mkdir()
    (tmp_path / name(3)).write_text("a file")
    elsewhere = keep(tmp_path / "elsewhere", "talk", 20 * DAY)
    (tmp_path / name(4)).symlink_to(elsewhere)
    before = left(tmp_path)
    remove_surplus(RecordingConfig(folder=tmp_path, max_total_gb=1e-9, keep_days=1e-9), (), NOW)
    assert left(tmp_path) == before
    assert left(elsewhere) == ["dialogue.wav", "slots.jsonl"]


def test_what_cannot_be_removed_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(place: Path) -> None:
        if place.name == name(1):
            raise PermissionError(13, "Permission denied", str(place))
        remove(place)

    keep(tmp_path, name(1), 20 * DAY)
    keep(tmp_path, name(2), 19 * DAY)
    remove = shutil.rmtree
    monkeypatch.setattr("shutil.rmtree", refuse)
    remove_surplus(RecordingConfig(folder=tmp_path, keep_days=1), (), NOW)
    assert left(tmp_path) == [name(1)]
    assert "recordings_not_removed" in caplog.text
    assert "Permission denied" in caplog.text


def test_room_is_made_when_a_conversation_begins_and_never_of_one_that_lasts(tmp_path: Path) -> None:
    keep(tmp_path, name(1), 20 * DAY)
    config = RuntimeConfig(recording=RecordingConfig(folder=tmp_path, max_total_gb=1e-9))
    waiting: list[Callable[[], object]] = []
    # In the future, no log that nobody closed counts as being written.
    retention = Retention(config.recording, waiting.append, lambda: NOW * 2)
    client = InlineEngine(Engine(FakeGenerator(2), ManualClock(), config.engine), "fake")
    hub = SessionHub(client, config, ManualClock(), retention)
    first = hub.open(ConversationOptions())
    assert left(tmp_path) == sorted([name(1), first.id])
    waiting.pop()()
    assert left(tmp_path) == [first.id]
    hub.close(first.id)
    second = hub.open(ConversationOptions())
    waiting.pop()()
    assert left(tmp_path) == [second.id]
    hub.close_all()
