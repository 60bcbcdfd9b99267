"""Sessions without a disk or without an engine: what their users and the operator are told."""

from pathlib import Path

import pytest

from duplex.model.interface import ConversationOptions
from runtime.engine.engine import Engine, InlineEngine
from runtime.errors import DiskFull, EngineDied
from runtime.sessions import SessionHub
from tests.runtime.fakes import FakeGenerator
from tests.runtime.session.small_disk import SmallDisk
from tests.runtime.session_world import OPTIONS, World
from tests.runtime.user_audio import QUESTION


@pytest.mark.parametrize("problem", ["full", "nearly full", "a file"])
def test_where_recordings_are_not_required_the_conversation_is_held_without(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, problem: str, caplog: pytest.LogCaptureFixture
) -> None:
    place = tmp_path / "kept"
    if problem == "full":
        SmallDisk(place, 0, monkeypatch)
    elif problem == "a file":
        place.write_text("not a folder")
    world.hub = world.with_recording(folder=place, min_free_mb=1e9 if problem == "nearly full" else 0.0)
    session = world.hub.open(OPTIONS)
    assert len(world.talk({session.id: QUESTION})[session.id]) == 15
    assert session.folder is None
    assert [(told.session, told.notice.code) for told in world.told] == [(session.id, "not_recorded")]
    assert str(place) not in world.told[0].notice.message
    assert not place.is_dir() or list(place.iterdir()) == []
    (line,) = [text for text in caplog.messages if text.startswith(f"session_unrecorded session={session.id}")]
    assert str(place) in line
    assert b"duplex_recordings_failed_total 1.0" in world.metrics.exposition()


def test_a_folder_that_was_asked_for_is_always_required(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    SmallDisk(world.config.recording.folder, 0, monkeypatch)
    with pytest.raises(DiskFull):
        world.hub.open(OPTIONS, world.config.recording.folder / "talk")


class DyingEngine(InlineEngine):
    """An engine that can end."""

    ready = True

    def open(self, options: ConversationOptions) -> str:
        """See `EngineClient.open`."""
        if not self.ready:
            raise EngineDied("the engine ended unexpectedly")
        return super().open(options)


def test_the_engines_end_is_told_once_and_so_is_its_return(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "runtime")
    client = DyingEngine(Engine(FakeGenerator(2), world.clock, world.config.engine), "fake")
    hub = SessionHub(client, world.config, world.clock, world.observer)
    for ready in (True, False, False):
        client.ready = ready
        hub.pump()
    assert b"duplex_engine_up 0.0" in world.metrics.exposition()
    with pytest.raises(EngineDied):
        hub.open(OPTIONS)
    assert b'duplex_sessions_refused_total{code="engine_died"} 1.0' in world.metrics.exposition()
    client.ready = True
    hub.pump()
    assert b"duplex_engine_up 1.0" in world.metrics.exposition()
    events = [getattr(one, "event", "") for one in caplog.records]
    assert events == ["engine_died", "session_refused", "engine_up"]
