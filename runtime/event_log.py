"""Logs what happens to sessions and to the engine, as an observer. Session ids and reasons, nothing that users said."""

import logging
from typing import Final

from runtime.logs import log_event
from runtime.observers import Observer
from runtime.session.session import Notice, Session

_MAY_QUOTE: Final = ("language_model",)
"""Codes of notices whose message may quote what the user said."""
_PROBLEMS: Final = ("recording_stopped",)


class EventLog(Observer):
    """The log of a server's sessions."""

    def __init__(self, quotes: bool = False) -> None:
        """`quotes`: see `LogConfig`."""
        self._quotes = quotes

    def on_opened(self, session: str) -> None:
        """See `Observer`."""
        log_event(logging.INFO, "session_opened", session=session)

    def on_refused(self, code: str) -> None:
        """See `Observer`."""
        log_event(logging.INFO, "session_refused", code=code)

    def on_unrecorded(self, session: str, why: str) -> None:
        """See `Observer`."""
        log_event(logging.WARNING, "session_unrecorded", session=session, reason=why)

    def on_resumed(self, session: str) -> None:
        """See `Observer`."""
        log_event(logging.INFO, "session_resumed", session=session)

    def on_notice(self, session: str, notice: Notice) -> None:
        """See `Observer`."""
        level = logging.WARNING if notice.code in _PROBLEMS else logging.INFO
        message = notice.message if self._quotes or notice.code not in _MAY_QUOTE else None
        log_event(level, "notice", session=session, code=notice.code, message=message)

    def on_closed(self, session: Session, reason: str) -> None:
        """See `Observer`."""
        counts = session.statistics
        log_event(
            logging.INFO,
            "session_ended",
            session=session.id,
            reason=reason,
            slots=counts.answered,
            missed=counts.missed,
        )

    def on_engine(self, *, up: bool) -> None:
        """See `Observer`."""
        log_event(logging.INFO if up else logging.ERROR, "engine_up" if up else "engine_died")

    def on_draining(self) -> None:
        """See `Observer`."""
        log_event(logging.INFO, "draining")
