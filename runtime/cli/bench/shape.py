"""Measures step time, memory and bandwidth limit of a Fun-Audio-Chat shape with random weights, for batches.

A step is the work of a speaking conversation for 200 ms: LLM, text token, five passes of the refined head, sampling and
the transfers. This module prints nothing.
"""

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import torch

from configs.audio import AUDIO
from configs.base import ConfigError
from configs.model.funaudiochat import SHAPES, TURNS, FunAudioChatConfig, StepConfig, TurnsConfig
from duplex.model.funaudiochat.memory import check_memory, memory_of, read_by_step
from duplex.model.funaudiochat.model import FunAudioChat
from duplex.model.weights.free_memory import free_memory
from runtime.cli.bench.measure_step import percentile
from runtime.cli.bench.workload import Stopwatch, Workload, copy_bandwidth, device_name
from runtime.versions import versions

WARM_UP: Final = 3
PREFILLS: Final = 5
SLOT_MS: Final = float(AUDIO.slot_ms)
GB: Final = 1e9


@dataclass(frozen=True)
class ShapeOptions:
    """What is measured: `context` is the number of elements per conversation; `graphs` are recorded only on a CUDA
    device."""

    shape: str
    batches: tuple[int, ...]
    device: torch.device
    dtype: torch.dtype
    context: int = 512
    steps: int = 100
    graphs: bool = True


@dataclass(frozen=True)
class BatchReport:
    """Steps of `batch` conversations, milliseconds. `refused`: why there are no figures.

    Attributes:
        llm_p50_ms: time of a step in which nobody speaks (LLM and text token).
        prefill_p50_ms: time to encode two seconds of user audio of all conversations and put them into the caches.
        limit_ms: time to read what a step must read, at the device's bandwidth (the roofline, Williams et al. 2009).
        caches_bytes, peak_bytes: caches of all conversations; peak memory including weights (CUDA only).
        recorded: number of CUDA graphs that were replayed.
    """

    batch: int
    caches_bytes: int
    limit_ms: float
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    llm_p50_ms: float = 0.0
    prefill_p50_ms: float = 0.0
    peak_bytes: int | None = None
    recorded: int = 0
    refused: str | None = None


@dataclass(frozen=True)
class Fit:
    """Number of conversations that fit. `at_least`: larger numbers were not measured."""

    conversations: int
    at_least: bool = False


@dataclass(frozen=True)
class ShapeReport:
    """All figures. `in_memory`, `in_memory_whole`: conversations that fit with the measured context, and with whole
    caches."""

    date: str
    device: str
    versions: dict[str, str]
    shape: str
    weights: str
    dtype: str
    context: int
    steps: int
    graphs: bool
    weights_bytes: int
    free_bytes: int | None
    bandwidth_bytes_s: float
    batches: tuple[BatchReport, ...]
    in_slot: Fit | None
    in_memory: int | None
    in_memory_whole: int | None


def bench_shape(options: ShapeOptions, stopwatch: Stopwatch, on_run: Callable[[], None]) -> ShapeReport:
    """Measure; `on_run` is called after every batch.

    Raises:
        ConfigError: there is no such shape, or it does not fit the device with one conversation.
    """
    config, device, dtype = find_shape(options.shape), options.device, options.dtype
    turns = _turns(config, options)
    check_memory(config, turns, 1, device, dtype)
    free, memory = free_memory(device), memory_of(config, turns, dtype)
    bandwidth = copy_bandwidth(device, stopwatch)
    chat = FunAudioChat.random(config, 0, device, dtype)
    batches = []
    for batch in options.batches:
        report = BatchReport(
            batch=batch,
            caches_bytes=batch * memory.conversation,
            limit_ms=round(1000 * read_by_step(config, options.context, batch, dtype) / bandwidth, 3),
        )
        batches.append(_measure(chat, turns, options, report, stopwatch))
        on_run()
    return ShapeReport(
        date=datetime.now().astimezone().isoformat(timespec="seconds"),
        device=device_name(device),
        versions=versions() | {"cuda": torch.version.cuda or "none"},
        shape=config.name,
        weights="random",
        dtype=str(dtype).removeprefix("torch."),
        context=options.context,
        steps=options.steps,
        graphs=any(report.recorded for report in batches),
        weights_bytes=memory.weights,
        free_bytes=free,
        bandwidth_bytes_s=bandwidth,
        batches=tuple(batches),
        in_slot=fit_in_slot(batches),
        in_memory=None if free is None else memory.conversations_in(free),
        in_memory_whole=None if free is None else memory_of(config, TURNS, dtype).conversations_in(free),
    )


def _turns(config: FunAudioChatConfig, options: ShapeOptions) -> TurnsConfig:
    """Caches for the context and the two seconds after it, as one bucket."""
    steps = StepConfig(graphs=options.graphs, buckets=())
    return TurnsConfig(places=options.context + config.chunk_groups, step=steps)


def _measure(
    chat: FunAudioChat, turns: TurnsConfig, options: ShapeOptions, report: BatchReport, stopwatch: Stopwatch
) -> BatchReport:
    """Return the report with its figures, or with the reason why there are none."""
    gc.collect()
    if options.device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(options.device)
    free = free_memory(options.device)
    if free is not None and report.caches_bytes > free:
        return replace(
            report, refused=f"caches take {report.caches_bytes / GB:.1f} GB, {free / GB:.1f} GB are free: take fewer"
        )
    try:
        return _time(Workload(chat, turns, options.context, report.batch), options, report, stopwatch)
    except torch.OutOfMemoryError:
        return replace(report, refused="a step needs more memory than the caches leave free: take fewer")


def _time(work: Workload, options: ShapeOptions, report: BatchReport, stopwatch: Stopwatch) -> BatchReport:
    for _ in range(WARM_UP):
        work.step()
    times = [stopwatch(work.step) for _ in range(options.steps)]
    work.step(speaks=False)
    silent = [stopwatch(lambda: work.step(speaks=False)) for _ in range(options.steps)]
    work.prefill()
    prefills = [stopwatch(work.prefill) for _ in range(PREFILLS)]
    on_gpu = options.device.type == "cuda"
    return replace(
        report,
        p50_ms=percentile(times, 50),
        p99_ms=percentile(times, 99),
        llm_p50_ms=percentile(silent, 50),
        prefill_p50_ms=percentile(prefills, 50),
        peak_bytes=torch.cuda.max_memory_allocated(options.device) if on_gpu else None,
        recorded=work.recorded,
    )


def find_shape(name: str) -> FunAudioChatConfig:
    """Find a shape by its name.

    Raises:
        ConfigError: there is no such shape.
    """
    if name not in SHAPES:
        raise ConfigError(f"--shape {name}: there is no such shape; choose one of {', '.join(SHAPES)}")
    return SHAPES[name]


def fit_in_slot(reports: Sequence[BatchReport]) -> Fit | None:
    """Number of conversations whose p99 stays within a slot, interpolated linearly between the two batches around
    it."""
    times = sorted((report.batch, report.p99_ms) for report in reports if report.refused is None)
    if not times:
        return None
    before: tuple[int, float] = (0, 0.0)
    for batch, p99 in times:
        if p99 > SLOT_MS:
            share = (SLOT_MS - before[1]) / (p99 - before[1])
            return Fit(int(before[0] + share * (batch - before[0])) if before[0] else 0)
        before = (batch, p99)
    return Fit(before[0], at_least=True)
