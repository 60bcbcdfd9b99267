"""Tracks which attempt to connect became which session, for clients that leave before they know their session.

A client names its attempt in the offer. With that name it can leave at any time: before the offer arrives, while it is
being answered, or if it never gets a data channel. Nothing here depends on sessions or HTTP.
"""

from collections import OrderedDict

from runtime.errors import SessionError


class ClientGone(SessionError):  # noqa: N818 - reads as what it is
    """The client left before its offer was answered."""

    code = "client_gone"


class Departures:
    """Present attempts by session, and the last `keep` attempts that were given up."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._attempts: dict[str, str] = {}
        self._gone: OrderedDict[str, None] = OrderedDict()

    def check(self, attempt: str | None) -> None:
        """Check that somebody still waits for the answer to this attempt; None is an attempt without a name.

        Raises:
            ClientGone: the client left.
        """
        if attempt in self._gone:
            raise ClientGone("the client left before its offer was answered; make a new attempt under a new name")

    def on_opened(self, attempt: str | None, session: str) -> None:
        """The attempt became a session."""
        if attempt is not None:
            self._attempts[session] = attempt

    def on_closed(self, session: str) -> None:
        """The session has ended; unknown ones are ignored."""
        self._attempts.pop(session, None)

    def leave(self, attempt: str) -> list[str]:
        """The client gives up the attempt; returns the sessions that it must leave."""
        self._gone[attempt] = None
        while len(self._gone) > self._keep:
            self._gone.popitem(last=False)
        return [session for session, name in self._attempts.items() if name == attempt]
