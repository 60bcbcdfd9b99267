"""Response gap and stop latency on synthetic speech whose start and end are known."""

import numpy as np
import pytest

from configs.runtime.serve import LatencyConfig
from runtime.measured_latency import MeasuredLatency
from runtime.webrtc.latency import LatencyMeter

STEP = 320
LOUD, QUIET = np.full(480, 0.2, dtype=np.float32), np.zeros(480, dtype=np.float32)


def voice(packets: int) -> np.ndarray:  # type: ignore[type-arg]
    """Something a voice activity detector takes for speech: a buzz with formants, [packets * 320] int16."""
    time = np.arange(packets * STEP) / 16_000
    buzz = sum(np.sin(2 * np.pi * 120 * k * time) / (1 + abs(k - 5)) for k in range(1, 25))
    return (3000 * buzz * (0.7 + 0.3 * np.sin(2 * np.pi * 4 * time))).astype(np.int16)


def run(
    user: list[tuple[float, float]], assistant: list[tuple[float, float, str]], seconds: float
) -> list[MeasuredLatency]:
    """User speech spans and assistant spans (begin, end, event at its end) in seconds -> latencies."""
    meter = LatencyMeter(LatencyConfig())
    speech = voice(round(seconds * 50))
    out: list[MeasuredLatency] = []
    for index in range(round(seconds * 50)):
        now = index * 0.02
        talks = any(begin <= now < end for begin, end in user)
        pcm = speech[index * STEP : (index + 1) * STEP] if talks else np.zeros(STEP, dtype=np.int16)
        meter.on_heard(pcm, now + 0.02)
        for begin, end, event in assistant:
            if abs(begin - now) < 1e-9:
                meter.event("start")
            if abs(end - now) < 1e-9:
                meter.event(event)
        sounds = any(begin <= now < end for begin, end, _ in assistant)
        out += meter.on_played(LOUD if sounds else QUIET, now + 0.02)
    return out


def test_the_response_gap_runs_from_the_last_voice_to_the_first_sound() -> None:
    (latency,) = run([(0.5, 1.5)], [(2.0, 3.0, "end")], 4)
    assert latency.kind == "response"
    assert latency.ms == pytest.approx(500, abs=80)
    assert (latency.spoke_from, latency.ended) == (pytest.approx(0.5, abs=0.08), pytest.approx(2.0, abs=0.03))


def test_a_gap_shorter_than_the_detectors_patience_is_measured_too() -> None:
    (latency,) = run([(0.5, 1.5)], [(1.6, 2.6, "end")], 4)
    assert latency.ms == pytest.approx(100, abs=80)


def test_the_stop_latency_runs_from_the_users_first_voice_to_silence() -> None:
    latencies = run([(0.5, 1.5), (3.0, 5.0)], [(2.0, 3.3, "cut")], 6)
    assert [latency.kind for latency in latencies] == ["response", "stop"]
    assert latencies[1].ms == pytest.approx(300, abs=60)


def test_an_answer_into_the_users_speech_is_no_response() -> None:
    assert run([(0.5, 3.5)], [(2.0, 3.0, "end")], 4) == []


def test_one_turn_is_answered_once() -> None:
    latencies = run([(0.5, 1.5)], [(2.0, 2.5, "end"), (3.0, 3.5, "end")], 4)
    assert [latency.kind for latency in latencies] == ["response"]


def test_a_cut_without_a_voice_has_no_latency() -> None:
    assert run([], [(1.0, 2.0, "cut")], 3) == []


def test_a_cut_without_a_voice_is_not_that_of_the_question() -> None:
    latencies = run([(0.5, 1.5)], [(2.0, 3.3, "cut"), (3.6, 5.0, "end")], 6)
    assert [latency.kind for latency in latencies] == ["response"]


def test_an_assistant_that_is_faster_than_the_detector_is_measured_too() -> None:
    latencies = run([(0.5, 1.5), (3.0, 5.0)], [(2.0, 3.06, "cut")], 6)
    assert [latency.kind for latency in latencies] == ["response", "stop"]
    assert latencies[1].ms == pytest.approx(60, abs=60)
