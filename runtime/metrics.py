"""Counts and times for Prometheus, collected as a `runtime.sessions.Observer`. No other file imports its client."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from runtime.session.log_records import SlotRow
from runtime.session.session import Session

STEP_BUCKETS_S = (0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.15, 0.2, 0.4, 1.0)


class Metrics:
    """The metrics of all sessions for an operator."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._live = Gauge("duplex_sessions", "Sessions that last", registry=self.registry)
        self._opened = Counter("duplex_sessions_opened", "Sessions opened", registry=self.registry)
        self._refused = self._counter("duplex_sessions_refused", "Sessions refused, by reason", "code")
        self._slots = Counter("duplex_slots", "Slots answered", registry=self.registry)
        self._degraded = self._counter("duplex_slots_degraded", "Slots that were not as they should be", "how")
        self._events = self._counter("duplex_answers", "Answers of the assistant, by event", "event")
        self._step = self._histogram("duplex_step_seconds", "Time of a step, from its start to its audio")
        self._answer = self._histogram("duplex_slot_seconds", "Time from a complete user slot to its result")
        self._stopped = Counter(
            "duplex_recordings_stopped", "Recordings that ended because of the disk", registry=self.registry
        )
        self._packets = Counter("duplex_packets", "Packets sent", registry=self.registry)
        self._late = Counter("duplex_packets_late", "Packets sent late", registry=self.registry)
        self._samples = self._counter("duplex_user_samples", "User samples at 16 kHz, by outcome", "fate")
        self._underruns = Counter("duplex_playout_underruns", "Packets that missed speech", registry=self.registry)
        self._flushed = Counter("duplex_playout_flushed_samples", "Samples taken back at cuts", registry=self.registry)

    def on_opened(self, session: str) -> None:
        """A session was opened."""
        self._live.inc()
        self._opened.inc()

    def on_refused(self, code: str) -> None:
        """A session was not opened."""
        self._refused.labels(code).inc()

    def on_delivered(self, session: str, row: SlotRow) -> None:
        """A slot was answered."""
        times = row.times_ms
        self._slots.inc()
        self._step.observe((times["detokenized"] - times["step"]) / 1000)
        self._answer.observe(times["sent"] / 1000)
        for how in row.degraded:
            self._degraded.labels(how).inc()
        if row.event:
            self._events.labels(row.event).inc()

    def on_closed(self, session: Session, reason: str) -> None:
        """A session has ended; its buffers' counts are added."""
        self._live.dec()
        self._stopped.inc(session.files.error is not None)
        counts = session.statistics
        for fate in ("placed", "duplicate", "late", "ahead", "concealed", "recovered"):
            self._samples.labels(fate).inc(getattr(counts.slots, fate))
        self._underruns.inc(counts.playout.underruns)
        self._flushed.inc(counts.playout.flushed)

    def on_packet_sent(self, *, late: bool) -> None:
        """A packet left for the network."""
        self._packets.inc()
        if late:
            self._late.inc()

    def exposition(self) -> bytes:
        """All metrics as text for a scrape."""
        return generate_latest(self.registry)

    def _counter(self, name: str, help_text: str, label: str) -> Counter:
        return Counter(name, help_text, (label,), registry=self.registry)

    def _histogram(self, name: str, help_text: str) -> Histogram:
        return Histogram(name, help_text, buckets=STEP_BUCKETS_S, registry=self.registry)
