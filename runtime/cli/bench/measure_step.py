"""Measures how long a step takes, in all and by stage, on audio that makes the model listen, decide and speak.

This module uses generators and a clock; it prints nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from configs.audio import AUDIO
from duplex.model.interface import ConversationOptions, Samples, SlotGenerator
from runtime.clock import Clock
from tdm.slots import State

SLOT_IN = AUDIO.slot_input_samples


@dataclass(frozen=True)
class StageTime:
    """Time of one stage over all slots, milliseconds."""

    p50_ms: float
    p99_ms: float


@dataclass(frozen=True)
class StepReport:
    """Times of `slots` steps with `sessions` rows each, milliseconds; the first `warmup` steps are not included.

    `speaking`: share of the sessions' slots in which the assistant spoke. `times_ms`: every step.
    """

    model: str
    fingerprint: str
    slots: int
    sessions: int
    warmup: int
    speaking: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float
    mean_ms: float
    stages: dict[str, StageTime]
    times_ms: tuple[float, ...]


def bench_step(
    generator: SlotGenerator,
    audio: Samples,
    clock: Clock,
    *,
    model: str,
    slots: int,
    sessions: int,
    warmup: int,
    pattern: str | None = None,
    wait_until: Callable[[float], None] | None = None,
    on_slot: Callable[[], None] | None = None,
) -> StepReport:
    """Time the steps of `generator`.

    Args:
        generator: has at least `sessions` rows.
        audio: [n] user audio at 16 kHz, repeated; every session hears another part of it.
        clock: is read around every step.
        model: its name, for the report.
        slots, sessions, warmup: see `StepReport`.
        pattern: interaction pattern of the conversations, for models that have several.
        wait_until: sleeps until a time of the clock, so that steps come every 200 ms as they do live and the model's
            threads have time to run; None runs the steps back to back.
        on_slot: is called after every step.
    """
    for row in range(sessions):
        generator.open(row, ConversationOptions(seed=row, pattern=pattern))
    active = np.arange(generator.rows) < sessions
    times: list[float] = []
    stages: dict[str, list[float]] = {}
    spoke = 0
    begin = clock.now()
    for slot in range(-warmup, slots):
        if wait_until:
            wait_until(begin + (slot + warmup) * AUDIO.slot_seconds)
        pcm = _rows(audio, slot + warmup, generator.rows)
        before = clock.now()
        results = [result for result in generator.step(pcm, active) if result]
        taken = clock.now() - before
        if slot >= 0:
            times.append(1000 * taken)
            spoke += sum(result.state is State.SPEAK for result in results)
            for name, ms in results[0].stage_ms.items():
                stages.setdefault(name, []).append(ms)
        if on_slot:
            on_slot()
    return _report(generator, model, sessions, warmup, spoke / (slots * sessions), times, stages)


def percentile(values: Sequence[float], percent: float) -> float:
    """Percentile of measured values, linearly interpolated (numpy's default; type 7 of Hyndman and Fan 1996), rounded
    to microseconds for values in milliseconds."""
    return round(float(np.percentile(values, percent)), 3)


def _rows(audio: Samples, slot: int, rows: int) -> Samples:
    """User audio of one step, [rows, 3200]; the rows are half a second apart."""
    starts = slot * SLOT_IN + np.arange(rows) * (AUDIO.input_rate // 2)
    places = (starts[:, None] + np.arange(SLOT_IN)) % len(audio)
    return audio[places]


def _report(
    generator: SlotGenerator,
    model: str,
    sessions: int,
    warmup: int,
    speaking: float,
    times: list[float],
    stages: dict[str, list[float]],
) -> StepReport:
    return StepReport(
        model=model,
        fingerprint=generator.fingerprint,
        slots=len(times),
        sessions=sessions,
        warmup=warmup,
        speaking=round(speaking, 3),
        p50_ms=percentile(times, 50),
        p90_ms=percentile(times, 90),
        p99_ms=percentile(times, 99),
        max_ms=percentile(times, 100),
        mean_ms=round(float(np.mean(times)), 3),
        stages={name: StageTime(percentile(ms, 50), percentile(ms, 99)) for name, ms in stages.items()},
        times_ms=tuple(round(ms, 3) for ms in times),
    )
