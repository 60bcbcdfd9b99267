"""Tracks which sessions wait for their client to come back, until when, and the secret by which it is known.

Nothing here depends on connections, HTTP or the engine. Times are seconds on the clock, given by the caller.
"""

import hmac
import secrets
from dataclasses import dataclass

from configs.runtime.serve import ResumeConfig
from runtime.session.resumable import unknown

_SECRET_BYTES = 16


@dataclass(frozen=True)
class Held:
    """A session without a client. `until`: when it ends. `gives_way`: at once, if another client needs its place."""

    until: float
    reason: str
    gives_way: bool


class HeldSessions:
    """Secrets of all sessions that last, and which of them have no client."""

    def __init__(self, config: ResumeConfig) -> None:
        self._config = config
        self._secrets: dict[str, str] = {}
        self._held: dict[str, Held] = {}

    def __contains__(self, session: str) -> bool:
        return session in self._held

    @property
    def giving_way(self) -> int:
        """Number of sessions that a new client may take the place of."""
        return sum(held.gives_way for held in self._held.values())

    def gives_way(self, session: str) -> bool:
        """Whether a new client may take the place of a session."""
        return session in self._held and self._held[session].gives_way

    def begin(self, session: str) -> str:
        """A session began; returns the secret that its client comes back with."""
        self._secrets[session] = secrets.token_urlsafe(_SECRET_BYTES)
        return self._secrets[session]

    def end(self, session: str) -> None:
        """A session is over; unknown ones are ignored."""
        self._secrets.pop(session, None)
        self._held.pop(session, None)

    def check(self, session: str, secret: str) -> None:
        """Check that the client of a session comes back.

        Raises:
            UnknownSession: there is no such session, or the secret is wrong.
        """
        known = self._secrets.get(session, "")
        if not hmac.compare_digest(known.encode(), secret.encode()) or not known:
            raise unknown(session)

    def adopt(self, session: str, secret: str) -> None:
        """A session of another process goes on here; its client knows it by `secret`."""
        self._secrets[session] = secret

    def hold_lost(self, session: str, reason: str, last_packet: float) -> None:
        """The connection was lost; its last packet came at `last_packet`."""
        self._held[session] = Held(last_packet + self._config.hold_s, reason, gives_way=False)

    def hold_left(self, session: str, reason: str, now: float) -> None:
        """The page was closed or is being reloaded."""
        self._held[session] = Held(now + self._config.reload_s, reason, gives_way=True)

    def resume(self, session: str) -> None:
        """The client is back."""
        self._held.pop(session, None)

    def find_over(self, now: float) -> list[tuple[str, str]]:
        """Sessions whose client did not come back in time, with the reason why it was gone."""
        return [(session, held.reason) for session, held in self._held.items() if held.until <= now]

    def oldest_giving_way(self) -> str | None:
        """The session that makes room for a new client; None if there is none."""
        return next((session for session, held in self._held.items() if held.gives_way), None)
