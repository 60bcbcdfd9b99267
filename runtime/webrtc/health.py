"""The routes by which an orchestrator asks whether the server lives (`/livez`) and takes conversations (`/readyz`).

They need no token, and therefore tell nothing about users, files or the model. The check of the disk runs in a thread
and its result is kept for a moment, so that whoever asks, however often, disturbs no conversation.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from configs.base import ConfigError
from configs.runtime.runtime import RecordingConfig
from runtime.clock import Clock
from runtime.errors import DiskFull
from runtime.session.disk import check_folder
from runtime.webrtc.edge import error_answer
from runtime.webrtc.gateway import Gateway

_FRESH_S: Final = 2.0
"""How long a result of the disk's check counts."""
_DISK_S: Final = 2.0
"""How long the disk may take."""
_NO_STORE: Final = {"Cache-Control": "no-store"}

Unready = tuple[str, str]
"""Code and message, as in the errors of the API."""


class Readiness:
    """Tells why no conversation can begin, or be recorded."""

    def __init__(self, gateway: Gateway, clock: Clock, check: Callable[[RecordingConfig], None] = check_folder) -> None:
        """`check`: see `check_folder`; it is called in a thread."""
        self._gateway, self._clock, self._check = gateway, clock, check
        self._checking: asyncio.Future[None] | None = None
        self._checked_at = 0.0

    async def explain(self) -> Unready | None:
        """Why the server is not ready, or None."""
        if self._gateway.draining:
            return "draining", "the server stops and takes no new conversations; ask another one"
        if not self._gateway.hub.client.ready:
            return "engine_died", "no engine runs; it is being started again, or the server's log says why not"
        return await self._explain_disk()

    async def _explain_disk(self) -> Unready | None:
        checking = self._checking
        if checking is None or (checking.done() and self._clock.now() - self._checked_at >= _FRESH_S):
            self._checked_at = self._clock.now()
            folder = self._gateway.hub.config.recording
            checking = self._checking = asyncio.ensure_future(asyncio.to_thread(self._check, folder))
        try:
            await asyncio.wait_for(asyncio.shield(checking), _DISK_S)
        except TimeoutError:
            return "disk_slow", "the recordings folder does not answer; check its disk"
        except DiskFull:
            return "disk_full", "the disk takes no more recordings; free some space"
        except (ConfigError, OSError):
            return "no_recordings", "recordings cannot be kept; the server's log or its next start says why"
        return None


def health_routes(readiness: Readiness) -> APIRouter:
    """Make the routes `GET /livez` and `GET /readyz`."""
    router = APIRouter()

    @router.get("/livez", include_in_schema=False)
    async def live() -> Response:
        return JSONResponse({"status": "alive"}, headers=_NO_STORE)

    @router.get("/readyz", include_in_schema=False)
    async def ready() -> Response:
        unready = await readiness.explain()
        answer = JSONResponse({"status": "ready"}) if unready is None else error_answer(*unready, 503)
        answer.headers.update(_NO_STORE)
        return answer

    return router
