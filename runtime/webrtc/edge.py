"""The HTTP edge: messages of the API, errors as JSON, the limit on a body.

This module handles HTTP; it does not depend on sessions or audio.
"""

from typing import Annotated, Any, Literal

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from configs.model.patterns import Pattern
from configs.policy import PolicyName
from duplex.model.interface import OfferedTool
from runtime.errors import DuplexError, user_line

STATUS = {
    "bad_offer": 400,
    "bad_options": 400,
    "token_in_address": 400,
    "unauthorized": 401,
    "bad_origin": 403,
    "unknown_session": 404,
    "not_recorded": 404,
    "client_gone": 410,
    "too_large": 413,
    "bad_host": 421,
    "too_many_guesses": 429,
    "too_many_sessions": 429,
    "server_full": 503,
    "disk_full": 503,
    "draining": 503,
    "engine_died": 503,
    "engine_restarts": 503,
    "engine_overloaded": 503,
    "media_gone": 503,
}
MOST_TOOLS = 100
"""Names that a client may send."""


class SessionOptions(BaseModel):
    """Options of a conversation. `seed` None: a random one. `utc_offset_min`: the user's time zone.

    `pattern`: interaction pattern, for models that have several; None takes the model's default. `tools`: names of the
    functions that may be called, of those in the status; None allows all of them.
    """

    model_config = ConfigDict(extra="forbid")

    policy: PolicyName = "balanced"
    system_prompt: Annotated[str, Field(max_length=4000)] | None = None
    temperature: float = Field(default=0.0, ge=0.0, le=2.0)
    seed: int | None = Field(default=None, ge=0, lt=2**31)
    utc_offset_min: int = Field(default=0, ge=-14 * 60, le=14 * 60)
    pattern: Pattern | None = None
    tools: Annotated[list[str], Field(max_length=MOST_TOOLS)] | None = None


AttemptName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{16,64}$")]
"""A client's name for one attempt to connect; it is random, because anyone who knows it can end the session."""


class OfferRequest(BaseModel):
    """A client's offer. `session`, `secret`: those of a former answer, to come back to its conversation; `options` do
    not matter then.

    `attempt`: the name under which the client can leave before it knows its session (`POST /api/leave`).
    """

    model_config = ConfigDict(extra="forbid")

    sdp: str = Field(min_length=1)
    type: Literal["offer"] = "offer"
    session: str | None = None
    secret: str = ""
    attempt: AttemptName | None = None
    options: SessionOptions = SessionOptions()


class OfferAnswer(BaseModel):
    """The answer and the id of the session. `secret`: with both of them, a later offer comes back to the session."""

    sdp: str
    type: Literal["answer"] = "answer"
    session: str
    secret: str


class Status(BaseModel):
    """What the server runs. `free`: sessions that can still be opened, of `rows`. `patterns`: see `Hello`.

    `tools`: functions that the assistant may call; a client may switch some of them off.
    """

    version: str
    model: str
    fingerprint: str
    rows: int
    free: int
    sessions: int
    slot_ms: int
    policies: list[str]
    patterns: list[str]
    tools: list[OfferedTool]
    recording: bool


class ErrorDetail(BaseModel):
    """`code` for programs; `message` says what, why and how to fix it, in one line."""

    code: str
    message: str


class ErrorAnswer(BaseModel):
    """The form of every answer that is not a success."""

    error: ErrorDetail


def error_answer(code: str, message: str, status: int) -> JSONResponse:
    """An error as JSON."""
    return JSONResponse(ErrorAnswer(error=ErrorDetail(code=code, message=message)).model_dump(), status)


def add_error_handlers(app: FastAPI) -> None:
    """Every error leaves as `ErrorAnswer`, never as a traceback."""

    @app.exception_handler(DuplexError)
    async def _answer_known_error(request: Request, error: DuplexError) -> JSONResponse:
        return error_answer(error.code, user_line(error), STATUS.get(error.code, 500))

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        first: dict[str, Any] = dict(error.errors()[0])
        place = ".".join(str(part) for part in first["loc"] if part != "body") or "body"
        return error_answer("bad_request", f"'{place}' is wrong: {first['msg']}; see /openapi.json", 422)

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> JSONResponse:
        return error_answer(
            "http", f"{error.detail} ({request.method} {request.url.path}); see /openapi.json", error.status_code
        )

    @app.exception_handler(Exception)
    async def _unknown(request: Request, error: Exception) -> JSONResponse:
        return error_answer("internal", f"the server made a mistake ({type(error).__name__}); see its log", 500)


class BodyLimit:
    """ASGI middleware: reads a request's body up to a limit before anyone else does."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its whole body, or answer 413."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        body = await self._read(receive)
        if body is None:
            text = f"the request is larger than {self._max} bytes; send the offer only"
            await error_answer("too_large", text, STATUS["too_large"])(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)

    async def _read(self, receive: Receive) -> bytes | None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > self._max:
                return None
        return body


def _replay(body: bytes, receive: Receive) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


class Page(StaticFiles):
    """Static files that may talk only to this server and are requested again after an upgrade."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """See `StaticFiles`."""
        response = await super().get_response(path, scope)
        response.headers["Content-Security-Policy"] = (
            "default-src 'self'; media-src 'self' blob:; base-uri 'none'; frame-ancestors 'none'"
        )
        response.headers["Cache-Control"] = "no-cache"
        return response
