"""Checks the server's token or a page's, how often an address may guess them, and that none is in an address.

Addresses are kept in histories and logs and passed on; therefore the page has the token in the fragment of its address,
which browsers send to nobody.
"""

import hmac
from collections import OrderedDict, deque
from typing import Final
from urllib.parse import parse_qs

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from configs.runtime.serve import GuessesConfig
from runtime.clock import Clock
from runtime.errors import DuplexError
from runtime.webrtc.client_address import client_network
from runtime.webrtc.edge import STATUS, error_answer
from runtime.webrtc.page_tokens import PageTokens

_ADDRESSES: Final = 4096
"""Addresses whose guesses are remembered; the oldest are forgotten."""
_TOKEN: Final = "token"


class Unauthorized(DuplexError):  # noqa: N818 - reads as what it is
    """The token is missing or wrong."""

    code = "unauthorized"


class TooManyGuesses(DuplexError):  # noqa: N818 - reads as what it is
    """An address has given too many wrong tokens."""

    code = "too_many_guesses"


class TokenCheck:
    """A FastAPI dependency: `Authorization: Bearer TOKEN`; without a token there is no check."""

    def __init__(self, token: str | None, limits: GuessesConfig, clock: Clock, pages: PageTokens | None = None) -> None:
        """`pages`: the tokens of pages, which are taken too."""
        self._token, self._limits, self._clock, self._pages = token, limits, clock, pages
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()

    def __call__(self, request: Request) -> None:
        """Let the request pass.

        Raises:
            Unauthorized: the token is missing or wrong. TooManyGuesses: it was wrong too often.
        """
        self.require(self.find_token(request), request)

    def find_token(self, request: Request) -> str:
        """The token of a request; empty if it has none."""
        header = request.headers.get("authorization", "")
        return header.removeprefix("Bearer ") if header.startswith("Bearer ") else ""

    def require(self, given: str, request: Request) -> None:
        """Let the bearer of `given`, which came with `request`, pass. A missing token is no guess.

        Raises:
            Unauthorized, Expired: the token is missing or wrong, or held once. TooManyGuesses: it was wrong too often.
        """
        if self._token is None:
            return
        address = client_network(request.client.host if request.client else "")
        self._refuse_guesser(address)
        if not self._is_right(given, self._token):
            if given:
                self._note(address)
            raise Unauthorized("this server needs its token; type it into the page, or send it as Bearer token")

    def _is_right(self, given: str, token: str) -> bool:
        own = hmac.compare_digest(given.encode(), token.encode())
        return own or (self._pages is not None and self._pages.check(given))

    def _refuse_guesser(self, address: str) -> None:
        wrong, limits, now = self._wrong.get(address), self._limits, self._clock.now()
        while wrong and wrong[0] <= now - limits.window_s:
            wrong.popleft()
        if wrong and len(wrong) >= limits.most:
            wait = max(1, round(wrong[0] + limits.window_s - now))
            raise TooManyGuesses(f"too many wrong tokens came from this address; try again in {wait} s")

    def _note(self, address: str) -> None:
        self._wrong.setdefault(address, deque()).append(self._clock.now())
        self._wrong.move_to_end(address)
        if len(self._wrong) > _ADDRESSES:
            self._wrong.popitem(last=False)


class NoTokenInAddress:
    """ASGI middleware: answers 400 to a request with `?token=`, whether the token is right or not."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http" and _is_in(scope["query_string"]):
            text = "a token in an address can be read by others; open the page with #token=WORD instead of ?token=WORD"
            await error_answer("token_in_address", text, STATUS["token_in_address"])(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _is_in(query: bytes) -> bool:
    """Whether a query has a token, under whatever spelling of its name."""
    return any(name.lower() == _TOKEN for name in parse_qs(query.decode("latin-1"), keep_blank_values=True))
