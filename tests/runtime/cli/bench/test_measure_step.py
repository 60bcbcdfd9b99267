"""The step bench: counts the right steps, with the given clock and pace."""

import numpy as np
import pytest
from numpy.typing import NDArray

from duplex.model.interface import Samples, SlotResult
from runtime.audio_file import load_audio
from runtime.cli.bench.command import QUESTIONS
from runtime.cli.bench.measure_step import StageTime, bench_step
from runtime.clock import ManualClock
from tests.runtime.fakes import FakeGenerator
from tests.runtime.user_audio import QUESTION


class SlowGenerator(FakeGenerator):
    """Step n takes n milliseconds of virtual time."""

    def __init__(self, clock: ManualClock, rows: int) -> None:
        super().__init__(rows)
        self.clock = clock
        self.began: list[float] = []
        self.active: list[int] = []

    def step(self, pcm: Samples, active: NDArray[np.bool_]) -> list[SlotResult | None]:
        self.began.append(self.clock.now())
        self.active.append(int(active.sum()))
        self.clock.advance(len(self.began) / 1000)
        return super().step(pcm, active)


def test_times_are_those_of_the_counted_steps() -> None:
    clock = ManualClock()
    generator = SlowGenerator(clock, 3)
    report = bench_step(generator, QUESTION, clock, model="slow", slots=10, sessions=2, warmup=5)
    assert report.times_ms == pytest.approx([6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
    assert (report.p50_ms, report.max_ms, report.mean_ms) == (10.5, 15.0, 10.5)
    assert report.p99_ms == pytest.approx(14.91)
    assert (report.slots, report.sessions, report.warmup, report.model) == (10, 2, 5, "slow")
    assert generator.active == [2] * 15
    assert report.stages == {"fake": StageTime(0.0, 0.0)}


def test_a_live_pace_is_a_step_every_slot() -> None:
    clock = ManualClock()
    generator = SlowGenerator(clock, 1)

    def wait_until(moment: float) -> None:
        clock.advance(max(0.0, moment - clock.now()))

    bench_step(generator, QUESTION, clock, model="slow", slots=6, sessions=1, warmup=0, wait_until=wait_until)
    assert generator.began == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])


def test_the_shipped_questions_make_the_model_talk() -> None:
    sound = load_audio(QUESTIONS)
    assert sound.notes == ()
    clock = ManualClock()
    report = bench_step(FakeGenerator(), sound.samples, clock, model="fake", slots=200, sessions=1, warmup=0)
    assert 0.2 < report.speaking < 0.6


def test_every_session_hears_another_part_of_the_audio() -> None:
    heard: list[Samples] = []

    class Listening(FakeGenerator):
        def step(self, pcm: Samples, active: NDArray[np.bool_]) -> list[SlotResult | None]:
            heard.append(pcm.copy())
            return super().step(pcm, active)

    bench_step(Listening(2), QUESTION, ManualClock(), model="fake", slots=10, sessions=2, warmup=0)
    first, second = (np.concatenate([pcm[row] for pcm in heard]) for row in range(2))
    np.testing.assert_array_equal(second[:16_000], first[8000:24_000])
