"""A server without sockets: the application over an in-memory HTTP transport, with a fake model."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from configs.runtime.runtime import RecordingConfig, RuntimeConfig
from configs.runtime.serve import ServeConfig
from runtime.clock import SystemClock
from runtime.engine.client import EngineClient
from runtime.engine.engine import Engine, InlineEngine
from runtime.metrics import Metrics
from runtime.session.file_writer import FileWriter, Work
from runtime.sessions import SessionHub
from runtime.webrtc.app import create_app
from runtime.webrtc.client import VoiceClient
from runtime.webrtc.gateway import Gateway
from runtime.webrtc.media_thread import MediaLoop
from tests.runtime.fakes import FakeGenerator


@dataclass
class Server:
    """A running application and an HTTP client of it."""

    http: httpx.AsyncClient
    gateway: Gateway
    hub: SessionHub

    async def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """An offer that must be answered."""
        response = await self.http.post("/api/offer", json=body)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer


class HeldWriter:
    """A disk that does nothing until it is told to go on."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self._held: list[Work] | None = []

    @property
    def waiting(self) -> int:
        """How much work is held."""
        return len(self._held or ())

    def submit(self, work: Work) -> None:
        """Hold `work`, or do it at once."""
        if self._held is None:
            work()
        else:
            self._held.append(work)
            self.begun.set()

    def go_on(self) -> None:
        """Do what is held, and hold nothing any more."""
        held, self._held = self._held, None
        for work in held or ():
            work()

    def close(self) -> None:
        """Do what is held."""
        self.go_on()


SILENCE = np.zeros(480, dtype=np.int16)
MakeServer = Callable[..., AbstractAsyncContextManager[Server]]


@pytest.fixture
async def client() -> AsyncIterator[VoiceClient]:
    """A client that says nothing."""
    client = VoiceClient(lambda now: SILENCE, SystemClock())
    yield client
    await client.close()


@pytest.fixture
def make_server(tmp_path: Path) -> MakeServer:
    """`async with make_server(rows=2, recording=RecordingConfig values, **ServeConfig values) as server`.

    Without a `writer`, files are written at once. `address`: that of the HTTP client.
    """

    @asynccontextmanager
    async def make(
        rows: int = 2,
        record: bool = True,
        generator: FakeGenerator | None = None,
        media: MediaLoop | None = None,
        recording: dict[str, Any] | None = None,
        writer: FileWriter | None = None,
        engine: EngineClient | None = None,
        address: str = "127.0.0.1",
        **values: Any,
    ) -> AsyncIterator[Server]:
        clock = SystemClock()
        place = RecordingConfig(**{"folder": tmp_path / "recordings", "enabled": record, **(recording or {})})
        runtime = RuntimeConfig(recording=place)
        metrics = Metrics()
        inline = InlineEngine(Engine(generator or FakeGenerator(rows), clock, runtime.engine), "fake")
        hub = SessionHub(engine or inline, runtime, clock, metrics, writer=writer)
        app = create_app(ServeConfig(**values), hub, clock, metrics=metrics, media=media)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 1))
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://duplex") as http,
        ):
            yield Server(http, app.state.gateway, hub)

    return make
