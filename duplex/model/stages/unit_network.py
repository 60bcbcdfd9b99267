"""Unit HiFi-GAN: converts speech units to samples, with the same sound for whole utterances and streams.

The network has its published weight names. Sources: Kong et al. 2020, HiFi-GAN, sec. 2.2; Polyak et al. 2021, speech
resynthesis from discrete units. Nothing here depends on files, slots or speakers.

The convolutions see both sides. In a stream each one keeps its past and gives the output for the position half its
kernel ago, so nothing is computed twice and the sound lags the units by `delay` samples. Positions before the utterance
or after its end are zeros at the input of every layer, like the padding of a whole utterance.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from configs.model.speech_tokens import DurationConfig, UnitVocoderConfig

_SLOPE: Final = 0.1
_LAST_SLOPE: Final = 0.01
_END_KERNEL: Final = 7
_ENDLESS: Final = 2**40


@dataclass(frozen=True)
class FeatureStream:
    """A signal between two layers for R rows: `x` [R, C, T] lags the newest input by `delay` positions.

    `rate`: positions per unit.
    """

    x: Tensor
    rate: int
    delay: int


class Passage:
    """One step of R rows through the network: what each layer kept from the previous step, and keeps for the next
    (`kept`).

    `before` [R]: units of the utterance before this step; `length` [R]: where it ends. Without memory, all rows begin
    here.
    """

    def __init__(self, kept: list[Tensor] | None, before: Tensor, length: Tensor) -> None:
        self._old: Iterator[Tensor] | None = None if kept is None else iter(kept)
        self._before = before
        self._length = length
        self.kept: list[Tensor] = []

    def behind(self, x: Tensor, size: int) -> Tensor:
        """Prepend the last `size` positions of the previous step: x [R, C, T] -> [R, C, size + T]."""
        past = x.new_zeros(*x.shape[:2], size) if self._old is None else next(self._old)
        full = torch.cat([past, x], 2)
        self.kept.append(full[..., full.shape[2] - size :])
        return full

    def overlap(self, x: Tensor, size: int) -> Tensor:
        """Overlap-add: x [R, C, T + size] -> [R, C, T], adding the previous step's remainder and keeping the last
        `size`."""
        if self._old is not None and size:
            left = next(self._old)
            x = torch.cat([x[..., :size] + left, x[..., size:]], 2)
        if size:
            self.kept.append(x[..., x.shape[2] - size :])
        return x[..., : x.shape[2] - size]

    def later(self, signal: FeatureStream, delay: int) -> FeatureStream:
        """The same signal, delayed to `delay`."""
        size = delay - signal.delay
        x = self.behind(signal.x, size)[..., : signal.x.shape[2]] if size else signal.x
        return replace(signal, x=x, delay=delay)

    def within(self, signal: FeatureStream) -> FeatureStream:
        """Set the signal to zero where the utterance has not begun or has ended."""
        position = torch.arange(signal.x.shape[2], device=signal.x.device) - signal.delay
        place = self._before[:, None] * signal.rate + position
        inside = (place >= 0) & (place < self._length[:, None] * signal.rate)
        return replace(signal, x=signal.x * inside[:, None])


class Convolution(nn.Conv1d):
    """Convolution whose output is as long as its input; `kernel` is odd."""

    def __init__(self, inward: int, outward: int, kernel: int, dilation: int = 1) -> None:
        super().__init__(inward, outward, kernel, dilation=dilation, padding=(kernel - 1) * dilation // 2)
        self.reach = (kernel - 1) * dilation // 2

    def step(self, signal: FeatureStream, passage: Passage) -> FeatureStream:
        """The stream's part of `forward`."""
        full = passage.behind(passage.within(signal).x, 2 * self.reach)
        x = F.conv1d(full, self.weight, self.bias, dilation=self.dilation)
        return replace(signal, x=x, delay=signal.delay + self.reach)


class Upsampling(nn.ConvTranspose1d):
    """Transposed convolution that makes `rate` positions from each (HiFi-GAN, sec. 2.2)."""

    def __init__(self, inward: int, outward: int, kernel: int, rate: int) -> None:
        super().__init__(inward, outward, kernel, rate, padding=(kernel - rate) // 2)
        self.rate, self.reach, self.tail = rate, (kernel - rate) // 2, kernel - rate

    def step(self, signal: FeatureStream, passage: Passage) -> FeatureStream:
        """The stream's part of `forward`."""
        spread = F.conv_transpose1d(passage.within(signal).x, self.weight, stride=self.rate)
        assert self.bias is not None
        x = passage.overlap(spread, self.tail) + self.bias[:, None]
        return FeatureStream(x, signal.rate * self.rate, signal.delay * self.rate + self.reach)


class ResidualBlock(nn.Module):
    """Pairs of convolutions, the first of each dilated, each pair added to its input (HiFi-GAN, sec. 2.2)."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(Convolution(channels, channels, kernel, dilation) for dilation in dilations)
        self.convs2 = nn.ModuleList(Convolution(channels, channels, kernel) for _ in dilations)

    def pairs(self) -> Iterator[tuple[Convolution, Convolution]]:
        """The pairs in order."""
        for first, second in zip(self.convs1, self.convs2, strict=True):
            assert isinstance(first, Convolution)
            assert isinstance(second, Convolution)
            yield first, second

    @property
    def reach(self) -> int:
        """Number of future positions that it sees."""
        return sum(first.reach + second.reach for first, second in self.pairs())

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, T] -> [B, C, T]."""
        for first, second in self.pairs():
            x = x + second(F.leaky_relu(first(F.leaky_relu(x, _SLOPE)), _SLOPE))
        return x

    def step(self, signal: FeatureStream, passage: Passage) -> FeatureStream:
        """The stream's part of `forward`."""
        for first, second in self.pairs():
            inner = first.step(_bend(signal, _SLOPE), passage)
            inner = second.step(_bend(inner, _SLOPE), passage)
            signal = passage.later(signal, inner.delay)
            signal = replace(signal, x=signal.x + inner.x)
        return signal


class DurationPredictor(nn.Module):
    """Predicts how many frames each unit lasts (the duration predictor of FastSpeech 2, Ren et al. 2021)."""

    def __init__(self, config: DurationConfig, embedding: int) -> None:
        super().__init__()
        pad = config.kernel // 2
        self.conv1 = nn.Sequential(nn.Conv1d(embedding, config.hidden, config.kernel, padding=pad), nn.ReLU())
        self.ln1 = nn.LayerNorm(config.hidden)
        self.conv2 = nn.Sequential(nn.Conv1d(config.hidden, config.hidden, config.kernel, padding=pad), nn.ReLU())
        self.ln2 = nn.LayerNorm(config.hidden)
        self.proj = nn.Linear(config.hidden, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Embedded units [B, T, E] -> frames [B, T] (int64, at least 1)."""
        x = self.ln1(self.conv1(x.mT).mT)
        x = self.ln2(self.conv2(x.mT).mT)
        log = self.proj(x)[..., 0]
        return torch.round(log.exp() - 1).long().clamp(min=1)


class UnitNetwork(nn.Module):
    """The generator (HiFi-GAN, sec. 2.2; Polyak et al. 2021), with published weight names and weight norm folded in."""

    def __init__(self, config: UnitVocoderConfig) -> None:
        super().__init__()
        self.config = config
        self.dict = nn.Embedding(config.units, config.embedding)
        if config.speakers:
            self.spkr = nn.Embedding(config.speakers, config.embedding)
        if config.duration is not None:
            self.dur_predictor = DurationPredictor(config.duration, config.embedding)
        widths = [config.channels // 2**stage for stage in range(len(config.rates) + 1)]
        self.conv_pre = Convolution(config.width, widths[0], _END_KERNEL)
        self.ups = nn.ModuleList(
            Upsampling(inward, outward, kernel, rate)
            for inward, outward, kernel, rate in zip(widths[:-1], widths[1:], config.kernels, config.rates, strict=True)
        )
        self.resblocks = nn.ModuleList(
            ResidualBlock(width, kernel, dilations)
            for width in widths[1:]
            for kernel, dilations in zip(config.block_kernels, config.block_dilations, strict=True)
        )
        self.conv_post = Convolution(widths[-1], 1, _END_KERNEL)

    @property
    def delay(self) -> int:
        """Samples by which the stream lags its units: all of the future that the network sees."""
        delay = self.conv_pre.reach
        for up, blocks in self.stages():
            delay = delay * up.rate + up.reach + max(block.reach for block in blocks)
        return delay + self.conv_post.reach

    def stages(self) -> Iterator[tuple[Upsampling, list[ResidualBlock]]]:
        """Each transposed convolution with the residual blocks after it."""
        count = len(self.config.block_kernels)
        for index, up in enumerate(self.ups):
            assert isinstance(up, Upsampling)
            blocks = list(self.resblocks)[index * count : (index + 1) * count]
            yield up, [block for block in blocks if isinstance(block, ResidualBlock)]

    def embed(self, units: Tensor, speaker: int) -> Tensor:
        """units [B, T] -> [B, width, T]."""
        x = self.dict(units)
        if self.config.speakers:
            voice = self.spkr.weight[speaker].expand_as(x)
            x = torch.cat([x, voice], 2)
        return x.mT

    def forward(self, x: Tensor) -> Tensor:
        """Synthesise a whole utterance: embedded units [B, width, T] -> samples [B, T * hop]."""
        x = self.conv_pre(x)
        for up, blocks in self.stages():
            x = up(F.leaky_relu(x, _SLOPE))
            x = torch.stack([block(x) for block in blocks]).mean(0)
        return torch.tanh(self.conv_post(F.leaky_relu(x, _LAST_SLOPE)))[:, 0]

    def step(self, x: Tensor, passage: Passage) -> Tensor:
        """Take the next units [R, width, T] of a stream; returns samples [R, T * hop], `delay` late, with zeros before
        the start."""
        signal = self.conv_pre.step(FeatureStream(x, 1, 0), passage)
        for up, blocks in self.stages():
            signal = up.step(_bend(signal, _SLOPE), passage)
            signal = _mean([block.step(signal, passage) for block in blocks], passage)
        signal = self.conv_post.step(_bend(signal, _LAST_SLOPE), passage)
        return torch.tanh(passage.within(signal).x)[:, 0]


def endless(rows: int, device: torch.device) -> Tensor:
    """`length` of utterances whose end is not known yet."""
    return torch.full((rows,), _ENDLESS, device=device)


def _bend(signal: FeatureStream, slope: float) -> FeatureStream:
    return replace(signal, x=F.leaky_relu(signal.x, slope))


def _mean(signals: list[FeatureStream], passage: Passage) -> FeatureStream:
    delay = max(signal.delay for signal in signals)
    aligned = [passage.later(signal, delay) for signal in signals]
    return replace(aligned[0], x=torch.stack([signal.x for signal in aligned]).mean(0))
