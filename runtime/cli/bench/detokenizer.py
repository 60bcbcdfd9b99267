"""`duplex bench detokenizer`: measures compute per second of sound of the CosyVoice3 detokenizer and the authors'
streaming.

Both have the same random weights; the figures are this process's processor time, on one machine, in one run.
"""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import torch
import typer
from rich.table import Table

from configs.model.cosyvoice import COSYVOICE3, COSYVOICE3_REDUCED, COSYVOICE3_TINY
from runtime.cli.bench.command import MOST_THREADS
from runtime.cli.bench.measure_detokenizer import SCHEDULES, DetokenizerReport, Size, Subject, measure
from runtime.cli.common import JsonFile, err, out, progress, write_json
from runtime.cli.values import NumberList, number, numbers

LONGEST_S: Final = 3600
LONGEST_HOP: Final = 1000
LENGTHS, HOPS = NumberList((5, 20)), NumberList((5, 15, 25))
SIZES: Final = {Size.FULL: COSYVOICE3, Size.REDUCED: COSYVOICE3_REDUCED, Size.TINY: COSYVOICE3_TINY}


def command(
    seconds: Annotated[
        NumberList, numbers(0.04, LONGEST_S, "Lengths of the utterances, separated by commas.", unit="s")
    ] = LENGTHS,
    size: Annotated[
        Size, typer.Option(help="Full is the released size, which takes minutes on a small machine.")
    ] = Size.REDUCED,
    hop: Annotated[NumberList, numbers(1, LONGEST_HOP, "Tokens per step, separated by commas.", whole=True)] = HOPS,
    reference: Annotated[Path | None, typer.Option(help="Checkout of FunAudioLLM/CosyVoice to compare with.")] = None,
    threads: Annotated[int, number(1, MOST_THREADS, "Threads of the model.", whole=True)] = 1,
    json_file: JsonFile = None,
) -> None:
    """Compute per second of sound of the CosyVoice3 detokenizer, and of the authors' streaming."""
    lengths, hops = list(seconds.values), [int(value) for value in hop.values]
    torch.set_num_threads(threads)
    subject = Subject(SIZES[size], reference, time.process_time)
    with progress() as bar:
        task = bar.add_task("streams", total=len(lengths) * (len({*hops, 15, 25}) + len(SCHEDULES)))
        report = measure(subject, size, lengths, hops, lambda: bar.advance(task))
    show(report)
    if reference is None:
        err().print("no --reference: the authors' streaming was not measured")
    if json_file:
        write_json(json_file, asdict(report))


def show(report: DetokenizerReport) -> None:
    """Print a report."""
    console = out()
    console.print(f"CosyVoice3 detokenizer, {report.note}")
    console.print(
        f"{report.threads} thread(s), torch {report.torch}; look-ahead {report.delay_ms:.1f} ms; "
        f"{report.cached_megabytes:.0f} MB a conversation (float32)"
    )
    table = Table("seconds", "tokens a step", "compute s / s", "authors' streaming", "s / s", "ratio", box=None)
    for length in report.lengths:
        by_hop = {cost.hop: cost for cost in length.references}
        for hop, cost in length.hops.items():
            other = by_hop.get(hop)
            beside = (
                (other.schedule, f"{other.compute_per_second:.3f}", f"{other.ratio:.1f}") if other else ("", "", "")
            )
            table.add_row(f"{length.seconds:g}", str(hop), f"{cost:.3f}", *beside)
    console.print(table)
    table = Table("look-ahead tokens", "delay ms", "difference of mel frames dB", box=None)
    for row in report.lookahead:
        table.add_row(
            str(row.tokens), f"{row.delay_ms:.1f}", "-" if row.difference_db is None else f"{row.difference_db}"
        )
    console.print(table)
    if report.agreement is not None:
        console.print(f"whole utterance: largest difference to the reference {report.agreement:.1e}")
