"""A real process of HTTP: what it serves, what it does not hear, and what it tells when it cannot serve."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from configs.runtime.serve import ServeConfig, WebConfig
from runtime.cli.serve import listen
from runtime.clock import SystemClock
from runtime.webrtc.supervised_web import SupervisedWeb, WebDied
from runtime.webrtc.web_process import start_web_process
from tests.runtime.webrtc.web_pipes import FACTS, NotedMedia

PATIENCE_S = 60.0
LOWEST = 19


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with listen("127.0.0.1", 0) as made:
        yield made


async def test_it_serves_with_lower_priority_and_hears_no_ctrl_c(listener: socket.socket, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("a page")
    started = start_web_process(listener, ServeConfig(), tmp_path)
    os.kill(started.pid, signal.SIGINT)  # it has only just begun
    web, serving = SupervisedWeb(lambda: started, WebConfig(restarts=0), SystemClock()), asyncio.Event()
    task = asyncio.create_task(web.run(NotedMedia(), FACTS, lambda pid: serving.set()))
    waiting = asyncio.create_task(serving.wait())
    await asyncio.wait((task, waiting), timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
    assert serving.is_set()
    os.kill(started.pid, signal.SIGINT)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}") as http:
        page, status = await http.get("/"), await http.get("/api/status")
    if sys.platform == "linux":
        own = os.getpriority(os.PRIO_PROCESS, 0)
        assert os.getpriority(os.PRIO_PROCESS, started.pid) == min(own + 10, LOWEST)
    await web.stop()
    await asyncio.wait_for(task, PATIENCE_S)
    web.close()
    assert started.worker.ending() == "exit code 0"
    assert page.text == "a page"
    assert (status.json()["model"], status.json()["free"]) == (FACTS.info.model, 3)


async def test_it_tells_why_it_cannot_serve(listener: socket.socket, tmp_path: Path) -> None:
    config = ServeConfig(certfile=tmp_path / "gone.pem", keyfile=tmp_path / "gone.key")
    web = SupervisedWeb(lambda: start_web_process(listener, config, tmp_path), WebConfig(restarts=0), SystemClock())
    with pytest.raises(WebDied, match=r"lost 1 times \(FileNotFoundError: .*No such file or directory\); restart"):
        await asyncio.wait_for(web.run(NotedMedia(), FACTS, lambda pid: None), PATIENCE_S)
    web.close()
