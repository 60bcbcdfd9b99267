"""Whether the server lives and is ready: asked without a token, by anyone, at any time."""

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from configs.base import ConfigError
from configs.runtime.runtime import RecordingConfig
from runtime.clock import ManualClock
from runtime.engine.engine import InlineEngine
from runtime.webrtc import health
from runtime.webrtc.health import Readiness
from tests.runtime.webrtc.conftest import MakeServer, Server

TOKEN = "sixteen-letters-"


async def ask(server: Server, path: str = "/readyz") -> tuple[int, Any]:
    """Status and body of an answer."""
    response = await server.http.get(path)
    assert response.headers["cache-control"] == "no-store"
    assert "\n" not in response.text
    return response.status_code, response.json()


async def test_a_server_that_takes_conversations_is_ready(make_server: MakeServer) -> None:
    async with make_server(host="0.0.0.0", token=TOKEN) as server:
        assert await ask(server) == (200, {"status": "ready"})
        assert await ask(server, "/livez") == (200, {"status": "alive"})


async def test_a_full_server_is_ready(make_server: MakeServer) -> None:
    async with make_server(rows=0) as server:
        assert server.hub.client.free == 0
        assert (await ask(server))[0] == 200


async def test_without_an_engine_it_lives_and_is_not_ready(
    make_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with make_server(host="0.0.0.0", token=TOKEN) as server:
        monkeypatch.setattr(InlineEngine, "ready", False)
        status, body = await ask(server)
        assert (status, body["error"]["code"]) == (503, "engine_died")
        assert (await ask(server, "/livez"))[0] == 200


async def test_while_it_drains_it_is_not_ready(make_server: MakeServer) -> None:
    async with make_server() as server:
        await server.gateway.drain()
        status, body = await ask(server)
    assert (status, body["error"]["code"]) == (503, "draining")


async def test_without_a_folder_for_recordings_it_is_not_ready_and_keeps_the_path_for_itself(
    make_server: MakeServer, tmp_path: Path
) -> None:
    (tmp_path / "recordings").write_text("not a folder")
    async with make_server() as server:
        status, body = await ask(server)
    assert (status, body["error"]["code"]) == (503, "no_recordings")
    assert str(tmp_path) not in json.dumps(body)
    async with make_server(record=False) as server:
        assert (await ask(server))[0] == 200


async def test_on_a_full_disk_it_is_not_ready(make_server: MakeServer, tmp_path: Path) -> None:
    async with make_server(recording={"min_free_mb": 1e9}) as server:
        status, body = await ask(server)
    assert (status, body["error"]["code"]) == (503, "disk_full")
    assert str(tmp_path) not in json.dumps(body)


class StillMedia:
    """Media of which only what readiness asks matters; they answer when `gate` is open."""

    def __init__(self) -> None:
        self.asked = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def explain_unready(self) -> None:
        """See `MediaServer`."""
        self.asked += 1
        await self.gate.wait()


@pytest.fixture
def media() -> Any:
    return StillMedia()


async def test_the_media_are_asked_once_however_many_ask(media: Any) -> None:
    media.gate.clear()
    readiness = Readiness(media, RecordingConfig(), ManualClock(), lambda config: None)
    asking = [asyncio.create_task(readiness.explain()) for _ in range(50)]
    await asyncio.sleep(0)
    media.gate.set()
    assert await asyncio.gather(*asking) == [None] * 50
    assert media.asked == 1
    assert await readiness.explain() is None
    assert media.asked == 2


async def test_media_that_do_not_answer_are_dead(media: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_MEDIA_S", 0.0)
    media.gate.clear()
    readiness = Readiness(media, RecordingConfig(), ManualClock(), lambda config: None)
    for unready in (await readiness.explain(), await readiness.explain_dead()):
        assert unready is not None
        assert unready[0] == "media_stuck"
    assert media.asked == 1
    media.gate.set()
    monkeypatch.setattr(health, "_MEDIA_S", 10.0)
    assert await readiness.explain_dead() is None


async def test_the_disk_is_asked_once_however_many_ask(media: Any) -> None:
    clock, asked = ManualClock(), []

    def check(config: RecordingConfig) -> None:
        asked.append(config)
        if len(asked) > 1:
            raise ConfigError("gone")

    readiness = Readiness(media, RecordingConfig(), clock, check)
    assert await asyncio.gather(*(readiness.explain() for _ in range(50))) == [None] * 50
    clock.advance(1.9)
    assert await readiness.explain() is None
    assert len(asked) == 1
    clock.advance(0.2)
    unready = await readiness.explain()
    assert (len(asked), unready and unready[0]) == (2, "no_recordings")


async def test_a_disk_that_hangs_holds_nobody(media: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_DISK_S", 0.0)
    go_on, asked = threading.Event(), []

    def check(config: RecordingConfig) -> None:
        asked.append(config)
        go_on.wait(10)

    readiness = Readiness(media, RecordingConfig(), ManualClock(), check)
    codes = [unready and unready[0] for unready in [await readiness.explain() for _ in range(3)]]
    go_on.set()
    assert (codes, len(asked)) == (["disk_slow"] * 3, 1)
    monkeypatch.setattr(health, "_DISK_S", 10.0)
    assert await readiness.explain() is None
