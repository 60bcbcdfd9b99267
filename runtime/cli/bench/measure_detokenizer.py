"""Compute of the CosyVoice3 detokenizer and of the authors' streaming, in reports; knows nothing of the command line.

Random weights, the same for both.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from math import log10
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from configs.model.cosyvoice import CosyVoiceConfig, StreamConfig
from duplex.model.stages.cosyvoice import CosyVoice, CosyVoiceInput
from duplex.model.stages.cosyvoice.random_weights import random_flow, random_vocoder
from runtime.cli.bench.reference_detokenizer import ReferenceDetokenizer

TOKENS_PER_SECOND: Final = 25
COMPARED_TOKENS: Final = 50
"""Length of the utterance on which both must agree."""
LOOKAHEAD_TOKENS: Final = 125


@dataclass(frozen=True)
class ReferenceStep:
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


def funaudiochat_steps(
    tokens: int, hop: int = 15, ahead: int = 3, window: int = 200, memory: int = 500
) -> list[ReferenceStep]:
    """Steps of Fun-Audio-Chat's server: a full window of tokens is forgotten, and the vocoder's cache after `memory`
    tokens."""
    steps, begin, offset, fresh = [], 0, 0, True
    while begin + offset + hop + ahead < tokens:
        steps.append(ReferenceStep(begin, begin + offset + hop + ahead, offset, fresh))
        offset, fresh = offset + hop, False
        if offset >= window:
            begin, offset = begin + window, offset - window
            fresh = begin // memory > (begin - window) // memory
    return [*steps, ReferenceStep(begin, tokens, offset, fresh, final=True)]


def cosyvoice_steps(tokens: int, hop: int = 25, ahead: int = 3, longest: int = 100) -> list[ReferenceStep]:
    """Steps of CosyVoice's own streaming: hops double up to `longest`; the last step is not streamed."""
    steps, offset = [], 0
    while tokens - offset >= hop + ahead:
        steps.append(ReferenceStep(0, offset + hop + ahead, offset, fresh=not offset, chunks=True))
        offset, hop = offset + hop, min(longest, 2 * hop)
    return [*steps, ReferenceStep(0, tokens, offset, fresh=not offset, final=True)]


SCHEDULES: Final[dict[str, tuple[int, Callable[[int], list[ReferenceStep]]]]] = {
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

    def reference_cost(self, count: int, steps: list[ReferenceStep]) -> float | None:
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
