"""The server without sockets: bytes go into its HTTP protocol and come out of a transport in memory, and no connection
sends a packet. What it would log is a fault."""

import asyncio
import gc
import logging
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import aioice.ice
import h11
import uvicorn
from aiortc import RTCDtlsTransport
from uvicorn.server import ServerState

from configs.runtime.runtime import RecordingConfig, RuntimeConfig
from configs.runtime.serve import GuessesConfig, LivenessConfig, MessagesConfig, ServeConfig
from runtime.clock import SystemClock
from runtime.engine.engine import Engine, InlineEngine
from runtime.metrics import Metrics
from runtime.sessions import SessionHub
from runtime.webrtc.app import create_app
from runtime.webrtc.bounded_http import BoundedHttp, Connections
from runtime.webrtc.gateway import Gateway
from runtime.webrtc.media_server import ServerFacts
from runtime.webrtc.web_server import make_protocol
from tests.fuzz.kind import FaultError, Reader
from tests.runtime.fakes import FakeGenerator
from tests.runtime.webrtc.conftest import running

TOKEN: Final = "open-sesame"
_FAILED: Final = re.compile(rb"HTTP/1\.1 5(?!03)\d\d")
_STATUS: Final = re.compile(rb"HTTP/1\.1 (\d)")
_HEAD: Final = f"Host: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"


class Wire(asyncio.Transport):
    """Collects what the server sends."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.1", 1), "sockname": ("192.0.2.2", 80)})
        self.sent = b""
        self.closed = False

    def write(self, data: Any) -> None:
        self.sent += bytes(data)

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    abort = close

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class Server:
    """A running application."""

    def __init__(self, gateway: Gateway, protocol: Callable[[], BoundedHttp], state: ServerState) -> None:
        self.gateway = gateway
        self._protocol, self._state = protocol, state

    async def ask(self, data: bytes) -> bytes:
        """What is answered to the bytes of a client, who then closes the connection."""
        protocol, wire = self._protocol(), Wire()
        protocol.connection_made(wire)
        if data:  # no transport delivers less
            protocol.data_received(data)
        while self._state.tasks and not wire.closed and protocol.conn.their_state is not h11.SEND_BODY:
            await asyncio.wait(self._state.tasks, return_when=asyncio.FIRST_COMPLETED)
        protocol.connection_lost(None)
        while self._state.tasks:
            await asyncio.wait(self._state.tasks)
        return wire.sent

    def check(self) -> None:
        """Raises FaultError if the gateway runs no longer."""
        if not any(getattr(task.get_coro(), "__qualname__", "") == "Gateway.run" for task in asyncio.all_tasks()):
            raise FaultError("the gateway has ended")

    async def close_all(self) -> None:
        """End all sessions."""
        await self.gateway.close_all()


@asynccontextmanager
async def server() -> AsyncIterator[Server]:
    """A server with a fake model, which records nothing."""
    clock = SystemClock()
    runtime = RuntimeConfig(recording=RecordingConfig(enabled=False))
    metrics = Metrics()
    hub = SessionHub(InlineEngine(Engine(FakeGenerator(2), clock, runtime.engine), "fake"), runtime, clock, metrics)
    config = ServeConfig(
        token=TOKEN,
        guesses=GuessesConfig(most=1 << 30),
        messages=MessagesConfig(per_s=1e9, burst=1 << 30),
        liveness=LivenessConfig(connect_s=1e9, watch_s=0.003),
    )
    gateway = Gateway(hub, config, clock, metrics)
    app = create_app(config, gateway, ServerFacts(hub.client.info, runtime.recording), clock)
    settings = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", interface="asgi3")
    settings.load()
    state = ServerState()
    make = make_protocol(config, Connections(config.connections))
    async with running(gateway):
        yield Server(gateway, lambda: make(config=settings, server_state=state, app_state={}), state)


class Watch(logging.Handler):
    """Remembers what would be in the server's log, and errors that nobody awaits."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler`."""
        text = record.getMessage()
        if record.exc_info or "Traceback" in text:
            self.found.append(f"{text.splitlines()[-1] if text else ''} {record.exc_info and record.exc_info[1]!r}")

    def on_loop_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """As `loop.set_exception_handler` wants it."""
        self.found.append(f"{context['message']}: {context.get('exception')!r}")

    def raise_found(self) -> None:
        """Raises FaultError if there was anything since the last call."""
        found, self.found = self.found, []
        if found:
            raise FaultError("; ".join(dict.fromkeys(found)))


def _send_nothing(protocol: aioice.ice.StunProtocol, data: object, address: object) -> None:
    """In place of what sends a packet."""


async def _send_no_data(transport: RTCDtlsTransport, data: bytes) -> None:
    """The same, for data channels."""


async def _checked(ask: "Ask", one: Server, data: bytes) -> bool:
    taken = await ask(one, data)
    one.check()
    return taken


Ask = Callable[[Server, bytes], Coroutine[Any, Any, bool]]


def reading(ask: Ask) -> Callable[[Path], Any]:
    """A reader around a server; `ask` tells whether an input was accepted."""

    @contextmanager
    def running(folder: Path) -> Iterator[Reader]:
        watch, root = Watch(), logging.getLogger()
        root.addHandler(watch)
        quiet = patch.multiple(aioice.ice.StunProtocol, send_stun=_send_nothing, send_data=_send_nothing)
        silent = patch.object(RTCDtlsTransport, "_send_data", _send_no_data)
        with quiet, silent, asyncio.Runner() as runner:
            runner.get_loop().set_exception_handler(watch.on_loop_error)
            app = server()
            one = runner.run(app.__aenter__())
            gc.collect()
            gc.freeze()  # what is alive now need not be searched each time

            def read(data: bytes) -> bool:
                try:
                    taken = runner.run(_checked(ask, one, data))
                except Exception:
                    watch.found.clear()
                    raise
                gc.collect()
                watch.raise_found()
                return taken

            try:
                yield read
            finally:
                gc.unfreeze()
                runner.run(app.__aexit__(None, None, None))
                root.removeHandler(watch)

    return running


def accepted(answer: bytes) -> bool:
    """
    Raises:
        FaultError: it is an error of the server.
    """
    if failed := _FAILED.search(answer):
        raise FaultError(f"{failed[0].decode()}: {answer[-200:]!r}")
    status = _STATUS.match(answer)
    return status is not None and status[1] == b"2"


def request(method: str, path: str, body: str = "", kind: str = "application/json") -> bytes:
    about = f"Content-Type: {kind}\r\nContent-Length: {len(body.encode())}\r\n" if body else ""
    return f"{method} {path} HTTP/1.1\r\n{_HEAD}{about}\r\n{body}".encode()
