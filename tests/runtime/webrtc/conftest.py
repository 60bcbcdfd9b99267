"""Servers with a fake model: without sockets, the application over an in-memory HTTP transport; and in processes."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
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
from runtime.webrtc.media_server import MediaServer, ServerFacts
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


@asynccontextmanager
async def running(gateway: Gateway) -> AsyncIterator[None]:
    """The gateway serves meanwhile."""
    task = asyncio.create_task(gateway.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait((task,))


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

    Without a `writer`, files are written at once. `media`: how the application reaches the gateway. `address`: that of
    the HTTP client.
    """

    @asynccontextmanager
    async def make(
        rows: int = 2,
        record: bool = True,
        generator: FakeGenerator | None = None,
        recording: dict[str, Any] | None = None,
        writer: FileWriter | None = None,
        engine: EngineClient | None = None,
        media: Callable[[Gateway], AbstractAsyncContextManager[MediaServer]] = nullcontext,
        address: str = "127.0.0.1",
        **values: Any,
    ) -> AsyncIterator[Server]:
        clock = SystemClock()
        place = RecordingConfig(**{"folder": tmp_path / "recordings", "enabled": record, **(recording or {})})
        runtime = RuntimeConfig(recording=place)
        metrics = Metrics()
        inline = InlineEngine(Engine(generator or FakeGenerator(rows), clock, runtime.engine), "fake")
        hub = SessionHub(engine or inline, runtime, clock, metrics, writer=writer)
        config = ServeConfig(**values)
        gateway = Gateway(hub, config, clock, metrics)
        async with running(gateway), media(gateway) as asked:
            app = create_app(config, asked, ServerFacts(hub.client.info, place), clock)
            transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 1))
            async with httpx.AsyncClient(transport=transport, base_url="http://duplex") as http:
                yield Server(http, gateway, hub)

    return make


SERVE = """
import multiprocessing
import sys
from contextlib import suppress
from pathlib import Path
from configs.runtime.runtime import RecordingConfig, RuntimeConfig
from configs.runtime.serve import LogConfig, ServeConfig
from runtime.cli.serve import serve
from runtime.clock import SystemClock
from runtime.logs import set_up_logs
from tests.runtime.fakes import load_fake

def tell(url):
    (web,) = [child.pid for child in multiprocessing.active_children() if child.name == "duplex-web"]
    print(url, web, flush=True)

config = ServeConfig(port=0, log=LogConfig(format="json"))
set_up_logs(config.log, sys.stderr, SystemClock())
runtime = RuntimeConfig(recording=RecordingConfig(folder=Path(sys.argv[1])))
with suppress(KeyboardInterrupt):
    serve("fake", config, runtime, tell, load_fake)
"""


class Served:
    """A server's process, and a client in a conversation with it. `web`: id of the process of HTTP."""

    def __init__(self, process: Process, url: str, web: int) -> None:
        self.process, self.web = process, web
        self.http = httpx.AsyncClient(base_url=url, limits=httpx.Limits(max_keepalive_connections=0))
        self.client = VoiceClient(lambda now: SILENCE, SystemClock())

    async def connect(self) -> None:
        """Begin the conversation."""
        await self.client.connect(self._post)
        await self.told("hello")

    async def told(self, kind: str) -> dict[str, Any]:
        """The first message of a type."""
        return (await self.client.wait_for(lambda message: message["type"] == kind, 20)).message

    async def end(self) -> tuple[int, list[str]]:
        """Exit code and logged events, or messages, once the process and all that it started have ended."""
        assert self.process.stderr is not None
        async with asyncio.timeout(30):
            log = await self.process.stderr.read()  # ends when the last one has closed it
            lines = [json.loads(line) for line in log.splitlines()]
            return await self.process.wait(), [line.get("event") or line["message"] for line in lines]

    async def _post(self, body: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = (await self.http.post("/api/offer", json=body)).json()
        return answer


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    """A server in processes of its own, as users run it, which are a group of their own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVE, tmp_path, stdout=PIPE, stderr=PIPE, start_new_session=True
    )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        url, web = (await process.stdout.readline()).decode().split()
    server = Served(process, url, int(web))
    yield server
    await server.client.close()
    await server.http.aclose()
    if process.returncode is None:
        process.kill()
    await process.communicate()  # closes what was read from it
