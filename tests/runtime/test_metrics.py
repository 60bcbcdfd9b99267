"""Metrics: updated by events, readable by Prometheus."""

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from configs.runtime.runtime import RuntimeConfig
from duplex.model.interface import ConversationOptions
from runtime.clock import ManualClock
from runtime.engine.engine import Engine, InlineEngine
from runtime.metrics import Metrics
from runtime.pcm import to_int16
from runtime.sessions import SessionHub
from tests.runtime.fakes import FakeGenerator
from tests.runtime.user_audio import INTERRUPTION


def value(metrics: Metrics, name: str, **labels: str) -> float:
    for family in text_string_to_metric_families(metrics.exposition().decode()):
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return sample.value
    raise AssertionError(f"there is no {name} {labels}")


def test_a_conversation_is_counted(tmp_path: Path) -> None:
    clock, metrics = ManualClock(), Metrics()
    config = RuntimeConfig.model_validate({"recording": {"folder": tmp_path}})
    engine = Engine(FakeGenerator(1), clock, config.engine)
    hub = SessionHub(InlineEngine(engine, "fake"), config, clock, metrics)
    session = hub.open(ConversationOptions())
    assert value(metrics, "duplex_sessions") == 1
    for slot in range(30):
        clock.advance(0.2)
        session.push_audio(slot * 3200, to_int16(INTERRUPTION[slot * 3200 : (slot + 1) * 3200]))
        hub.pump()
    hub.close(session.id)
    assert value(metrics, "duplex_sessions") == 0
    assert value(metrics, "duplex_sessions_opened_total") == 1
    assert value(metrics, "duplex_slots_total") == 30
    assert value(metrics, "duplex_answers_total", event="start") == 2
    assert value(metrics, "duplex_answers_total", event="cut") == 1
    assert value(metrics, "duplex_user_samples_total", fate="placed") == 30 * 3200
    assert value(metrics, "duplex_step_seconds_count") == 30
    assert value(metrics, "duplex_playout_flushed_samples_total") > 0


def test_packets_are_counted() -> None:
    metrics = Metrics()
    for late in (False, True, False):
        metrics.on_packet_sent(late=late)
    assert value(metrics, "duplex_packets_total") == 3
    assert value(metrics, "duplex_packets_late_total") == 1


def test_two_servers_in_one_process_count_for_themselves() -> None:
    first, second = Metrics(), Metrics()
    first.on_refused("server_full")
    assert value(first, "duplex_sessions_refused_total", code="server_full") == 1
    assert b'code="server_full"' not in second.exposition()
