"""A served page in its own processes, and a headless Chromium with a fake microphone.

The server runs as users run it: `runtime.cli.serve.serve`, engine in a process of its own.
"""

import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from configs.runtime.runtime import EngineConfig, RecordingConfig, RuntimeConfig
from configs.runtime.serve import ServeConfig
from runtime.cli.serve import serve
from runtime.engine.worker import load_model
from tests.runtime.fakes import load_fake

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--no-sandbox",
    "--allow-loopback-in-peer-connection",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--no-first-run",
)
START_S = 120


@dataclass(frozen=True)
class Served:
    """A running server: where, and the process to stop."""

    url: str
    process: multiprocessing.process.BaseProcess

    def stop(self) -> None:
        """Ctrl-C, and patience."""
        if self.process.is_alive() and self.process.pid:
            os.kill(self.process.pid, signal.SIGINT)
            self.process.join(20)
        if self.process.is_alive():
            self.process.kill()


def run_server(pipe: "Connection[str, str]", model: str, folder: Path, rows: int, token: str | None) -> None:
    """Process main: serve until interrupted."""
    network = ServeConfig(port=0, token=token)
    runtime = RuntimeConfig(engine=EngineConfig(max_sessions=rows), recording=RecordingConfig(folder=folder))
    loader = load_fake if model == "fake" else load_model
    with suppress(KeyboardInterrupt):
        serve(model, network, runtime, pipe.send, loader)


MakeServer = Callable[..., Served]


@contextmanager
def servers(folder: Path) -> Iterator[MakeServer]:
    """Starts servers, stops them at the end."""
    context = multiprocessing.get_context("spawn")
    running: list[Served] = []

    def make(model: str = "fake", rows: int = 2, token: str | None = None) -> Served:
        ours, theirs = context.Pipe()
        process = context.Process(target=run_server, args=(theirs, model, folder, rows, token))
        process.start()
        theirs.close()
        running.append(Served("", process))
        assert ours.poll(START_S), "the server did not start"
        running[-1] = Served(ours.recv(), process)
        ours.close()
        return running[-1]

    try:
        yield make
    finally:
        for server in running:
            server.stop()


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[MakeServer]:
    """`make_server(model="fake", rows=2, token=None)`: a server of this test's own."""
    with servers(tmp_path) as make:
        yield make


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with a fake model and room for all tests."""
    with servers(tmp_path_factory.mktemp("kept")) as make:
        yield make(rows=16)


@contextmanager
def chromium(wav: Path | None, *more: str) -> Iterator[Browser]:
    """A browser whose microphone plays `wav` once; None leaves it without a microphone."""
    fake = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
    flags = (
        (*FLAGS, *more) if wav is None else (*FLAGS, *fake, f"--use-file-for-fake-audio-capture={wav}%noloop", *more)
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=list(flags))
        try:
            yield browser
        finally:
            browser.close()


OpenPage = Callable[..., AbstractContextManager[Page]]


@pytest.fixture(scope="session", autouse=True)
def _browser_is_there() -> None:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine (apt install chromium)")


@pytest.fixture
def open_page() -> OpenPage:
    """`with open_page(url, wav=None, **context options) as page`: its errors and foreign requests fail the test."""

    @contextmanager
    def opened(url: str, wav: Path | None = None, **options: Any) -> Iterator[Page]:
        with chromium(wav) as browser:
            page = browser.new_context(**options).new_page()
            errors: list[str] = []
            requests: list[str] = []
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on("request", lambda request: requests.append(request.url))
            page.goto(url)
            yield page
            assert errors == []
            assert [one for one in requests if not one.startswith((url.split("/?")[0], "blob:"))] == []

    return opened
