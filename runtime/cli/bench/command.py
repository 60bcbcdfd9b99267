"""`duplex bench step`: measures how long a step takes on this machine."""

import time
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.table import Table

from configs.audio import AUDIO
from duplex.model.interface import Samples
from duplex.model.language_models.description import describe_llm
from runtime.audio_file import load_audio
from runtime.cli.bench.measure_step import StepReport, bench_step
from runtime.cli.common import JsonFile, PatternOptions, out, progress, show_notes, write_json
from runtime.cli.option_groups import with_option_groups
from runtime.cli.paths import file
from runtime.cli.values import NumberList, device_name, make_parser, number, numbers
from runtime.clock import SystemClock

QUESTIONS = Path(str(resources.files("runtime"))) / "data" / "questions.flac"
"""Three questions in synthetic voices, each followed by a pause for the answer, 20 s in all."""
PAUSE_S = 4.0
MOST_STEPS, MOST_SESSIONS, MOST_THREADS, MOST_PLACES = 1_000_000, 4096, 256, 1_000_000
"""Larger numbers are refused as typing errors; the bound is far above what any machine runs."""
SHAPE = "With --shape"
BATCHES = NumberList((1, 8, 32, 128))
BUCKET_MS = 10.0
BAR_WIDTH = 50


@with_option_groups
def step(
    chosen: PatternOptions,
    slots: Annotated[int, number(1, MOST_STEPS, "Steps that are timed.", whole=True)] = 300,
    sessions: Annotated[int, number(1, MOST_SESSIONS, "Conversations in every step.", whole=True)] = 1,
    warmup: Annotated[int, number(0, MOST_STEPS, "Steps before, not timed.", whole=True)] = 10,
    audio: Annotated[list[Path] | None, file(help="What the users say; default: three questions.")] = None,
    live: Annotated[bool, typer.Option("--live", help="A step every 200 ms as in a conversation.")] = False,
    threads: Annotated[int, number(1, MOST_THREADS, "Threads of the model.", whole=True)] = 1,
    json_file: JsonFile = None,
    shape: Annotated[
        str | None,
        typer.Option(
            help="Time a shape without its checkpoint: funaudiochat-8b, -30b-a3b, -reduced, -tiny.",
            rich_help_panel=SHAPE,
        ),
    ] = None,
    weights: Annotated[str, typer.Option(help="Only 'random'.", rich_help_panel=SHAPE)] = "random",
    batch: Annotated[
        NumberList,
        numbers(1, MOST_SESSIONS, "Numbers of sessions, separated by commas.", whole=True, rich_help_panel=SHAPE),
    ] = BATCHES,
    device: Annotated[
        str, typer.Option(parser=make_parser(device_name), help="auto, cpu, cuda, cuda:1.", rich_help_panel=SHAPE)
    ] = "auto",
    dtype: Annotated[
        str | None, typer.Option(help="bf16 or fp32; default: bf16 on a GPU.", rich_help_panel=SHAPE)
    ] = None,
    context: Annotated[
        int, number(1, MOST_PLACES, "Elements that a session has; five per second.", whole=True, rich_help_panel=SHAPE)
    ] = 512,
    graphs: Annotated[bool, typer.Option(help="Record CUDA graphs.", rich_help_panel=SHAPE)] = True,
    steps: Annotated[int, number(1, MOST_STEPS, "Steps that are timed.", whole=True, rich_help_panel=SHAPE)] = 100,
) -> None:
    """Time the steps of a model, or of a shape with random weights.

    Without --shape, whole steps and their stages are timed.
    """
    if shape is not None:
        import torch

        from runtime.cli.bench import shape_command as bench_shape

        torch.set_num_threads(threads)
        bench_shape.run(shape, weights, batch.values, device, dtype, context, steps, graphs, json_file)
        return
    sound = _sound(audio)
    generator = chosen.load(sessions, threads)
    clock = SystemClock()
    try:
        with progress() as bar:
            task = bar.add_task("steps", total=slots + warmup)
            report = bench_step(
                generator, sound, clock, model=chosen.model, slots=slots, sessions=sessions, warmup=warmup,
                pattern=chosen.pattern,
                wait_until=(lambda moment: time.sleep(max(0.0, moment - clock.now()))) if live else None,
                on_slot=lambda: bar.advance(task),
            )  # fmt: skip
    finally:
        generator.close()
    show(report)
    if json_file:
        write_json(json_file, {**asdict(report), **describe_llm(generator)})


def show(report: StepReport) -> None:
    """Print a report with its histogram."""
    console = out()
    console.print(
        f"{report.model}: {report.slots} slots of {AUDIO.slot_ms} ms, {report.sessions} session(s), "
        f"assistant speaking in {100 * report.speaking:.0f} %"
    )
    figures = ("p50", "p90", "p99", "max", "mean")
    console.print("  ".join(f"{name} {getattr(report, name + '_ms'):.1f} ms" for name in figures))
    table = Table("stage", "p50 ms", "p99 ms", box=None)
    for name, stage in report.stages.items():
        table.add_row(name, f"{stage.p50_ms:.1f}", f"{stage.p99_ms:.1f}")
    console.print(table)
    for line in histogram(report.times_ms):
        console.print(line)


def histogram(times_ms: tuple[float, ...]) -> list[str]:
    """One line per bucket of 10 ms: its start, a bar, the count."""
    buckets = np.floor(np.asarray(times_ms) / BUCKET_MS).astype(int)
    counts = np.bincount(buckets)
    scale = BAR_WIDTH / counts.max()
    first = int(buckets.min())
    return [
        f"{bucket * BUCKET_MS:5.0f} ms {'█' * max(round(count * scale), int(count > 0)):<{BAR_WIDTH}} {count}"
        for bucket, count in enumerate(counts)
        if bucket >= first
    ]


def _sound(paths: list[Path] | None) -> Samples:
    """The given files with a pause after each, or the shipped questions with their pauses."""
    if not paths:
        return load_audio(QUESTIONS).samples
    pause = np.zeros(round(PAUSE_S * AUDIO.input_rate), dtype=np.float32)
    parts = []
    for path in paths:
        loaded = load_audio(path)
        show_notes(loaded.notes, path)
        parts += [loaded.samples, pause]
    return np.concatenate(parts)
