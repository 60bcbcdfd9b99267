"""`duplex serve`: signalling over HTTP, the page, downloads, metrics.

Knows HTTP and the gateway; knows nothing of audio. The page is data that is served, not code that is imported.
"""

import asyncio
import errno
import secrets
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import metadata, resources
from pathlib import Path
from typing import Annotated

import uvicorn
from fastapi import APIRouter, Depends, FastAPI, Response
from fastapi.params import Depends as DependsParam
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from configs.audio import AUDIO
from configs.policy import PRESETS, policy
from configs.runtime import RuntimeConfig
from configs.serve import ServeConfig
from duplex.interface import ConversationOptions
from runtime.clock import Clock, SystemClock
from runtime.engine import EngineClient
from runtime.engine_process import start_engine_process
from runtime.errors import DuplexError
from runtime.hub import Observer, SessionHub
from runtime.webrtc.edge import (
    BodyLimit,
    ErrorAnswer,
    OfferAnswer,
    OfferRequest,
    SessionOptions,
    Status,
    TokenCheck,
    add_error_handlers,
)
from runtime.webrtc.gateway import Gateway, NotRecorded

DOWNLOADS = {
    "recording.wav": ("dialogue.wav", "audio/wav"),
    "slots.jsonl": ("slots.jsonl", "application/x-ndjson"),
    "transcript.json": ("transcript.json", "application/json"),
}


class PortInUse(DuplexError):  # noqa: N818 - reads as what it is
    """Nobody can listen at the wanted address."""

    code = "port_in_use"


def create_app(
    config: ServeConfig,
    hub: SessionHub,
    clock: Clock,
    *,
    page: Path | None = None,
    metrics: Callable[[], bytes] | None = None,
) -> FastAPI:
    """The server's application.

    Args:
        config: limits, token, transport.
        hub: the sessions and their engine; the caller closes the engine.
        clock: the hub's clock.
        page: folder of static files served at `/`; None serves the API only.
        metrics: text for `/metrics`; None leaves it out.
    """
    gateway = Gateway(hub, config, clock)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(gateway.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    app = FastAPI(title="Duplex", version=metadata.version("duplex-voice"), lifespan=lifespan)
    app.state.gateway = gateway
    add_error_handlers(app)
    guard = Depends(TokenCheck(config.token))
    app.include_router(_api(gateway, hub, guard))
    if metrics is not None:
        app.include_router(_metrics(metrics, guard))
    if page is not None:
        app.mount("/", StaticFiles(directory=page, html=True))
    app.add_middleware(BodyLimit, max_bytes=config.max_body_bytes)
    return app


def serve(
    model: str,
    config: ServeConfig,
    runtime: RuntimeConfig,
    *,
    observer: Observer | None = None,
    metrics: Callable[[], bytes] | None = None,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Load `model` in a process of its own and serve until interrupted.

    `ready` is called with the page's address when clients can come.

    Raises:
        ConfigError: TLS files are missing. PortInUse: the address is taken. ModelLoadError: the model cannot be loaded.
    """
    config.check_files()
    listener = bind(config.host, config.port)
    with listener:
        client = start_engine_process(model, runtime.engine)
        try:
            serve_engine(client, config, runtime, listener, observer=observer, metrics=metrics, ready=ready)
        finally:
            client.close()


def serve_engine(
    client: EngineClient,
    config: ServeConfig,
    runtime: RuntimeConfig,
    listener: socket.socket,
    *,
    observer: Observer | None = None,
    metrics: Callable[[], bytes] | None = None,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve a running engine on a bound socket until interrupted; the caller closes both."""
    clock = SystemClock()
    hub = SessionHub(client, runtime, clock, observer)
    app = create_app(config, hub, clock, page=page_folder(), metrics=metrics)
    server = _Server(_uvicorn_config(app, config), lambda: ready and ready(address(config, listener)))
    server.run(sockets=[listener])


def bind(host: str, port: int) -> socket.socket:
    """A socket bound to the address, before anything heavy is loaded.

    Raises:
        PortInUse: the address is taken, not ours or not allowed.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        why = "another program listens there" if taken else str(error)
        raise PortInUse(f"cannot listen on {host}:{port}: {why}; choose another one with --port") from None
    return listener


def address(config: ServeConfig, listener: socket.socket) -> str:
    """Where a browser finds the page, with the token where one is needed."""
    scheme = "https" if config.certfile else "http"
    host = f"[{config.host}]" if ":" in config.host else config.host
    query = f"/?token={config.token}" if config.token else ""
    return f"{scheme}://{host}:{listener.getsockname()[1]}{query}"


def page_folder() -> Path:
    """The page's files."""
    return Path(str(resources.files("demos"))) / "page"


def conversation_options(options: SessionOptions) -> ConversationOptions:
    """The wire's options as the model takes them."""
    return ConversationOptions(
        seed=secrets.randbelow(2**31) if options.seed is None else options.seed,
        policy=policy(options.policy),
        system_prompt=options.system_prompt or None,
        temperature=options.temperature,
        started_at=time.time(),
        utc_offset_s=options.utc_offset_min * 60,
    )


class _Server(uvicorn.Server):
    """Says when it is ready."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], object]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


def _uvicorn_config(app: FastAPI, config: ServeConfig) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        ws="none",
        timeout_graceful_shutdown=2,
        ssl_certfile=config.certfile,
        ssl_keyfile=config.keyfile,
    )


def _api(gateway: Gateway, hub: SessionHub, guard: DependsParam) -> APIRouter:
    api = APIRouter(
        prefix="/api",
        dependencies=[guard],
        responses={status: {"model": ErrorAnswer} for status in (400, 401, 422, 503)},
    )

    @api.get("/status")
    async def status() -> Status:
        """What the server runs and whether there is room."""
        info = hub.client.info
        return Status(
            version=metadata.version("duplex-voice"),
            model=info.model,
            fingerprint=info.fingerprint,
            rows=info.rows,
            free=hub.client.free,
            sessions=len(gateway.peers),
            slot_ms=AUDIO.slot_ms,
            policies=list(PRESETS),
            recording=hub.config.recording.enabled,
        )

    @api.post("/offer")
    async def offer(request: OfferRequest) -> OfferAnswer:
        """Open a session for a WebRTC offer."""
        options = conversation_options(request.options)
        session, sdp = await gateway.open(request.sdp, options, request.options.policy, request.session)
        return OfferAnswer(sdp=sdp, session=session)

    @api.post("/sessions/{session}/close", status_code=204)
    async def close(session: str) -> None:
        """End a session; its files are finished and can be downloaded."""
        await gateway.close(session, "the client closed the session")

    @api.get("/sessions/{session}/{name}", response_class=FileResponse)
    async def download(
        session: str, name: Annotated[str, "recording.wav, slots.jsonl or transcript.json"]
    ) -> FileResponse:
        """A file of a session, also while it lasts."""
        if name not in DOWNLOADS:
            raise NotRecorded(f"there is no '{name}'; ask for one of {', '.join(DOWNLOADS)}")
        file, media_type = DOWNLOADS[name]
        path = gateway.folder(session) / file
        if not path.is_file():
            raise NotRecorded(f"'{name}' of session {session} is not there yet; end the session first")
        return FileResponse(path, media_type=media_type, filename=f"duplex-{session}-{name}")

    return api


def _metrics(metrics: Callable[[], bytes], guard: DependsParam) -> APIRouter:
    router = APIRouter(dependencies=[guard])

    @router.get("/metrics", include_in_schema=False)
    async def text() -> Response:
        return Response(metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return router
