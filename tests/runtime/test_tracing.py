"""Traces of turns: which spans there are, their times and attributes, and that they quote nothing unless asked to."""

from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from configs.runtime.runtime import RuntimeConfig
from duplex.model.interface import ConversationOptions
from runtime.clock import ManualClock
from runtime.engine.engine import Engine, InlineEngine
from runtime.measured_latency import MeasuredLatency
from runtime.pcm import to_int16
from runtime.sessions import SessionHub
from runtime.tracing import TurnTraces
from tests.runtime.fakes import FakeGenerator
from tests.runtime.user_audio import INTERRUPTION

WALL = 1_800_000_000.0


def hold(folder: Path, *, quotes: bool = False, slots: int = 30, latencies: bool = True) -> list[ReadableSpan]:
    """The spans of a conversation in which the assistant answers twice and is interrupted once."""
    clock, kept = ManualClock(), InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    traces = TurnTraces(provider.get_tracer("test"), "fake", clock, quotes=quotes, wall=lambda: WALL + clock.now())
    config = RuntimeConfig.model_validate({"recording": {"folder": folder}})
    hub = SessionHub(InlineEngine(Engine(FakeGenerator(1), clock, config.engine), "fake"), config, clock, traces)
    session = hub.open(ConversationOptions())
    for slot in range(slots):
        clock.advance(0.2)
        session.push_audio(slot * 3200, to_int16(INTERRUPTION[slot * 3200 : (slot + 1) * 3200]))
        for news in hub.pump():
            event, now = getattr(getattr(news, "row", None), "event", ""), clock.now()
            if latencies and event == "start":
                traces.on_latency(session.id, MeasuredLatency("response", now - 0.4, now + 0.04, now - 0.9))
            if latencies and event == "cut":
                traces.on_latency(session.id, MeasuredLatency("stop", now - 0.3, now - 0.06, now - 0.3))
    hub.close(session.id)
    return list(kept.get_finished_spans())


def by_turn(spans: list[ReadableSpan]) -> list[dict[str, ReadableSpan]]:
    """The spans of each trace by name, in the order of the turns."""
    traces: dict[int, dict[str, ReadableSpan]] = {}
    for span in spans:
        assert span.context is not None
        traces.setdefault(span.context.trace_id, {})[span.name] = span
    return list(traces.values())


def seconds(span: ReadableSpan) -> float:
    assert span.start_time is not None
    assert span.end_time is not None
    return (span.end_time - span.start_time) / 1e9


def test_each_turn_is_a_trace_with_its_parts(tmp_path: Path) -> None:
    cut, last = by_turn(hold(tmp_path))
    assert set(cut) == {"turn", "user", "wait", "answer", "interruption"}
    assert set(last) == {"turn", "user", "wait", "answer"}
    for turn in (cut, last):
        context = turn["turn"].context
        assert context is not None
        assert turn["turn"].parent is None
        assert all(
            part.parent.span_id == context.span_id for name, part in turn.items() if name != "turn" and part.parent
        )
        assert all(part.parent is not None for name, part in turn.items() if name != "turn")


def test_the_parts_have_the_times_that_were_measured(tmp_path: Path) -> None:
    cut, _ = by_turn(hold(tmp_path))
    assert seconds(cut["user"]) == pytest.approx(0.5, abs=1e-6)
    assert seconds(cut["wait"]) == pytest.approx(0.44, abs=1e-6)
    assert seconds(cut["interruption"]) == pytest.approx(0.24, abs=1e-6)
    assert cut["user"].start_time == cut["turn"].start_time
    assert cut["user"].end_time == cut["wait"].start_time
    assert cut["wait"].end_time == cut["answer"].start_time
    assert cut["interruption"].end_time == cut["answer"].end_time == cut["turn"].end_time
    assert cut["turn"].start_time is not None
    assert 0 <= cut["turn"].start_time / 1e9 - WALL < 6


def test_a_turn_tells_its_session_latencies_slots_and_model_but_no_words(tmp_path: Path) -> None:
    spans = hold(tmp_path)
    told = [dict(turn["turn"].attributes or {}) for turn in by_turn(spans)]
    assert [one["duplex.turn"] for one in told] == [0, 1]
    assert len({one["duplex.session"] for one in told}) == 1
    assert told[0] | {"duplex.session": "", "duplex.slots": 0} == {
        "duplex.session": "",
        "duplex.turn": 0,
        "duplex.model": "fake",
        "duplex.answer.how": "cut",
        "duplex.slots": 0,
        "duplex.slots_late": 0,
        "duplex.degraded": (),
        "duplex.response_ms": 440.0,
        "duplex.stop_ms": 240.0,
    }
    assert told[0]["duplex.slots"] > 1
    assert not any(span.attributes for span in spans if span.name != "turn")


def test_words_are_told_only_if_the_log_may_quote(tmp_path: Path) -> None:
    told = dict(by_turn(hold(tmp_path, quotes=True))[0]["turn"].attributes or {})
    assert told["duplex.answer.text"]
    assert "duplex.user.text" in told


def test_what_was_not_measured_is_left_out(tmp_path: Path) -> None:
    cut, _ = by_turn(hold(tmp_path, latencies=False))
    assert set(cut) == {"turn", "answer"}
    assert "duplex.response_ms" not in (cut["turn"].attributes or {})
    assert seconds(cut["answer"]) > 0


def test_a_turn_that_lasts_when_its_session_ends_is_told_too(tmp_path: Path) -> None:
    ends = [turn["turn"] for slots in range(1, 30) for turn in by_turn(hold(tmp_path / str(slots), slots=slots))]
    assert "open" in {(span.attributes or {})["duplex.answer.how"] for span in ends}
