"""The route by which a page says goodbye while it is being closed (`navigator.sendBeacon`).

A beacon carries no headers, so the token may be in the body; it never has to be in the address.
"""

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict

from runtime.webrtc.edge import AttemptName, ErrorAnswer
from runtime.webrtc.media_server import MediaServer
from runtime.webrtc.token_check import TokenCheck


class Leave(BaseModel):
    """A goodbye. `attempt`: as in the offer. `token`: the server's token, if it is not in the header.

    `returns`: the page may only be reloading, so that the conversation waits for it for a while.
    """

    model_config = ConfigDict(extra="forbid")

    attempt: AttemptName
    token: str | None = None
    returns: bool = False


def leave_route(media: MediaServer, check: TokenCheck) -> APIRouter:
    """Make the route `POST /api/leave`."""
    api = APIRouter(prefix="/api", responses={status: {"model": ErrorAnswer} for status in (401, 422)})

    @api.post("/leave", status_code=204)
    async def leave(request: Request, goodbye: Leave) -> None:
        """Leave the session that an attempt became or will become; its place becomes free at once."""
        check.require(check.find_token(request) if goodbye.token is None else goodbye.token, request)
        await media.leave(goodbye.attempt, goodbye.returns)

    return api
