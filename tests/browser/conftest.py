"""A served page in its own processes, and a headless Chromium with a fake microphone.

The server runs as users run it: `runtime.cli.serve.serve`, engine in a process of its own.
"""

import asyncio
import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, expect, sync_playwright

from configs.runtime.runtime import EngineConfig, RecordingConfig, RuntimeConfig
from configs.runtime.serve import ServeConfig
from runtime.cli.serve import serve
from runtime.engine.worker import loader_with
from runtime.webrtc.peer import Peer
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
FAKE_DEVICE = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
START_S = 120
expect.set_options(timeout=30_000)  # how long a check waits: no measure of speed, a loaded machine is slow

BOOK = """
const opened = window.opened = { tracks: [], connections: [], channels: [] };
const ask = navigator.mediaDevices?.getUserMedia?.bind(navigator.mediaDevices);
if (ask) navigator.mediaDevices.getUserMedia = async (wanted) => {
  const stream = await ask(wanted);
  opened.tracks.push(...stream.getTracks());
  return stream;
};
window.RTCPeerConnection = class extends window.RTCPeerConnection {
  constructor(...options) {
    super(...options);
    opened.connections.push(this);
  }
  createDataChannel(...options) {
    const channel = super.createDataChannel(...options);
    opened.channels.push(channel);
    return channel;
  }
};
window.stillOpen = () => [
  opened.tracks.filter((track) => track.readyState === "live").length,
  opened.connections.filter((connection) => connection.signalingState !== "closed").length,
];
"""
"""Keeps account of microphones, connections and data channels, in `opened`; `stillOpen()` gives how many microphones
and connections are open."""


@dataclass(frozen=True)
class Served:
    """A running server: its address, and the process to stop."""

    url: str
    process: multiprocessing.process.BaseProcess

    def stop(self) -> None:
        """Send Ctrl-C, then wait."""
        if self.process.is_alive() and self.process.pid:
            os.kill(self.process.pid, signal.SIGINT)
            self.process.join(20)
        if self.process.is_alive():
            self.kill()

    def kill(self) -> None:
        """End it as the system does that is out of memory."""
        self.process.kill()
        self.process.join(20)


def run_server(
    pipe: "Connection[str, str]",
    model: str,
    folder: Path,
    rows: int,
    answer_s: float,
    changes: dict[str, Any],
    network: dict[str, Any],
) -> None:
    """The process's main function: serve until interrupted; every offer takes `answer_s` longer to answer."""
    answer_after(answer_s)
    # A machine too slow for the model is what `duplex bench` finds out; here it may fall behind and catch up.
    engine = EngineConfig(max_sessions=rows, max_waiting_slots=150, spare=False)
    runtime = RuntimeConfig(engine=engine, recording=RecordingConfig(folder=folder))
    loader = load_fake if model == "fake" else loader_with(changes)
    with suppress(KeyboardInterrupt):
        serve(model, ServeConfig.model_validate(network), runtime, pipe.send, loader)


def answer_after(seconds: float) -> None:
    """Slow down the answers of this process."""
    answer = Peer._answer

    async def slow(peer: Peer, offer: Any) -> None:
        await asyncio.sleep(seconds)
        await answer(peer, offer)

    Peer._answer = slow  # type: ignore[method-assign]


MakeServer = Callable[..., Served]


@contextmanager
def servers(folder: Path) -> Iterator[MakeServer]:
    """Starts servers and stops them at the end."""
    context = multiprocessing.get_context("spawn")
    running: list[Served] = []

    def make(
        model: str = "fake",
        rows: int = 2,
        answer_s: float = 0,
        changes: dict[str, Any] | None = None,
        **network: Any,
    ) -> Served:
        ours, theirs = context.Pipe()
        given = (theirs, model, folder, rows, answer_s, changes or {}, {"port": 0, **network})
        process = context.Process(target=run_server, args=given)
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
    """`make_server(model="fake", rows=2, answer_s=0, changes=None, **ServeConfig values)`: a server of this test's own;
    all those of a test have one recordings folder."""
    with servers(tmp_path) as make:
        yield make


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with a fake model and room for all tests."""
    with servers(tmp_path_factory.mktemp("kept")) as make:
        yield make(rows=16)


@pytest.fixture(scope="package")
def tidy_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server for tests that leave no session behind; its sessions can be counted."""
    with servers(tmp_path_factory.mktemp("tidy")) as make:
        yield make(rows=4)


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """The driver shared by all browsers: a second one cannot be started alongside it."""
    with sync_playwright() as driver:
        yield driver


@contextmanager
def chromium(playwright: Playwright, *flags: str) -> Iterator[Browser]:
    """A browser, which has a microphone only if flags provide one."""
    browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=[*FLAGS, *flags])
    try:
        yield browser
    finally:
        browser.close()


def speaking(wav: Path | None) -> tuple[str, ...]:
    """Flags for a microphone that plays `wav` once; None leaves the browser without one."""
    return () if wav is None else (*FAKE_DEVICE, f"--use-file-for-fake-audio-capture={wav}%noloop")


@pytest.fixture(scope="package")
def beeping(playwright: Playwright) -> Iterator[Browser]:
    """A browser for many tests, whose microphone beeps once a second."""
    with chromium(playwright, *FAKE_DEVICE) as browser:
        yield browser


@contextmanager
def watch(page: Page, url: str, without: Collection[str] = ()) -> Iterator[Page]:
    """A page whose errors, requests to other hosts and lost facilities (except those in `without`) fail the test."""
    errors: list[str] = []
    requests: list[str] = []
    lost: set[str] = set()

    def console(line: ConsoleMessage) -> None:
        if line.text.startswith("Without "):
            lost.add(line.text.removeprefix("Without ").split(":")[0])

    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", console)
    page.goto(url)
    yield page
    assert errors == []
    assert [one for one in requests if not one.startswith((urljoin(url, "/")[:-1], "blob:"))] == []
    assert lost == set(without)


OpenPage = Callable[..., AbstractContextManager[Page]]


@pytest.fixture(scope="session", autouse=True)
def _browser_is_there() -> None:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine (apt install chromium)")


@pytest.fixture
def open_page(playwright: Playwright) -> OpenPage:
    """`with open_page(url, wav=None, **context options) as page`: in a browser of its own, `watched`."""

    @contextmanager
    def open_url(url: str, wav: Path | None = None, **options: Any) -> Iterator[Page]:
        with (
            chromium(playwright, *speaking(wav)) as browser,
            watch(browser.new_context(**options).new_page(), url) as page,
        ):
            yield page

    return open_url


@pytest.fixture
def open_beeping(beeping: Browser) -> OpenPage:
    """`with open_beeping(url, script="", without=(), **context options) as page`: in the shared browser, `watched`.

    `script` runs before the page's own, after `BOOK`.
    """

    @contextmanager
    def open_url(url: str, script: str = "", without: Collection[str] = (), **options: Any) -> Iterator[Page]:
        with beeping.new_context(**{"bypass_csp": True, **options}) as context:
            page = context.new_page()
            page.add_init_script(BOOK + script)
            with watch(page, url, without):
                yield page

    return open_url
