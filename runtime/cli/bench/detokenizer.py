"""`duplex bench detokenizer`: measures compute per second of sound of the CosyVoice3 detokenizer and the authors'
streaming.

Both have the same random weights; the figures are this process's processor time, on one machine, in one run.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from math import log10
from pathlib import Path
from typing import Annotated, Final

import torch
import typer
from rich.table import Table
from torch import Tensor

from configs.model.cosyvoice import (
    COSYVOICE3,
    COSYVOICE3_REDUCED,
    COSYVOICE3_TINY,
    CosyVoiceConfig,
    StreamConfig,
)
from duplex.model.stages.cosyvoice import CosyVoice, CosyVoiceInput
from duplex.model.stages.cosyvoice.random_weights import random_flow, random_vocoder
from runtime.cli.bench.command import MOST_THREADS
from runtime.cli.bench.reference_detokenizer import ReferenceDetokenizer
from runtime.cli.common import JsonFile, err, out, progress, write_json
from runtime.cli.values import NumberList, number, numbers

TOKENS_PER_SECOND: Final = 25
COMPARED_TOKENS: Final = 50
"""Length of the utterance on which both must agree."""
LOOKAHEAD_TOKENS: Final = 125
LONGEST_S: Final = 3600
LONGEST_HOP: Final = 1000
LENGTHS, HOPS = NumberList((5, 20)), NumberList((5, 15, 25))


@dataclass(frozen=True)
class Step:
    """A step of the reference: it gets the tokens from `begin` to `end`, of which `offset` have sounded.

    `fresh`: a new cache begins. `chunks`: frames see their chunk and earlier ones, otherwise all others.
    """

    begin: int
    end: int
    offset: int
    fresh: bool = False
    final: bool = False
    chunks: bool = False


class Size(StrEnum):
    """Width and depth of the model."""

    FULL = "full"
    REDUCED = "reduced"
    TINY = "tiny"


SIZES: Final = {Size.FULL: COSYVOICE3, Size.REDUCED: COSYVOICE3_REDUCED, Size.TINY: COSYVOICE3_TINY}


@dataclass(frozen=True)
class ReferenceCost:
    """The authors' streaming with one `schedule`: seconds of compute per second of sound, and its ratio to ours."""

    schedule: str
    hop: int
    compute_per_second: float
    ratio: float


@dataclass(frozen=True)
class LengthReport:
    """Results for an utterance of `seconds`. `hops`: compute per second of sound by tokens per step;
    `compute_per_second`: that at the hop of the first reference schedule, with which `reference_compute_per_second` and
    `ratio` compare."""

    seconds: float
    tokens: int
    compute_per_second: float
    hops: dict[int, float]
    reference_compute_per_second: float | None
    ratio: float | None
    references: tuple[ReferenceCost, ...]


@dataclass(frozen=True)
class LookaheadReport:
    """The cost of a shorter look-ahead of the flow: `difference_db` between its mel frames and those of the longest."""

    tokens: int
    delay_ms: float
    difference_db: float | None


@dataclass(frozen=True)
class DetokenizerReport:
    """All figures. `agreement`: largest difference from the reference's samples over a whole utterance."""

    size: str
    note: str
    threads: int
    torch: str
    delay_ms: float
    window: dict[str, int | None]
    cached_megabytes: float
    lengths: tuple[LengthReport, ...]
    lookahead: tuple[LookaheadReport, ...]
    agreement: float | None


def funaudiochat_steps(tokens: int, hop: int = 15, ahead: int = 3, window: int = 200, memory: int = 500) -> list[Step]:
    """Steps of Fun-Audio-Chat's server: a full window of tokens is forgotten, and the vocoder's cache after `memory`
    tokens."""
    steps, begin, offset, fresh = [], 0, 0, True
    while begin + offset + hop + ahead < tokens:
        steps.append(Step(begin, begin + offset + hop + ahead, offset, fresh))
        offset, fresh = offset + hop, False
        if offset >= window:
            begin, offset = begin + window, offset - window
            fresh = begin // memory > (begin - window) // memory
    return [*steps, Step(begin, tokens, offset, fresh, final=True)]


def cosyvoice_steps(tokens: int, hop: int = 25, ahead: int = 3, longest: int = 100) -> list[Step]:
    """Steps of CosyVoice's own streaming: hops double up to `longest`; the last step is not streamed."""
    steps, offset = [], 0
    while tokens - offset >= hop + ahead:
        steps.append(Step(0, offset + hop + ahead, offset, fresh=not offset, chunks=True))
        offset, hop = offset + hop, min(longest, 2 * hop)
    return [*steps, Step(0, tokens, offset, fresh=not offset, final=True)]


SCHEDULES: Final[dict[str, tuple[int, Callable[[int], list[Step]]]]] = {
    "funaudiochat": (15, funaudiochat_steps),
    "cosyvoice": (25, cosyvoice_steps),
}
"""Name -> tokens of the first hop, steps for a number of tokens. The headline compares with the first schedule."""


class Subject:
    """Our stage and, if there is a checkout, the reference, with the same random weights."""

    def __init__(self, config: CosyVoiceConfig, checkout: Path | None, clock: Callable[[], float]) -> None:
        """Build both.

        Raises:
            ConfigError: `checkout` is not a checkout of CosyVoice.
        """
        self.config = config
        self._clock = clock
        self._stage = CosyVoice.random(config)
        self._embedding = next(iter(self._stage.speakers.values()))
        self._reference = ReferenceDetokenizer(checkout, config) if checkout else None
        if self._reference:
            self._reference.load(random_flow(config), random_vocoder(config))

    def tokens(self, count: int) -> Tensor:
        """[count] random tokens."""
        return torch.randint(0, self.config.flow.vocabulary, (count,), generator=torch.Generator().manual_seed(count))

    def cost(self, count: int, hop: int) -> float:
        """Seconds of compute of our stream over `count` tokens, including its end."""
        stage = self._streaming(StreamConfig(hop=hop, window=self.config.stream.window))
        state, one = stage.init_state(1), torch.tensor([True])
        whole = -(-count // hop) * hop
        begin = self._clock()
        for part in self.tokens(whole).split(hop):
            stage.step(CosyVoiceInput(part[None], one, ~one), state, one)
        stage.step(CosyVoiceInput(torch.zeros(1, hop, dtype=torch.long), ~one, one), state, one)
        return (self._clock() - begin) * count / whole

    def reference_cost(self, count: int, steps: list[Step]) -> float | None:
        """Seconds of compute of the reference's stream; None without a checkout."""
        if self._reference is None:
            return None
        tokens, embedding, stream = self.tokens(count)[None], self._embedding[None], ""
        begin = self._clock()
        for step in steps:
            if step.fresh:
                stream = self._reference.open()
            part = tokens[:, step.begin : step.end]
            self._reference.step(stream, part, embedding, step.offset, step.final, step.chunks)
        return self._clock() - begin

    @torch.inference_mode()
    def agreement(self) -> float | None:
        """Largest difference of samples from the reference over a whole utterance; None without a checkout."""
        if self._reference is None:
            return None
        tokens = self.tokens(COMPARED_TOKENS)
        expected = self._reference.sound(self._reference.mel(tokens[None], self._embedding[None], streaming=False))
        return float((self._stage.whole(tokens, self._stage.voice()) - expected[0]).abs().max())

    @torch.inference_mode()
    def lookahead(self) -> tuple[LookaheadReport, ...]:
        """Compare the mel frames of a stream at every look-ahead with those at the longest."""
        longest = self.config.flow.lookahead
        frames = {ahead: self._frames(ahead) for ahead in range(longest, -1, -1)}
        reports = []
        for ahead, mel in frames.items():
            error = float((mel - frames[longest]).square().mean() / frames[longest].square().mean())
            delay = self._streaming(StreamConfig(lookahead=ahead)).delay_ms
            reports.append(LookaheadReport(ahead, delay, round(10 * log10(error), 1) if error else None))
        return tuple(reports)

    def _streaming(self, stream: StreamConfig) -> CosyVoice:
        config = self.config.model_copy(update={"stream": stream})
        return CosyVoice(config, self._stage.flow, self._stage.vocoder, self._stage.speakers)

    def _frames(self, ahead: int) -> Tensor:
        window, hop = self.config.stream.window, self.config.stream.hop
        flow = self._stage.flow
        state, parts = flow.init_state(self._stage.voice()[None]), self.tokens(LOOKAHEAD_TOKENS)[None].split(hop, 1)
        return torch.cat([flow.step(part, state, window, part is parts[-1], ahead) for part in parts], 2)


def measure(
    subject: Subject, size: Size, seconds: list[float], hops: list[int], on_run: Callable[[], None]
) -> DetokenizerReport:
    """Measure all figures for utterances of `seconds`; `on_run` is called after every run."""
    stream = subject.config.stream
    subject.cost(TOKENS_PER_SECOND, hops[0])
    subject.reference_cost(TOKENS_PER_SECOND, funaudiochat_steps(TOKENS_PER_SECOND))
    return DetokenizerReport(
        size=size,
        note=_note(size, subject.config),
        threads=torch.get_num_threads(),
        torch=torch.__version__,
        delay_ms=1000 * subject.config.delay_samples / subject.config.vocoder.sample_rate,
        window=stream.window.model_dump(),
        cached_megabytes=round(subject.config.cached_values * 4 / 2**20, 1),
        lengths=tuple(_length(subject, length, hops, on_run) for length in seconds),
        lookahead=subject.lookahead(),
        agreement=subject.agreement(),
    )


def _length(subject: Subject, seconds: float, hops: list[int], on_run: Callable[[], None]) -> LengthReport:
    tokens = round(seconds * TOKENS_PER_SECOND)
    ours, references = {}, []
    for hop in sorted({*hops, *(first for first, _ in SCHEDULES.values())}):
        ours[hop] = subject.cost(tokens, hop) / seconds
        on_run()
    for name, (hop, steps) in SCHEDULES.items():
        cost = subject.reference_cost(tokens, steps(tokens))
        if cost is not None:
            references.append(ReferenceCost(name, hop, cost / seconds, cost / seconds / ours[hop]))
        on_run()
    headline = references[0] if references else None
    return LengthReport(
        seconds=seconds,
        tokens=tokens,
        compute_per_second=ours[next(iter(SCHEDULES.values()))[0]],
        hops=ours,
        reference_compute_per_second=headline.compute_per_second if headline else None,
        ratio=headline.ratio if headline else None,
        references=tuple(references),
    )


def _note(size: Size, config: CosyVoiceConfig) -> str:
    flow, channels = config.flow, config.vocoder.channels
    shape = f"flow {flow.depth} blocks of width {flow.width}, vocoder {channels} channels; random weights"
    return (
        shape if size is Size.FULL else f"{size} size of the same shape: {shape}; --size full measures the released one"
    )


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
