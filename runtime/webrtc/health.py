"""The routes by which an orchestrator asks whether the server lives (`/livez`) and takes conversations (`/readyz`).

They need no token, and therefore tell nothing about users, files or the model. The media are asked once at a time, for
all who ask meanwhile; the check of the disk runs in a thread and its result is kept for a moment. So whoever asks,
however often, disturbs no conversation.
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
from runtime.webrtc.media_server import MediaServer, Unready

_FRESH_S: Final = 2.0
"""How long a result of the disk's check counts."""
_DISK_S: Final = 2.0
"""How long the disk may take."""
_MEDIA_S: Final = 2.0
"""How long the media may take."""
_STUCK: Final = "media_stuck"
_NO_STORE: Final = {"Cache-Control": "no-store"}


class Readiness:
    """Tells why no conversation can begin, or be recorded."""

    def __init__(
        self,
        media: MediaServer,
        recording: RecordingConfig,
        clock: Clock,
        check: Callable[[RecordingConfig], None] = check_folder,
    ) -> None:
        """`check`: see `check_folder`; it is called in a thread."""
        self._media, self._recording, self._clock, self._check = media, recording, clock, check
        self._asking: asyncio.Future[Unready | None] | None = None
        self._checking: asyncio.Future[None] | None = None
        self._checked_at = 0.0

    async def explain(self) -> Unready | None:
        """Why the server is not ready, or None."""
        return await self._explain_media() or await self._explain_disk()

    async def explain_dead(self) -> Unready | None:
        """Why the server should be started again, or None."""
        unready = await self._explain_media()
        return unready if unready is not None and unready[0] == _STUCK else None

    async def _explain_media(self) -> Unready | None:
        asking = self._asking
        if asking is None or asking.done():
            asking = self._asking = asyncio.ensure_future(self._media.explain_unready())
        try:
            return await asyncio.wait_for(asyncio.shield(asking), _MEDIA_S)
        except TimeoutError:
            return _STUCK, "the media do not answer; start the server again"

    async def _explain_disk(self) -> Unready | None:
        checking = self._checking
        if checking is None or (checking.done() and self._clock.now() - self._checked_at >= _FRESH_S):
            self._checked_at = self._clock.now()
            checking = self._checking = asyncio.ensure_future(asyncio.to_thread(self._check, self._recording))
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
        return _answer(await readiness.explain_dead(), "alive")

    @router.get("/readyz", include_in_schema=False)
    async def ready() -> Response:
        return _answer(await readiness.explain(), "ready")

    return router


def _answer(why_not: Unready | None, status: str) -> Response:
    answer = JSONResponse({"status": status}) if why_not is None else error_answer(*why_not, 503)
    answer.headers.update(_NO_STORE)
    return answer
