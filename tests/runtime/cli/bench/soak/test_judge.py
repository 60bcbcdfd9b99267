"""Verdicts and their table on synthetic soaks: a calm one, and one for every bar that can be missed."""

from collections.abc import Callable
from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from runtime.cli.bench.soak.judge import Bars, Verdict, judge, missed
from runtime.cli.bench.soak.samples import Idle, Measured, ProcessSample, Sample, SessionSample
from runtime.cli.bench.soak.table import show_table, sparkline

EVERY_S = 5.0
IDLE = Idle(server_descriptors=20, engine_descriptors=9, web_descriptors=12, tasks=7)
NOISE = np.random.default_rng(3).normal(0.0, 1.0, (5, 720))


def make_soak(
    server_mb: Callable[[float], float] = lambda minute: 0.0,
    engine_mb: Callable[[float], float] = lambda minute: 0.0,
    web_mb: Callable[[float], float] = lambda minute: 0.0,
    lag_ms: Callable[[float], float] = lambda minute: 0.0,
    late: int = 0,
    samples: int = 720,
) -> Measured:
    """Two sessions with a sample every 5 s; the functions add to noise, by minute. `late` of the slots are late."""

    def sample(number: int) -> Sample:
        minute, noise = number * EVERY_S / 60, NOISE[:, number]
        calm = SessionSample(60 + noise[2], None if number % 3 else 140 + noise[3], 25 * (number + 1), 0, 0)
        drifting = replace(calm, answered_lag_ms=60 + noise[2] + lag_ms(minute), late=late * (number + 1) // samples)
        return Sample(
            EVERY_S * (number + 1),
            ProcessSample(150 + noise[0] + server_mb(minute), 30),
            ProcessSample(600 + noise[1] + engine_mb(minute), 9),
            ProcessSample(60 + noise[4] + web_mb(minute), 12),
            (calm, drifting),
        )

    return Measured((200.0, -200.0), tuple(sample(number) for number in range(samples)), IDLE, IDLE, (), 0.0)


def verdict(measured: Measured, name: str) -> Verdict:
    (found,) = [one for one in judge(measured, Bars()) if one.measure == name]
    return found


def failed(measured: Measured) -> list[str]:
    return [one.measure for one in judge(measured, Bars()) if one.passed is False]


def test_a_calm_soak_passes_all_bars() -> None:
    verdicts = judge(make_soak(), Bars())
    assert all(one.passed for one in verdicts)
    assert not missed(verdicts)
    assert [one.measure for one in verdicts] == [
        "RSS of the server",
        "RSS of the engine",
        "RSS of the web server",
        "lag of session 1 (+200 ppm), listening",
        "lag of session 1 (+200 ppm), speaking",
        "lag of session 2 (-200 ppm), listening",
        "lag of session 2 (-200 ppm), speaking",
        "descriptors of the server",
        "descriptors of the engine",
        "descriptors of the web server",
        "asyncio tasks of the server",
        "slots late or missed",
        "sessions ended early",
    ]


def test_a_leak_of_memory_is_missed() -> None:
    measured = make_soak(engine_mb=lambda minute: 1.5 * minute)
    assert failed(measured) == ["RSS of the engine"]
    assert verdict(measured, "RSS of the engine").slope == pytest.approx(1.5, abs=0.02)
    assert failed(make_soak(web_mb=lambda minute: 1.5 * minute)) == ["RSS of the web server"]


def test_memory_that_grows_at_the_begin_or_once_is_no_leak() -> None:
    def step(minute: float) -> float:
        return 40.0 if minute > 30 else 0.0

    assert failed(make_soak(server_mb=lambda minute: 100 * min(minute, 5.0), engine_mb=step)) == []


def test_a_lag_that_follows_the_drift_is_missed() -> None:
    measured = make_soak(lag_ms=lambda minute: 0.2 * 60 * minute)
    assert failed(measured) == ["lag of session 2 (-200 ppm), listening"]
    assert verdict(measured, failed(measured)[0]).value == pytest.approx(0.2 * 60 * 0.9 * 54, abs=10)


def test_a_lag_that_rises_in_a_step_is_missed_and_one_that_stays_within_the_bar_is_not() -> None:
    assert failed(make_soak(lag_ms=lambda minute: 120.0 if minute > 30 else 0.0))
    assert not failed(make_soak(lag_ms=lambda minute: 80.0 if minute > 30 else 0.0))


@pytest.mark.parametrize(
    ("after", "measure"),
    [
        (replace(IDLE, server_descriptors=21), "descriptors of the server"),
        (replace(IDLE, engine_descriptors=10), "descriptors of the engine"),
        (replace(IDLE, web_descriptors=13), "descriptors of the web server"),
        (replace(IDLE, tasks=8), "asyncio tasks of the server"),
    ],
)
def test_one_thing_that_stays_is_leaked(after: Idle, measure: str) -> None:
    measured = replace(make_soak(), after=after)
    assert failed(measured) == [measure]
    assert verdict(measured, measure).value == 1


def test_fewer_descriptors_than_before_are_no_leak() -> None:
    assert failed(replace(make_soak(), after=replace(IDLE, server_descriptors=18))) == []


def test_the_share_of_late_slots_has_a_bar() -> None:
    slots = 2 * 25 * 720
    assert failed(make_soak(late=17)) == []
    measured = make_soak(late=18)
    assert failed(measured) == ["slots late or missed"]
    assert verdict(measured, "slots late or missed").value == 100 * 18 / slots


def test_slots_without_an_answer_count_as_missed() -> None:
    measured = make_soak()
    last = measured.samples[-1]
    unseen = replace(last, sessions=(replace(last.sessions[0], unseen=40), last.sessions[1]))
    assert failed(replace(measured, samples=(*measured.samples[:-1], unseen))) == ["slots late or missed"]


def test_a_session_that_ends_early_is_missed_even_without_samples() -> None:
    measured = replace(make_soak(samples=0), after=None, ended=("session 1 ended early: the engine died",))
    verdicts = judge(measured, Bars())
    assert [one.measure for one in verdicts if one.passed is False] == ["sessions ended early"]
    assert all(one.passed is None for one in verdicts[:-1])
    assert missed(verdicts)


def test_too_few_samples_are_not_judged() -> None:
    measured = make_soak(samples=2)
    assert verdict(measured, "RSS of the server").passed is None
    assert not missed(judge(measured, Bars()))


def test_the_table_has_a_row_for_every_verdict_whatever_the_width() -> None:
    stream = StringIO()
    verdicts = judge(make_soak(engine_mb=lambda minute: 2 * minute), Bars())
    show_table(verdicts, Console(file=stream, width=40, markup=False, soft_wrap=True))
    lines = stream.getvalue().splitlines()
    assert len(lines) == 1 + len(verdicts)
    assert [one.measure in line for one, line in zip(verdicts, lines[1:], strict=True)] == [True] * len(verdicts)
    engine = lines[2]
    assert "MISS" in engine
    assert "< 1 MB/min" in engine
    assert engine.rstrip().endswith("█")
    assert "pass" in lines[1]


def test_a_sparkline_goes_from_the_least_to_the_largest_value() -> None:
    assert sparkline((0.0, 7.0, 3.5, None, 7.0)) == "▁█▅ █"
    assert sparkline((5.0, 5.0)) == "▁▁"
    assert sparkline(()) == ""
    assert sparkline((None, None)) == "  "
    assert len(sparkline(tuple(float(value) for value in range(1000)))) == 24
