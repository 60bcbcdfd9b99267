"""Tokens of pages: each holds for a limited time, is not the server's token, and is known by its signature.

    tokens = PageTokens("the server's token", config, time.time)
    given = tokens.issue()               # a page that showed the server's token
    tokens.check(given)                  # True: it may use the server
    later = tokens.issue(given)          # renewed; the same page, until `longest_s` after the first one

The server keeps nothing of them: the key is made from the server's token, so they outlive a restart, hold in every
process that knows the token, and all end when it is changed. Nothing here depends on HTTP.
"""

import base64
import hashlib
import hmac
import secrets
import struct
from collections.abc import Callable
from typing import Final

from configs.runtime.serve import PageTokensConfig
from runtime.errors import DuplexError

_PREFIX: Final = "page."
_NONCE_BYTES: Final = 16
_TIMES: Final = struct.Struct(">QQ")
_SIGNATURE_BYTES: Final = hashlib.sha256().digest_size
_BYTES: Final = _NONCE_BYTES + _TIMES.size + _SIGNATURE_BYTES
_SALT: Final = b"duplex page tokens, version 1"
_SCRYPT: Final = {"n": 2**14, "r": 8, "p": 1}
"""Work for each guess of the server's token by somebody who has a page's: 16 MB and some 50 ms."""


class Expired(DuplexError):  # noqa: N818 - reads as what it is
    """A page's token was right and does not hold any more."""

    code = "unauthorized"


class PageTokens:
    """Signs tokens of pages, and knows its own. Times are seconds since 1970, because tokens outlive the process."""

    def __init__(self, token: str, config: PageTokensConfig, now: Callable[[], float]) -> None:
        """`token`: the server's. `now`: the time."""
        self._key = hashlib.scrypt(token.encode(), salt=_SALT, dklen=32, **_SCRYPT)
        self._config, self._now = config, now

    def issue(self, given: str = "") -> tuple[str, int]:
        """A token for a page, and for how many seconds it holds.

        Args:
            given: the page's token until now, which is renewed; anything else begins anew.
        """
        now = int(self._now())
        begun = self._read(given, now) or (now, 0)
        until = min(now + self._config.hold_s, begun[0] + self._config.longest_s)
        content = secrets.token_bytes(_NONCE_BYTES) + _TIMES.pack(begun[0], until)
        return _PREFIX + _encode(content + self._sign(content)), until - now

    def check(self, given: str) -> bool:
        """Whether `given` is a page's token that holds.

        Raises:
            Expired: it was one, and does not hold any more.
        """
        return self._read(given, int(self._now())) is not None

    def _read(self, given: str, now: int) -> tuple[int, int] | None:
        """When a page's tokens began, and until when this one holds; None if it is none."""
        data = _decode(given.removeprefix(_PREFIX)) if given.startswith(_PREFIX) else b""
        content, signature = data[:-_SIGNATURE_BYTES], data[-_SIGNATURE_BYTES:]
        if len(data) != _BYTES or not hmac.compare_digest(signature, self._sign(content)):
            return None
        begun, until = _TIMES.unpack(content[_NONCE_BYTES:])
        if now >= until:
            raise Expired("this page was open for too long and needs the server's token again; type it into the page")
        return begun, until

    def _sign(self, content: bytes) -> bytes:
        return hmac.digest(self._key, content, "sha256")


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    """The bytes of a text; empty if it holds anything else than `_encode` writes."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return b""
    return data if _encode(data) == text else b""
