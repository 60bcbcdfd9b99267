"""The server's application: signalling, status, downloads, health, metrics and the page.

This module uses HTTP and the interface of the media; it does not depend on audio, sockets or processes.
"""

import asyncio
import secrets
import time
from importlib import metadata
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.params import Depends as DependsParam
from fastapi.responses import FileResponse

from configs.audio import AUDIO
from configs.policy import PRESETS, policy
from configs.runtime.serve import ServeConfig
from duplex.model.interface import ConversationOptions
from runtime.clock import Clock
from runtime.session.recording import DIALOGUE_FILE
from runtime.webrtc.edge import (
    BodyLimit,
    ErrorAnswer,
    OfferAnswer,
    OfferRequest,
    Page,
    SessionOptions,
    Status,
    add_error_handlers,
)
from runtime.webrtc.ended_sessions import NotRecorded
from runtime.webrtc.health import Readiness, health_routes
from runtime.webrtc.ice import IceAnswer, issue
from runtime.webrtc.leave import leave_route
from runtime.webrtc.media_server import MediaServer, ServerFacts
from runtime.webrtc.own_requests import OwnRequests, PrivateAnswers, own_names
from runtime.webrtc.page_token_route import page_token_route
from runtime.webrtc.page_tokens import PageTokens
from runtime.webrtc.token_check import NoTokenInAddress, TokenCheck

DOWNLOADS = {
    "recording.wav": (DIALOGUE_FILE, "audio/wav"),
    "slots.jsonl": ("slots.jsonl", "application/x-ndjson"),
    "transcript.json": ("transcript.json", "application/json"),
}


def create_app(
    config: ServeConfig,
    media: MediaServer,
    facts: ServerFacts,
    clock: Clock,
    *,
    page: Path | None = None,
) -> FastAPI:
    """The server's application.

    Args:
        config: limits, token, transport.
        media: the sessions and their connections, in this process or another one.
        facts: what the server runs.
        clock: measures how old checks and guesses are.
        page: folder of static files served at `/`; None serves the API only.
    """
    # FastAPI's own documentation pages load scripts from other sites; /openapi.json is enough.
    version = metadata.version("duplex-voice")
    app = FastAPI(title="Duplex", version=version, docs_url=None, redoc_url=None)
    add_error_handlers(app)
    pages = PageTokens(config.token, config.page_tokens, time.time) if config.token else None
    check = TokenCheck(config.token, config.guesses, clock, pages)
    guard = Depends(check)
    app.include_router(_api(config, media, facts, guard))
    app.include_router(leave_route(media, check))
    app.include_router(page_token_route(pages, check))
    app.include_router(health_routes(Readiness(media, facts.recording, clock)))
    app.include_router(_metrics(media, guard))
    if page is not None:
        app.mount("/", Page(directory=page, html=True))
    app.add_middleware(BodyLimit, max_bytes=config.max_body_bytes)
    app.add_middleware(NoTokenInAddress)
    app.add_middleware(OwnRequests, names=own_names(config.host, config.allowed_hosts))
    app.add_middleware(PrivateAnswers)
    return app


def conversation_options(options: SessionOptions) -> ConversationOptions:
    """Convert options of the wire format to those of the model."""
    return ConversationOptions(
        seed=secrets.randbelow(2**31) if options.seed is None else options.seed,
        policy=policy(options.policy),
        system_prompt=options.system_prompt or None,
        temperature=options.temperature,
        started_at=time.time(),
        utc_offset_s=options.utc_offset_min * 60,
        pattern=options.pattern and options.pattern.value,
        tools=None if options.tools is None else tuple(options.tools),
    )


def _api(config: ServeConfig, media: MediaServer, facts: ServerFacts, guard: DependsParam) -> APIRouter:
    api = APIRouter(
        prefix="/api",
        dependencies=[guard],
        responses={status: {"model": ErrorAnswer} for status in (400, 401, 422, 503)},
    )

    @api.get("/status")
    async def status() -> Status:
        """What the server runs and whether there is room."""
        info = facts.info
        free, sessions = await media.count_places()
        return Status(
            version=metadata.version("duplex-voice"),
            model=info.model,
            fingerprint=info.fingerprint,
            rows=info.rows,
            free=free,
            sessions=sessions,
            slot_ms=AUDIO.slot_ms,
            policies=list(PRESETS),
            patterns=list(info.patterns),
            tools=list(info.tools),
            recording=facts.recording.enabled,
        )

    @api.get("/ice", response_model_exclude_none=True)
    async def ice() -> IceAnswer:
        """The STUN and TURN servers for a connection that is made now, with an account for it."""
        return issue(config.ice, time.time())

    @api.post("/offer")
    async def offer(request: OfferRequest, http: Request) -> OfferAnswer:
        """Open a session for a WebRTC offer, or come back to one."""
        if request.session is not None:
            opening = media.resume(request.sdp, request.session, request.secret, request.attempt)
        else:
            options = conversation_options(request.options)
            address = http.client.host if http.client else ""
            opening = media.open(request.sdp, options, request.options.policy, request.attempt, address)
        answered = await opening
        if await http.is_disconnected():
            await media.lose(answered.session, "the client left before the answer")
        return OfferAnswer(sdp=answered.sdp, session=answered.session, secret=answered.secret)

    @api.post("/sessions/{session}/close", status_code=204)
    async def close(session: str) -> None:
        """End a session; its files are finished and can be downloaded."""
        await media.close(session, "the client closed the session")

    @api.get("/sessions/{session}/{name}", response_class=FileResponse)
    async def download(
        session: str, name: Annotated[str, "recording.wav, slots.jsonl or transcript.json"]
    ) -> FileResponse:
        """A file of a session, also while the session lasts."""
        if name not in DOWNLOADS:
            raise NotRecorded(f"there is no '{name}'; ask for one of {', '.join(DOWNLOADS)}")
        file, media_type = DOWNLOADS[name]
        path = await media.folder(session) / file
        if not path.is_file() or not path.stat().st_size:
            raise NotRecorded(f"'{name}' of session {session} is not there yet; end the session first")
        return FileResponse(path, media_type=media_type, filename=f"duplex-{session}-{name}")

    return api


def _metrics(media: MediaServer, guard: DependsParam) -> APIRouter:
    router = APIRouter(dependencies=[guard])

    @router.get("/metrics", include_in_schema=False)
    async def text() -> Response:
        metrics = await media.tell_metrics(len(asyncio.all_tasks()))
        return Response(metrics, media_type="text/plain; version=0.0.4; charset=utf-8")

    return router
