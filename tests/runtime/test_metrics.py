"""Metrics: updated by events, readable by Prometheus."""

import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from configs.runtime.runtime import RuntimeConfig
from duplex.model.interface import ConversationOptions
from runtime.clock import ManualClock
from runtime.engine.engine import Engine, InlineEngine
from runtime.measured_latency import MeasuredLatency
from runtime.metrics import Metrics
from runtime.pcm import to_int16
from runtime.session.log_records import SlotRow
from runtime.session.session import Notice
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
    assert value(metrics, "duplex_slot_compute_seconds_count") == 30
    assert value(metrics, "duplex_audio_rtf_count") == 30
    assert value(metrics, "duplex_slot_deadline_miss_total") == 0
    assert value(metrics, "duplex_slot_headroom_seconds_bucket", le="0.15") == 0
    assert value(metrics, "duplex_slot_headroom_seconds_bucket", le="0.2") == 30
    assert value(metrics, "duplex_audio_chunk_interval_s_count") == 29
    assert value(metrics, "duplex_audio_chunk_interval_s_sum") == pytest.approx(29 * 0.2)
    assert value(metrics, "duplex_playout_flushed_samples_total") > 0
    assert value(metrics, "duplex_audio_underrun_s_count") == 1
    assert value(metrics, "duplex_audio_continuity_ok_total", threshold_ms="0") == 1


def test_a_slot_after_its_deadline_is_missed_and_has_no_headroom() -> None:
    metrics = Metrics()
    times = {"captured": 200.0, "queued": 0.0, "step": 30.0, "detokenized": 250.0, "sent": 260.0, "slack": -60.0}
    metrics.on_delivered("0a", make_row(times))
    metrics.on_delivered("0a", make_row(times | {"captured": 400.0, "sent": 160.0, "slack": 40.0}))
    assert value(metrics, "duplex_slot_deadline_miss_total") == 1
    assert value(metrics, "duplex_slot_headroom_seconds_bucket", le="0.0") == 1
    assert value(metrics, "duplex_slot_compute_seconds_sum") == pytest.approx(2 * 0.22)
    assert value(metrics, "duplex_audio_rtf_sum") == pytest.approx(2 * 1.1)
    assert value(metrics, "duplex_audio_chunk_interval_s_sum") == pytest.approx(0.1)


def make_row(times_ms: dict[str, float]) -> SlotRow:
    """A row of the log of which only the times matter."""
    return SlotRow(0, 0.0, "MUTE", "", 0, (), [], None, (), "", "", -90.0, -90.0, (), 0.0, (), times_ms, {})


def test_what_the_server_and_its_connections_do_is_told() -> None:
    metrics = Metrics()
    metrics.on_places(4)
    assert (value(metrics, "duplex_places"), value(metrics, "duplex_engine_up")) == (4, 1)
    metrics.on_engine(up=False)
    metrics.on_draining()
    assert (value(metrics, "duplex_engine_up"), value(metrics, "duplex_draining")) == (0, 1)
    metrics.on_resumed()
    metrics.on_unrecorded("0a", "the disk is full")
    metrics.on_notice("0a", Notice("echo", ""))
    metrics.on_latency("0a", MeasuredLatency("response", 10.0, 10.4, 9.0))
    metrics.on_latency("0a", MeasuredLatency("stop", 12.0, 12.25, 12.0))
    metrics.on_connection(None, 0.01, 0.0)
    metrics.on_connection(0.08, 0.03, 0.02)
    assert value(metrics, "duplex_resume_total") == 1
    assert value(metrics, "duplex_recordings_failed_total") == 1
    assert value(metrics, "duplex_notices_total", code="echo") == 1
    assert value(metrics, "duplex_audio_ttfp_s_sum") == pytest.approx(0.4)
    assert value(metrics, "duplex_stop_latency_seconds_sum") == 0.25
    assert value(metrics, "duplex_round_trip_seconds_count") == 1
    assert value(metrics, "duplex_loss_ratio_sum", direction="in") == pytest.approx(0.04)
    assert value(metrics, "duplex_loss_ratio_sum", direction="out") == pytest.approx(0.02)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the figures come from /proc")
def test_figures_of_the_process_are_told() -> None:
    metrics = Metrics()
    assert value(metrics, "process_resident_memory_bytes") > 0
    assert value(metrics, "process_open_fds") > 0


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
