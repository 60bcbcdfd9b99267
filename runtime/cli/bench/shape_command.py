"""`duplex bench step --shape`: options and table."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from rich.table import Table

from configs.base import ConfigError
from runtime.cli.bench.shape import GB, SLOT_MS, BatchReport, ShapeOptions, ShapeReport, bench_shape, find_shape
from runtime.cli.bench.workload import stopwatch_for
from runtime.cli.common import out, progress, write_json

DTYPES = {"bf16": torch.bfloat16, "bfloat16": torch.bfloat16, "fp32": torch.float32, "float32": torch.float32}
GOALS = {("funaudiochat-8b", 1): ("p50_ms", 15.0), ("funaudiochat-8b", 128): ("p99_ms", 150.0)}
"""(shape, conversations) -> figure, milliseconds on an H200."""


def run(
    shape: str,
    weights: str,
    batch: Sequence[float],
    device: str,
    dtype: str | None,
    context: int,
    steps: int,
    graphs: bool,
    json_file: Path | None,
) -> None:
    """Measure a shape, print the table, write the figures.

    Raises:
        ConfigError: an option is wrong, or the shape does not fit the device.
    """
    if weights != "random":
        raise ConfigError(f"--weights '{weights}': shapes are timed with random weights; give random")
    place = _device(device)
    options = ShapeOptions(
        shape=find_shape(shape).name,
        batches=tuple(sorted({int(sessions) for sessions in batch})),
        device=place,
        dtype=_dtype(dtype or ("bf16" if place.type == "cuda" else "fp32")),
        context=context,
        steps=steps,
        graphs=graphs,
    )
    with progress() as bar:
        task = bar.add_task("batches", total=len(options.batches))
        report = bench_shape(options, stopwatch_for(place), lambda: bar.advance(task))
    show(report)
    if json_file:
        write_json(json_file, asdict(report))


def show(report: ShapeReport) -> None:
    """Print a report."""
    console = out()
    console.print(f"{report.shape} on {report.device}, {report.dtype}, random weights, {report.date}")
    console.print(
        f"torch {report.versions['torch']}, CUDA {report.versions['cuda']}; {report.context} elements a conversation, "
        f"{report.steps} steps; {'CUDA graphs' if report.graphs else 'no CUDA graphs'}; "
        f"weights {report.weights_bytes / GB:.3g} GB; copies {report.bandwidth_bytes_s / GB:.0f} GB/s"
    )
    table = Table(
        "sessions", "p50 ms", "p99 ms", "LLM p50", "limit ms", "2 s prefill", "caches GB", "peak GB", box=None
    )
    for row in report.batches:
        table.add_row(*_cells(row))
    console.print(table)
    console.print(_fits(report))
    for line in goals(report):
        console.print(line)


def goals(report: ShapeReport) -> list[str]:
    """The goals for a shape, next to the measured values."""
    lines = []
    for (shape, batch), (figure, goal) in GOALS.items():
        row = next((row for row in report.batches if row.batch == batch and row.refused is None), None)
        if shape == report.shape:
            measured = "not measured" if row is None else f"{getattr(row, figure):.1f} ms"
            name = f"{batch} session{'s' if batch > 1 else ''}, {figure.removesuffix('_ms')}"
            lines.append(f"goal on an H200: {name} <= {goal:.0f} ms: {measured}")
    return lines


def _cells(row: BatchReport) -> list[str]:
    if row.refused is not None:
        return [str(row.batch), "-", "-", "-", f"{row.limit_ms:.1f}", "-", f"{row.caches_bytes / GB:.2f}", row.refused]
    times = (row.p50_ms, row.p99_ms, row.llm_p50_ms, row.limit_ms, row.prefill_p50_ms)
    peak = "-" if row.peak_bytes is None else f"{row.peak_bytes / GB:.1f}"
    return [str(row.batch), *(f"{ms:.1f}" for ms in times), f"{row.caches_bytes / GB:.2f}", peak]


def _fits(report: ShapeReport) -> str:
    fit = report.in_slot
    slot = "nothing measured" if fit is None else f"{'at least ' if fit.at_least else ''}{fit.conversations}"
    text = f"sessions in a slot of {SLOT_MS:.0f} ms (p99): {slot}"
    if report.in_memory is not None:
        text += f"; in memory: {report.in_memory} of this context, {report.in_memory_whole} of whole caches"
    return text


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(f"--device {name}: there is no such CUDA device here; take cpu, or a CUDA build of torch")
    return device


def _dtype(name: str) -> torch.dtype:
    if name not in DTYPES:
        raise ConfigError(f"--dtype '{name}': choose one of {', '.join(DTYPES)}")
    return DTYPES[name]
