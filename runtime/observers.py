"""Observers of the sessions and their connections, for metrics, logs and retention.

    hub = SessionHub(client, config, clock, Observers(metrics, EventLog()))

Nothing here depends on what is done with an observation.
"""

from runtime.measured_latency import MeasuredLatency
from runtime.session.log_records import SlotRow
from runtime.session.session import Notice, Session


class Observer:
    """Observes nothing; observers override what they need. A method must not fail and must be fast."""

    def on_opened(self, session: str) -> None:
        """A session was opened."""

    def on_refused(self, code: str) -> None:
        """A session was not opened; `code` is that of the error."""

    def on_unrecorded(self, session: str, why: str) -> None:
        """A session was opened that could not be recorded, although it should."""

    def on_resumed(self, session: str) -> None:
        """A client came back to its session."""

    def on_delivered(self, session: str, row: SlotRow) -> None:
        """A slot was answered."""

    def on_notice(self, session: str, notice: Notice) -> None:
        """The user of a session was told something; or, once it is over, that its files could not be finished."""

    def on_closed(self, session: Session, reason: str) -> None:
        """A session has ended; its statistics are final."""

    def on_engine(self, *, up: bool) -> None:
        """The engine ended, or lives again."""

    def on_draining(self) -> None:
        """The server takes no new sessions any more."""

    def on_web(self, pid: int) -> None:
        """A process of HTTP serves from now on, in place of the one before it."""

    def on_packet_sent(self, *, late: bool) -> None:
        """A packet left for the network."""

    def on_latency(self, session: str, latency: MeasuredLatency) -> None:
        """A latency was measured."""

    def on_connection(self, round_trip_s: float | None, loss_in: float, loss_out: float) -> None:
        """Figures of one connection, about once a second.

        Args:
            round_trip_s: None before it is known. loss_in: share of the user's packets that were lost since the start.
            loss_out: the same of the assistant's packets.
        """


class Observers(Observer):
    """Several observers, in order."""

    def __init__(self, *observers: Observer) -> None:
        self._all = observers

    def on_opened(self, session: str) -> None:
        """See `Observer`."""
        for one in self._all:
            one.on_opened(session)

    def on_refused(self, code: str) -> None:
        """See `Observer`."""
        for one in self._all:
            one.on_refused(code)

    def on_unrecorded(self, session: str, why: str) -> None:
        """See `Observer`."""
        for one in self._all:
            one.on_unrecorded(session, why)

    def on_resumed(self, session: str) -> None:
        """See `Observer`."""
        for one in self._all:
            one.on_resumed(session)

    def on_delivered(self, session: str, row: SlotRow) -> None:
        """See `Observer`."""
        for one in self._all:
            one.on_delivered(session, row)

    def on_notice(self, session: str, notice: Notice) -> None:
        """See `Observer`."""
        for one in self._all:
            one.on_notice(session, notice)

    def on_closed(self, session: Session, reason: str) -> None:
        """See `Observer`."""
        for one in self._all:
            one.on_closed(session, reason)

    def on_engine(self, *, up: bool) -> None:
        """See `Observer`."""
        for one in self._all:
            one.on_engine(up=up)

    def on_draining(self) -> None:
        """See `Observer`."""
        for one in self._all:
            one.on_draining()

    def on_web(self, pid: int) -> None:
        """See `Observer`."""
        for one in self._all:
            one.on_web(pid)

    def on_packet_sent(self, *, late: bool) -> None:
        """See `Observer`."""
        for one in self._all:
            one.on_packet_sent(late=late)

    def on_latency(self, session: str, latency: MeasuredLatency) -> None:
        """See `Observer`."""
        for one in self._all:
            one.on_latency(session, latency)

    def on_connection(self, round_trip_s: float | None, loss_in: float, loss_out: float) -> None:
        """See `Observer`."""
        for one in self._all:
            one.on_connection(round_trip_s, loss_in, loss_out)
