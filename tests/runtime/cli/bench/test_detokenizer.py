"""`duplex bench detokenizer`: the steps of both sides, the figures, the file."""

import json
from pathlib import Path

import pytest
import torch

from configs.base import ConfigError
from configs.model.cosyvoice import COSYVOICE3_TINY
from runtime.cli.bench.detokenizer import command
from runtime.cli.bench.measure_detokenizer import (
    ReferenceStep,
    Size,
    Subject,
    cosyvoice_steps,
    funaudiochat_steps,
    measure,
)
from runtime.cli.values import NumberList

ONE, FIVE = NumberList((1.0,)), NumberList((5,))


class Ticks:
    """A clock that moves one second every time it is read."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


class CountedSubject(Subject):
    """Costs are the tokens that a side computes; the reference is there without a checkout."""

    def cost(self, count: int, hop: int) -> float:
        return float(count)

    def reference_cost(self, count: int, steps: list[ReferenceStep]) -> float | None:
        return float(sum(step.end - step.begin for step in steps))


def test_steps_of_fun_audio_chat() -> None:
    """Hops of 15 with 3 tokens of look-ahead; after 210 tokens the first 200 are forgotten, after 600 the cache."""
    steps = funaudiochat_steps(750)
    assert [(step.begin, step.end, step.offset) for step in steps[:2]] == [(0, 18, 0), (0, 33, 15)]
    assert (steps[14].begin, steps[14].end, steps[14].offset) == (200, 228, 10)
    assert [step.begin for step in steps if step.fresh] == [0, 600]
    assert [step.final for step in steps] == [False] * (len(steps) - 1) + [True]
    assert steps[-1].end == 750


def test_steps_of_cosyvoice() -> None:
    steps = cosyvoice_steps(500)
    assert [(step.end, step.offset) for step in steps[:4]] == [(28, 0), (78, 25), (178, 75), (278, 175)]
    assert (steps[-1].end, steps[-1].final, steps[-1].chunks) == (500, True, False)
    assert all(step.chunks for step in steps[:-1])
    assert cosyvoice_steps(10) == [ReferenceStep(0, 10, 0, fresh=True, final=True)]


@pytest.fixture(scope="module")
def subject() -> Subject:
    return Subject(COSYVOICE3_TINY, None, Ticks())


def test_ratio_is_of_equal_hops() -> None:
    subject = CountedSubject(COSYVOICE3_TINY, None, Ticks())
    runs: list[int] = []
    report = measure(subject, Size.TINY, [4.0], [5], lambda: runs.append(1))
    (length,) = report.lengths
    assert list(length.hops) == [5, 15, 25]
    assert length.compute_per_second == 25
    expected = sum(step.end - step.begin for step in funaudiochat_steps(100))
    assert length.ratio == pytest.approx(expected / 100)
    assert [cost.schedule for cost in length.references] == ["funaudiochat", "cosyvoice"]
    assert len(runs) == 5


def test_cost_is_time_of_the_clock_for_all_tokens(subject: Subject) -> None:
    """The tokens that fill the last hop are removed again."""
    assert subject.cost(25, 5) == 1
    assert subject.cost(50, 15) == pytest.approx(50 / 60)
    assert subject.reference_cost(25, []) is None
    assert subject.agreement() is None


def test_shorter_lookahead_differs_more(subject: Subject) -> None:
    reports = subject.lookahead()
    assert [report.delay_ms for report in reports] == [200.125, 160.125, 120.125, 80.125]
    differences = [report.difference_db for report in reports]
    assert differences[0] is None
    known = [value for value in differences if value is not None]
    assert known == sorted(known)


def test_figures_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    threads = torch.get_num_threads()
    try:
        command(ONE, Size.TINY, FIVE, None, 1, tmp_path / "figures.json")
    finally:
        torch.set_num_threads(threads)
    values = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert values["lengths"][0]["seconds"] == 1
    assert values["lengths"][0]["compute_per_second"] > 0
    assert values["lengths"][0]["ratio"] is None
    assert "tiny size of the same shape" in values["note"]
    shown = capsys.readouterr()
    assert "look-ahead 200.1 ms" in shown.out
    assert "no --reference" in shown.err


def test_wrong_checkout_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not a checkout of CosyVoice"):
        command(ONE, Size.TINY, FIVE, tmp_path, 1, None)
