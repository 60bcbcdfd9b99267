"""Traces of conversations for OpenTelemetry, as an observer: one trace for each turn that was answered.

    turn          from the user's speech to the end of the answer
    |- user       the user's last stretch of speech
    |- wait       from its end to the answer's first sound
    |- answer     from its first sound to its last
    `- interruption   from the user's first sound within the answer to the assistant's last

A turn's spans are made when it is over, of times that were noted; sending them is up to a thread of OpenTelemetry
(`runtime.trace_export`). Nothing here knows where traces go.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from opentelemetry.trace import Span, Tracer, set_span_in_context

from runtime.clock import Clock
from runtime.measured_latency import MeasuredLatency
from runtime.observers import Observer
from runtime.session.log_records import SlotRow
from runtime.session.session import Session

_SETTLED_SLOTS: Final = 5
"""Slots after an answer in which a stop latency may still become known."""
_MOST_TEXT: Final = 2000


@dataclass
class Turn:
    """What is known of an answer and what led to it. Times are seconds on the clock.

    `began`, `ended`: when the first slot of the answer was ready, and the first one after it.
    """

    number: int
    began: float
    ended: float | None = None
    how: str = "open"
    response: MeasuredLatency | None = None
    stop: MeasuredLatency | None = None
    slots: int = 0
    late: int = 0
    degraded: set[str] = field(default_factory=set)
    user: str = ""
    words: dict[int, str] = field(default_factory=dict)
    settled: int = 0

    @property
    def sounded(self) -> float:
        """When the answer's first sound was, as far as it is known."""
        return self.response.ended if self.response else self.began

    @property
    def fell_silent(self) -> float:
        """When its last sound was, as far as it is known."""
        end = self.stop.ended if self.stop else self.ended
        return max(self.sounded, end if end is not None else self.sounded)


class TurnTraces(Observer):
    """Makes spans of every turn."""

    def __init__(
        self,
        tracer: Tracer,
        model: str,
        clock: Clock,
        *,
        quotes: bool = False,
        wall: Callable[[], float] = time.time,
        end: Callable[[], None] = lambda: None,
    ) -> None:
        """`model`: its name. `clock`: the sessions'. `quotes`: see `LogConfig`. `wall`: seconds since 1970.

        `end`: sends what waits, and ends sending.
        """
        self._end = end
        self._tracer, self._model, self._clock, self._quotes = tracer, model, clock, quotes
        self._epoch = wall() - clock.now()
        self._turns: dict[str, Turn] = {}
        self._counts: dict[str, int] = {}
        self._said: dict[str, str] = {}

    def on_delivered(self, session: str, row: SlotRow) -> None:
        """See `Observer`."""
        if row.user is not None and self._quotes:
            self._said[session] = (row.user.caption or row.user.text)[-_MOST_TEXT:]
        if row.event == "start":
            self._begin(session)
        turn = self._turns.get(session)
        if turn is None:
            return
        if turn.ended is None:
            self._add(turn, row)
        else:
            turn.settled += 1
        if row.event in ("end", "cut") and turn.ended is None:
            turn.ended, turn.how = self._clock.now(), row.event
        elif turn.settled >= _SETTLED_SLOTS:
            self._finish(session)

    def on_latency(self, session: str, latency: MeasuredLatency) -> None:
        """See `Observer`."""
        turn = self._turns.get(session)
        if turn is not None:
            setattr(turn, latency.kind, latency)

    def on_closed(self, session: Session, reason: str) -> None:
        """See `Observer`."""
        turn = self._turns.get(session.id)
        if turn is not None and turn.ended is None:
            turn.ended = self._clock.now()
        self._finish(session.id)
        self._counts.pop(session.id, None)
        self._said.pop(session.id, None)

    def close(self) -> None:
        """Send what waits, and end sending."""
        self._end()

    def _begin(self, session: str) -> None:
        self._finish(session)
        number = self._counts.get(session, 0)
        self._counts[session] = number + 1
        self._turns[session] = Turn(number, self._clock.now(), user=self._said.pop(session, ""))

    def _add(self, turn: Turn, row: SlotRow) -> None:
        turn.slots += 1
        turn.late += "late" in row.degraded
        turn.degraded |= set(row.degraded)
        if self._quotes and sum(map(len, turn.words.values())) < _MOST_TEXT:
            turn.words |= {word.index: word.text for word in row.spoken}

    def _finish(self, session: str) -> None:
        turn = self._turns.pop(session, None)
        if turn is None:
            return
        response, stop = turn.response, turn.stop
        whole = self._start("turn", response.spoke_from if response else turn.began)
        whole.set_attributes(self._attributes(session, turn))
        if response is not None:
            self._part("user", response.spoke_from, response.began, whole)
            self._part("wait", response.began, response.ended, whole)
        self._part("answer", turn.sounded, turn.fell_silent, whole)
        if stop is not None:
            self._part("interruption", stop.began, stop.ended, whole)
        whole.end(self._ns(turn.fell_silent))

    def _attributes(self, session: str, turn: Turn) -> dict[str, str | int | float | list[str]]:
        found: dict[str, str | int | float | list[str]] = {
            "duplex.session": session,
            "duplex.turn": turn.number,
            "duplex.model": self._model,
            "duplex.answer.how": turn.how,
            "duplex.slots": turn.slots,
            "duplex.slots_late": turn.late,
            "duplex.degraded": sorted(turn.degraded),
        }
        for latency in filter(None, (turn.response, turn.stop)):
            found[f"duplex.{latency.kind}_ms"] = latency.ms
        if self._quotes:
            found["duplex.user.text"] = turn.user
            found["duplex.answer.text"] = " ".join(text for _, text in sorted(turn.words.items()))
        return found

    def _part(self, name: str, began: float, ended: float, whole: Span) -> None:
        self._start(name, began, whole).end(self._ns(max(began, ended)))

    def _start(self, name: str, began: float, within: Span | None = None) -> Span:
        context = set_span_in_context(within) if within else None
        return self._tracer.start_span(name, context, start_time=self._ns(began))

    def _ns(self, moment: float) -> int:
        return round((moment + self._epoch) * 1e9)
