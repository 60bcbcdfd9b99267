"""Judges the samples of a soak. Pure functions of what was measured; nothing here measures or prints."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from runtime.cli.bench.soak.samples import Measured, Sample, SessionSample
from runtime.cli.bench.soak.trend import Floats, growth, theil_sen

_MIN_S = 60.0


@dataclass(frozen=True)
class Bars:
    """What a soak must keep.

    `rss_mb_per_min`: the slope of a resident set stays below this. `lag_growth_ms`: a lag rises by no more than this.
    `leaked`: most tasks and descriptors that stay when the sessions have ended. `late_share`: the share (0..1) of slots
    late or unanswered stays below this. `warmup_share`: the share (0..1) of the time, from the begin, that slopes and
    growth leave out.
    """

    rss_mb_per_min: float = 1.0
    lag_growth_ms: float = 100.0
    leaked: int = 0
    late_share: float = 0.0005
    warmup_share: float = 0.1


@dataclass(frozen=True)
class Verdict:
    """One measure, judged.

    `first`, `last`: the values at the ends, in `unit`; of measures with a slope, after the warm-up. `slope`: `unit` a
    minute by Theil-Sen, None where there is none. `judged`: what is compared with the bar (slope, growth, leaked,
    share, count), `value` is its value and `bar` says what it must keep, in words. `passed`: None if too little was
    measured. `course`: the measure at every sample, empty for those that have no course.
    """

    measure: str
    unit: str
    first: float | None
    last: float | None
    slope: float | None
    judged: str
    value: float | None
    bar: str
    passed: bool | None
    course: tuple[float | None, ...] = ()


def judge(measured: Measured, bars: Bars) -> tuple[Verdict, ...]:
    """Compare everything with its bar, in the order of the report."""
    sessions = enumerate(measured.drifts_ppm)
    return (
        _judge_memory("RSS of the server", measured, bars, lambda sample: sample.server.rss_mb),
        _judge_memory("RSS of the engine", measured, bars, lambda sample: sample.engine.rss_mb),
        _judge_memory("RSS of the web server", measured, bars, lambda sample: sample.web.rss_mb),
        *(verdict for place, ppm in sessions for verdict in _judge_lags(place, ppm, measured, bars)),
        *_judge_leaks(measured, bars),
        _judge_slots(measured, bars),
        Verdict("sessions ended early", "", None, None, None, "count", len(measured.ended), "= 0", not measured.ended),
    )


def missed(verdicts: Sequence[Verdict]) -> bool:
    """Whether any bar was missed."""
    return any(verdict.passed is False for verdict in verdicts)


def _judge_memory(measure: str, measured: Measured, bars: Bars, read: Callable[[Sample], float | None]) -> Verdict:
    times, values = _series(measured, read)
    warm = _warm(times, bars)
    slope = theil_sen(times[warm] / _MIN_S, values[warm])
    return Verdict(
        measure, "MB", *_ends(values[warm]), _rounded(slope), "slope", _rounded(slope),
        f"< {bars.rss_mb_per_min:g} MB/min", None if slope is None else slope < bars.rss_mb_per_min, _course(values),
    )  # fmt: skip


def _judge_lags(place: int, ppm: float, measured: Measured, bars: Bars) -> tuple[Verdict, Verdict]:
    name = f"lag of session {place + 1} ({ppm:+g} ppm)"

    def judge_one(kind: str, read: Callable[[SessionSample], float | None]) -> Verdict:
        times, values = _series(measured, lambda sample: read(sample.sessions[place]))
        warm = _warm(times, bars)
        rise = growth(times[warm], values[warm])
        slope = _rounded(theil_sen(times[warm] / _MIN_S, values[warm]))
        return Verdict(
            f"{name}, {kind}", "ms", *_ends(values[warm]), slope, "growth", _rounded(rise),
            f"<= {bars.lag_growth_ms:g} ms", None if rise is None else rise <= bars.lag_growth_ms, _course(values),
        )  # fmt: skip

    return (
        judge_one("listening", lambda session: session.answered_lag_ms),
        judge_one("speaking", lambda session: session.played_lag_ms),
    )


def _judge_leaks(measured: Measured, bars: Bars) -> tuple[Verdict, ...]:
    names = {
        "server_descriptors": "descriptors of the server",
        "engine_descriptors": "descriptors of the engine",
        "web_descriptors": "descriptors of the web server",
        "tasks": "asyncio tasks of the server",
    }
    courses = {
        "server_descriptors": tuple(float(sample.server.descriptors) for sample in measured.samples),
        "engine_descriptors": tuple(float(sample.engine.descriptors) for sample in measured.samples),
        "web_descriptors": tuple(float(sample.web.descriptors) for sample in measured.samples),
    }
    before = asdict(measured.before)
    after = asdict(measured.after) if measured.after else {}
    return tuple(
        _judge_leak(measure, before[name], after.get(name), courses.get(name, ()), bars)
        for name, measure in names.items()
    )


def _judge_leak(measure: str, first: int, last: int | None, course: tuple[float, ...], bars: Bars) -> Verdict:
    leaked = None if last is None else max(0, last - first)
    return Verdict(
        measure, "", first, last, None, "leaked", leaked, f"<= {bars.leaked}",
        None if leaked is None else leaked <= bars.leaked, course,
    )  # fmt: skip


def _judge_slots(measured: Measured, bars: Bars) -> Verdict:
    def late(sample: Sample) -> int:
        return sum(session.late + session.unseen for session in sample.sessions)

    slots = sum(session.slots for session in measured.samples[-1].sessions) if measured.samples else 0
    share = late(measured.samples[-1]) / slots if slots else None
    fresh = np.diff([late(sample) for sample in measured.samples], prepend=0)
    return Verdict(
        "slots late or missed", "%", None, None, None, "share", None if share is None else round(100 * share, 4),
        f"< {100 * bars.late_share:g} %", None if share is None else share < bars.late_share,
        tuple(float(count) for count in fresh),
    )  # fmt: skip


def _series(measured: Measured, read: Callable[[Sample], float | None]) -> tuple[Floats, Floats]:
    """Times and values of all samples, [n] each; nan where nothing was measured."""
    values = [read(sample) for sample in measured.samples]
    times = np.array([sample.at_s for sample in measured.samples], dtype=np.float64)
    return times, np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _warm(times: Floats, bars: Bars) -> slice:
    return slice(int(np.searchsorted(times, bars.warmup_share * times[-1])) if len(times) else 0, None)


def _ends(values: Floats) -> tuple[float | None, float | None]:
    there = values[~np.isnan(values)]
    return (float(there[0]), float(there[-1])) if len(there) else (None, None)


def _course(values: Floats) -> tuple[float | None, ...]:
    return tuple(None if np.isnan(value) else float(value) for value in values)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
