"""A served process that is told to stop, while somebody talks to it."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from runtime.clock import SystemClock
from runtime.webrtc.client import VoiceClient

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM")

SILENCE = np.zeros(480, dtype=np.int16)
SERVE = """
import sys
from pathlib import Path
from configs.runtime.runtime import RecordingConfig, RuntimeConfig
from configs.runtime.serve import LogConfig, ServeConfig
from runtime.cli.serve import serve
from runtime.clock import SystemClock
from runtime.logs import set_up_logs
from tests.runtime.fakes import load_fake

set_up_logs(LogConfig(format="json"), sys.stderr, SystemClock())
runtime = RuntimeConfig(recording=RecordingConfig(folder=Path(sys.argv[1])))
serve("fake", ServeConfig(port=0), runtime, lambda url: print(url, flush=True), load_fake)
"""


class Served:
    """A server's process and a client in a conversation with it."""

    def __init__(self, process: Process, url: str) -> None:
        self.process = process
        self.http = httpx.AsyncClient(base_url=url)
        self.client = VoiceClient(lambda now: SILENCE, SystemClock())

    async def connect(self) -> None:
        """Begin the conversation."""
        await self.client.connect(self._post)
        await self.told("hello")

    async def told(self, kind: str) -> dict[str, Any]:
        """The first message of a type."""
        return (await self.client.wait_for(lambda message: message["type"] == kind, 20)).message

    async def end(self) -> tuple[int, list[str]]:
        """Exit code and logged events of the process, once it has ended."""
        assert self.process.stderr is not None
        async with asyncio.timeout(30):
            log = await self.process.stderr.read()
            return await self.process.wait(), [json.loads(line).get("event") for line in log.splitlines()]

    async def _post(self, body: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = (await self.http.post("/api/offer", json=body)).json()
        return answer


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", SERVE, tmp_path, stdout=PIPE, stderr=PIPE)
    assert process.stdout is not None
    async with asyncio.timeout(60):
        url = (await process.stdout.readline()).decode().strip()
    server = Served(process, url)
    yield server
    await server.client.close()
    await server.http.aclose()
    if process.returncode is None:
        process.kill()
        await process.wait()


async def test_a_conversation_may_end_before_the_server_does(served: Served, tmp_path: Path) -> None:
    assert (await served.http.get("/readyz")).status_code == 200
    await served.connect()
    served.process.send_signal(signal.SIGTERM)
    assert (await served.told("notice"))["code"] == "server_stops"
    assert (await served.http.get("/livez")).status_code == 200
    assert (await served.http.get("/readyz")).json()["error"]["code"] == "draining"
    served.client.say_goodbye()
    code, events = await served.end()
    assert (code, events) == (0, ["session_opened", "draining", "notice", "session_ended"])
    assert '"kind":"end"' in (tmp_path / served.client.session / "slots.jsonl").read_text().splitlines()[-1]


async def test_a_second_sigterm_ends_the_conversation(served: Served, tmp_path: Path) -> None:
    await served.connect()
    served.process.send_signal(signal.SIGTERM)
    await served.told("notice")
    served.process.send_signal(signal.SIGTERM)
    code, events = await served.end()
    assert (code, events[-1]) == (0, "session_ended")
    assert '"reason":"the server stops"' in (tmp_path / served.client.session / "slots.jsonl").read_text()


async def test_a_server_without_conversations_stops(served: Served) -> None:
    served.process.send_signal(signal.SIGTERM)
    assert await served.end() == (0, ["draining"])
