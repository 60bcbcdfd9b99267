"""The route by which a page exchanges the server's token, or its own one, for a token that holds for a limited time.

This module handles HTTP; who may ask is decided by the check.
"""

from fastapi import APIRouter, Request
from pydantic import BaseModel

from runtime.webrtc.edge import ErrorAnswer
from runtime.webrtc.page_tokens import PageTokens
from runtime.webrtc.token_check import TokenCheck


class PageToken(BaseModel):
    """A page's token, and for how many seconds it holds; None on a server that needs no token."""

    token: str | None = None
    holds_s: int | None = None


def page_token_route(pages: PageTokens | None, check: TokenCheck) -> APIRouter:
    """Make the route `POST /api/page-token`."""
    api = APIRouter(prefix="/api", responses={status: {"model": ErrorAnswer} for status in (401, 429)})

    @api.post("/page-token")
    async def exchange(request: Request) -> PageToken:
        """Give a page a token of its own for the server's; its own is renewed."""
        check(request)
        if pages is None:
            return PageToken()
        token, holds_s = pages.issue(check.find_token(request))
        return PageToken(token=token, holds_s=holds_s)

    return api
