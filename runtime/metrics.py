"""Counts and times for Prometheus, collected as an observer. No other file imports its client.

Names with `audio_` are those that other voice servers use: ttfp_s is the response latency (the user's last sound to the
assistant's first), rtf the time of a step as a share of its slot, chunk_interval_s the time between two slots of a
session, underrun_s the speech that a conversation missed, continuity_ok_total the conversations that missed no more
than `threshold_ms`.
"""

from collections.abc import Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from configs.audio import AUDIO
from runtime.measured_latency import MeasuredLatency
from runtime.observers import Observer
from runtime.session.log_records import SlotRow
from runtime.session.session import Notice, Session

STEP_BUCKETS_S: Final = (0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.15, 0.2, 0.4, 1.0)
_HEADROOM_BUCKETS_S: Final = (-0.4, -0.2, -0.1, 0.0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.15, 0.2)
_INTERVAL_BUCKETS_S: Final = (0.1, 0.15, 0.18, 0.2, 0.22, 0.25, 0.3, 0.4, 0.6, 1.0)
_LATENCY_BUCKETS_S: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0)
_ROUND_TRIP_BUCKETS_S: Final = (0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0)
_UNDERRUN_BUCKETS_S: Final = (0.0, 0.02, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_SHARE_BUCKETS: Final = (0.0, 0.001, 0.003, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0)
_RTF_BUCKETS: Final = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.5, 2.0)
CONTINUITY_MS: Final = (0, 100, 500)
"""Missing speech up to which a conversation counts as continuous."""
_NOBODY: Final = "none"
"""In place of the id of a process that does not exist; it has no figures."""


class Metrics(Observer):
    """The metrics of one server for an operator."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        ProcessCollector("duplex_web", lambda: self._web or _NOBODY, registry=self.registry)
        self._web: int | None = None
        self._sent_at: dict[str, float] = {}
        self._make_sessions()
        self._make_slots()
        self._make_audio()
        self._make_network()

    def on_places(self, places: int) -> None:
        """The engine is loaded, with room for so many sessions."""
        self._places.set(places)

    def on_engine(self, *, up: bool) -> None:
        """See `Observer`."""
        self._engine_up.set(up)

    def on_draining(self) -> None:
        """See `Observer`."""
        self._draining.set(1)

    def on_web(self, pid: int) -> None:
        """See `Observer`."""
        self._restarts.inc(self._web is not None)
        self._web = pid

    def on_tasks(self, loop: str, tasks: int) -> None:
        """So many tasks are on the event loop `loop`: http or media."""
        self._tasks.labels(loop).set(tasks)

    def on_opened(self, session: str) -> None:
        """See `Observer`."""
        self._live.inc()
        self._opened.inc()

    def on_refused(self, code: str) -> None:
        """See `Observer`."""
        self._refused.labels(code).inc()

    def on_unrecorded(self, session: str, why: str) -> None:
        """See `Observer`."""
        self._unrecorded.inc()

    def on_resumed(self, session: str = "") -> None:
        """See `Observer`."""
        self._resumed.inc()

    def on_notice(self, session: str, notice: Notice) -> None:
        """See `Observer`."""
        self._notices.labels(notice.code).inc()
        self._stopped.inc(notice.code == "recording_stopped")

    def on_delivered(self, session: str, row: SlotRow) -> None:
        """See `Observer`."""
        times = row.times_ms
        step_s = (times["detokenized"] - times["step"]) / 1000
        self._slots.inc()
        self._step.observe(step_s)
        self._rtf.observe(step_s / AUDIO.slot_seconds)
        self._answer.observe(times["sent"] / 1000)
        self._headroom.observe(times["slack"] / 1000)
        self._missed.inc(times["slack"] < 0)
        self._observe_interval(session, (times["captured"] + times["sent"]) / 1000)
        for how in row.degraded:
            self._degraded.labels(how).inc()
        if row.event:
            self._events.labels(row.event).inc()

    def on_closed(self, session: Session, reason: str) -> None:
        """See `Observer`; the counts of the session's buffers are added."""
        self._live.dec()
        self._sent_at.pop(session.id, None)
        counts = session.statistics
        for fate in ("placed", "duplicate", "late", "ahead", "discarded", "concealed", "recovered"):
            self._samples.labels(fate).inc(getattr(counts.slots, fate))
        self._flushed.inc(counts.playout.flushed)
        self._underruns.inc(counts.playout.underruns)
        missing_s = counts.playout.underruns * AUDIO.packet_seconds
        self._underrun.observe(missing_s)
        for threshold in CONTINUITY_MS:
            self._continuous.labels(threshold).inc(round(missing_s * 1000) <= threshold)

    def on_packet_sent(self, *, late: bool) -> None:
        """See `Observer`."""
        self._packets.inc()
        if late:
            self._late.inc()

    def on_latency(self, session: str, latency: MeasuredLatency) -> None:
        """See `Observer`."""
        (self._response if latency.kind == "response" else self._stop).observe(latency.seconds)

    def on_connection(self, round_trip_s: float | None, loss_in: float, loss_out: float) -> None:
        """See `Observer`."""
        if round_trip_s is not None:
            self._round_trip.observe(round_trip_s)
        self._loss.labels("in").observe(loss_in)
        self._loss.labels("out").observe(loss_out)

    def exposition(self) -> bytes:
        """All metrics as text for a scrape."""
        return generate_latest(self.registry)

    def _observe_interval(self, session: str, sent_at: float) -> None:
        before = self._sent_at.get(session)
        self._sent_at[session] = sent_at
        if before is not None:
            self._interval.observe(sent_at - before)

    def _make_sessions(self) -> None:
        self._live = self._gauge("sessions", "Sessions that last")
        self._places = self._gauge("places", "Sessions that fit at once")
        self._engine_up = self._gauge("engine_up", "1 while the engine lives")
        self._engine_up.set(1)
        self._draining = self._gauge("draining", "1 when no new sessions are taken because the server stops")
        self._restarts = self._counter("web_restarts", "Processes of HTTP that took the place of one that was lost")
        self._tasks = self._gauge("tasks", "Tasks on an event loop of the server", "loop")
        self._opened = self._counter("sessions_opened", "Sessions opened")
        self._refused = self._counter("sessions_refused", "Sessions refused, by reason", "code")
        self._resumed = self._counter("resume", "Clients that came back to their session")
        self._notices = self._counter("notices", "What users were told, by kind", "code")
        self._stopped = self._counter("recordings_stopped", "Recordings that ended because of the disk")
        self._unrecorded = self._counter("recordings_failed", "Sessions that could not be recorded from the start")

    def _make_slots(self) -> None:
        self._slots = self._counter("slots", "Slots answered")
        self._missed = self._counter("slot_deadline_miss", "Slots answered later than their deadline")
        self._degraded = self._counter("slots_degraded", "Slots that were not as they should be", "how")
        self._events = self._counter("answers", "Answers of the assistant, by event", "event")
        self._step = self._histogram("slot_compute_seconds", "Time of a step, to its audio", STEP_BUCKETS_S)
        self._answer = self._histogram("slot_seconds", "Time from a complete user slot to its result", STEP_BUCKETS_S)
        self._headroom = self._histogram(
            "slot_headroom_seconds", "Time left to the deadline; negative when missed", _HEADROOM_BUCKETS_S
        )

    def _make_audio(self) -> None:
        self._response = self._histogram("audio_ttfp_s", "Response latency", _LATENCY_BUCKETS_S)
        self._stop = self._histogram(
            "stop_latency_seconds", "From the user's first sound to the assistant's last one", _LATENCY_BUCKETS_S
        )
        self._rtf = self._histogram("audio_rtf", "Time of a step as a share of its slot", _RTF_BUCKETS)
        self._interval = self._histogram(
            "audio_chunk_interval_s", "Time between slots of a session", _INTERVAL_BUCKETS_S
        )
        self._underrun = self._histogram("audio_underrun_s", "Speech that a session missed", _UNDERRUN_BUCKETS_S)
        self._continuous = self._counter(
            "audio_continuity_ok", "Sessions that missed no more speech than this", "threshold_ms"
        )
        self._underruns = self._counter("playout_underruns", "Packets that missed speech")
        self._flushed = self._counter("playout_flushed_samples", "Samples taken back at cuts")
        self._samples = self._counter("user_samples", "User samples at 16 kHz, by outcome", "fate")

    def _make_network(self) -> None:
        self._packets = self._counter("packets", "Packets sent")
        self._late = self._counter("packets_late", "Packets sent late")
        self._round_trip = self._histogram(
            "round_trip_seconds", "Round trip of a connection, once a second", _ROUND_TRIP_BUCKETS_S
        )
        self._loss = Histogram(
            "duplex_loss_ratio",
            "Share of a connection's packets that were lost, once a second",
            ("direction",),
            buckets=_SHARE_BUCKETS,
            registry=self.registry,
        )

    def _gauge(self, name: str, help_text: str, *labels: str) -> Gauge:
        return Gauge(f"duplex_{name}", help_text, labels, registry=self.registry)

    def _counter(self, name: str, help_text: str, *labels: str) -> Counter:
        return Counter(f"duplex_{name}", help_text, labels, registry=self.registry)

    def _histogram(self, name: str, help_text: str, buckets: Sequence[float]) -> Histogram:
        return Histogram(f"duplex_{name}", help_text, buckets=buckets, registry=self.registry)
