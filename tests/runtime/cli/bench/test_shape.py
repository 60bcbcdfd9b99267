"""`duplex bench step --shape`: what is measured and reported, on the CPU with a counted clock."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from configs.base import ConfigError
from configs.model.funaudiochat import FUNAUDIOCHAT_TINY, StepConfig, TurnsConfig
from duplex.model.funaudiochat.memory import check_memory, read_by_step
from duplex.model.funaudiochat.model import FunAudioChat
from runtime.cli.bench.shape import BatchReport, Fit, ShapeOptions, ShapeReport, bench_shape, fit_in_slot
from runtime.cli.bench.shape_command import goals
from runtime.cli.bench.workload import COPIED_BYTES, Workload, stopwatch_for
from runtime.cli.main import run
from tests.runtime.cli.test_main import lines

CPU = torch.device("cpu")
OPTIONS = ShapeOptions("funaudiochat-tiny", (1, 3), CPU, torch.float32, context=40, steps=4)


def _second(run: object) -> float:
    """Everything takes a second."""
    assert callable(run)
    run()
    return 1000.0


@pytest.fixture(scope="module")
def report() -> ShapeReport:
    return bench_shape(OPTIONS, _second, lambda: None)


def test_figures_of_every_batch(report: ShapeReport) -> None:
    assert [(row.batch, row.p50_ms, row.p99_ms, row.refused) for row in report.batches] == [
        (1, 1000.0, 1000.0, None),
        (3, 1000.0, 1000.0, None),
    ]
    assert report.batches[1].caches_bytes == 3 * report.batches[0].caches_bytes
    assert report.graphs is False
    assert {"torch", "transformers", "cuda"} <= set(report.versions)
    assert report.in_slot == Fit(0)
    assert report.in_memory is not None
    assert report.in_memory_whole is not None
    assert report.in_memory > report.in_memory_whole > 0


def test_the_limit_is_what_is_read_at_the_bandwidth_of_copies(report: ShapeReport) -> None:
    """A copy reads and writes; it took a second."""
    assert report.bandwidth_bytes_s == 2 * COPIED_BYTES["cpu"]
    read = read_by_step(FUNAUDIOCHAT_TINY, 40, 3, torch.float32)
    assert report.batches[1].limit_ms == pytest.approx(1000 * read / report.bandwidth_bytes_s, abs=1e-3)


def _row(batch: int, p99_ms: float, refused: str | None = None) -> BatchReport:
    return BatchReport(batch, 0, 0.0, p50_ms=p99_ms, p99_ms=p99_ms, refused=refused)


@pytest.mark.parametrize(
    ("rows", "fit"),
    [
        ([_row(1, 10), _row(8, 100), _row(32, 300)], Fit(20)),
        ([_row(1, 10), _row(8, 100)], Fit(8, at_least=True)),
        ([_row(8, 250)], Fit(0)),
        ([_row(8, 100), _row(32, 0, "too large")], Fit(8, at_least=True)),
        ([_row(8, 0, "too large")], None),
    ],
)
def test_sessions_of_a_slot_lie_between_two_batches(rows: list[BatchReport], fit: Fit | None) -> None:
    assert fit_in_slot(rows) == fit


def test_every_step_is_made_at_the_same_length_and_is_another() -> None:
    chat = FunAudioChat.random(FUNAUDIOCHAT_TINY)
    work = Workload(chat, TurnsConfig(places=50, step=StepConfig(buckets=())), 40, 2)
    seen = []
    for _ in range(3):
        work.step()
        seen.append((list(work._text), [list(group) for group in work._tokens]))
        assert work._state.llm.lengths == [40, 40]
        assert work._state.refined is not None
        assert work._state.refined.lengths == [200, 200]
    assert seen[0] != seen[1] != seen[2]
    before = [tensor.clone() for tensor in work._state.llm.keys]
    work.prefill()
    assert not torch.equal(before[0][:, :, 41:51], work._state.llm.keys[0][:, :, 41:51])
    assert torch.equal(before[0][:, :, 1:41], work._state.llm.keys[0][:, :, 1:41])
    assert work._state.llm.lengths == [40, 40]


def test_a_batch_that_does_not_fit_is_said_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.cli.bench.shape.free_memory", lambda _: 400_000)
    report = bench_shape(replace(OPTIONS, batches=(1, 64)), _second, lambda: None)
    small, large = report.batches
    assert (small.refused, large.p50_ms) == (None, 0.0)
    assert large.refused is not None
    assert "0.0 GB are free: take fewer" in large.refused


def test_a_clock_measures_on_the_cpu() -> None:
    assert 0 <= stopwatch_for(CPU)(lambda: None) < 1000


def test_goals_stand_beside_what_was_measured(report: ShapeReport) -> None:
    assert goals(report) == []
    large = replace(report, shape="funaudiochat-8b", batches=(_row(1, 12.25), _row(8, 50.0)))
    assert goals(large) == [
        "goal on an H200: 1 session, p50 <= 15 ms: 12.2 ms",
        "goal on an H200: 128 sessions, p99 <= 150 ms: not measured",
    ]


def test_the_command_prints_a_table_and_writes_the_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = tmp_path / "s.json"
    arguments = ["--shape", "funaudiochat-tiny", "--batch", "2,1", "--steps", "3", "--context", "20", "--device", "cpu"]
    threads = torch.get_num_threads()
    try:
        assert run(["bench", "step", *arguments, "--dtype", "bf16", "--json", str(figures)]) == 0
    finally:
        torch.set_num_threads(threads)
    values = json.loads(figures.read_text())
    assert [row["batch"] for row in values["batches"]] == [1, 2]
    assert all(0 < row["p50_ms"] <= row["p99_ms"] for row in values["batches"])
    assert (values["dtype"], values["weights"], values["device"]) == ("bfloat16", "random", "CPU, 1 threads")
    shown = capsys.readouterr().out
    assert "sessions in a slot of 200 ms (p99): at least 2" in shown
    assert "no CUDA graphs" in shown


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (
            ["--shape", "huge"],
            "--shape huge: there is no such shape; choose one of funaudiochat-8b, funaudiochat-30b-a3b",
        ),
        (["--batch", "1,x"], "--batch: must be numbers with commas between, each a whole number from 1 to 4,096"),
        (["--batch", "0"], "--batch: must be numbers with commas between, each a whole number from 1 to 4,096"),
        (["--device", "cuda:99"], "--device cuda:99: there is no such CUDA device here"),
        (["--device", "sofa"], "--device: must be auto, cpu, cuda, or cuda:0 to cuda:99, not 'sofa'"),
        (["--device", "meta"], "--device: must be auto, cpu, cuda, or cuda:0 to cuda:99, not 'meta'"),
        (["--dtype", "int3"], "--dtype 'int3': choose one of bf16"),
        (["--weights", "mine"], "--weights 'mine': shapes are timed with random weights"),
    ],
)
def test_wrong_options_are_one_line(arguments: list[str], error: str, capsys: pytest.CaptureFixture[str]) -> None:
    shape = [] if "--shape" in arguments else ["--shape", "funaudiochat-tiny"]
    threads = torch.get_num_threads()
    try:
        assert run(["bench", "step", *shape, *arguments]) == 2
    finally:
        torch.set_num_threads(threads)
    (line,) = lines(capsys)
    assert line.startswith(f"error: {error}")


def test_a_shape_that_does_not_fit_says_what_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.cli.bench.shape.check_memory", partial(check_memory, free=lambda _: 10**9))
    with pytest.raises(
        ConfigError, match=r"funaudiochat-8b with 1 conversations of 50 places needs .* 1\.0 GB are free"
    ):
        bench_shape(replace(OPTIONS, shape="funaudiochat-8b"), _second, lambda: None)
