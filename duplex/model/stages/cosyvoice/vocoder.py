"""Causal HiFT vocoder: converts mel frames to samples as they come; the past is kept and nothing is computed twice.

The network is that of HiFTNet (Li et al. 2023), which combines HiFi-GAN's upsampling (Kong et al. 2020), a harmonic
source and an inverse STFT. The samples do not depend on how the frames were cut into calls. A frame sounds when the
`look_right` frames after it are known (and three of its samples wait for the next). Nothing here depends on tokens or
conversations.
"""

from dataclasses import dataclass
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from configs.model.cosyvoice import VocoderConfig
from duplex.model.stages.cosyvoice.convolution import (
    CausalConv,
    Downsample,
    Past,
    RightConv,
    SnakeResidualBlock,
    StreamCache,
    upsample,
)
from duplex.model.stages.cosyvoice.randomness import SourceNoise
from duplex.model.stages.cosyvoice.source import F0Predictor, HarmonicSource, SourceState, Spectra

LOUDEST = 100.0
"""Largest magnitude of a column."""


@dataclass
class VocoderState:
    """State of B utterances in the same phase: all fresh or all not, with equally many frames waiting.

    `mel` [B, mel, n]: frames whose look-ahead is not complete. `samples` [B, n]: excitation that the next column still
    needs. `past`: past of every layer, None before the first sample.
    """

    mel: Tensor
    samples: Tensor
    source: SourceState
    past: Past | None = None

    @property
    def phase(self) -> tuple[bool, int]:
        """States with equal phases can be joined."""
        return self.past is None, self.mel.shape[-1]

    @classmethod
    def join(cls, states: list[Self]) -> Self:
        """Join states to one state of all rows, in order."""
        if len(states) == 1:
            return states[0]
        source = SourceState(
            [frames for state in states for frames in state.source.frames],
            torch.cat([state.source.turns for state in states]),
            torch.cat([state.source.dropped for state in states]),
        )
        pasts = [state.past for state in states if state.past is not None]
        return cls(
            torch.cat([state.mel for state in states]),
            torch.cat([state.samples for state in states]),
            source,
            [torch.cat(parts) for parts in zip(*pasts, strict=True)] if pasts else None,
        )

    def split(self) -> list[Self]:
        """Split into one state per row."""
        if len(self.mel) == 1:
            return [self]
        return [self._row(slice(row, row + 1)) for row in range(len(self.mel))]

    def _row(self, row: slice) -> Self:
        source = SourceState(self.source.frames[row], self.source.turns[row], self.source.dropped[row])
        past = None if self.past is None else [kept[row] for kept in self.past]
        return type(self)(self.mel[row], self.samples[row], source, past)


class Vocoder(nn.Module):
    """The network and its excitation (HiFTNet, Li et al. 2023). Module names are ours; `checkpoint` translates the
    release's."""

    def __init__(self, config: VocoderConfig, noise: SourceNoise) -> None:
        super().__init__()
        self.config = config
        self.f0 = F0Predictor(config)
        self.source = HarmonicSource(config, noise)
        self.spectra = Spectra(config)
        stages = range(len(config.rates))
        width = [config.channels, *map(config.stage_channels, stages)]
        self.inward = RightConv(config.mel, config.channels, config.look_right)
        self.ups = nn.ModuleList(CausalConv(width[i], width[i + 1], config.kernels[i]) for i in stages)
        self.source_downs = nn.ModuleList(
            Downsample(config.spectrum, width[i + 1], config.source_strides[i]) for i in stages
        )
        self.source_blocks = nn.ModuleList(
            SnakeResidualBlock(width[i + 1], config.source_kernels[i], config.source_dilations[i]) for i in stages
        )
        self.blocks = nn.ModuleList(
            nn.ModuleList(
                SnakeResidualBlock(width[i + 1], kernel, dilations)
                for kernel, dilations in zip(config.block_kernels, config.block_dilations, strict=True)
            )
            for i in stages
        )
        self.outward = CausalConv(width[-1], config.spectrum, config.out_kernel)

    def init_state(self, batch: int) -> VocoderState:
        """State before the first frame of `batch` utterances."""
        mel = self.inward.weight.new_zeros(batch, self.config.mel, 0)
        return VocoderState(mel, mel.new_zeros(batch, 0), self.source.init_state(batch))

    def step(self, mel: Tensor, state: VocoderState, final: bool) -> Tensor:
        """Take the next frames [B, mel, T]; returns the samples [B, n] that are now final. `final`: no more frames will
        come.

        All calls together give `frame_samples` samples per frame; before the final call `held_samples` are still
        missing.
        """
        config = self.config
        state.mel = torch.cat([state.mel, mel], -1)
        ready = state.mel.shape[-1] - (0 if final else config.look_right)
        if ready < 1:
            return mel.new_zeros(len(mel), 0)
        memory = StreamCache(state.past)
        spectra = self._excitation(state, memory, final)
        frames = F.pad(state.mel, (0, config.look_right if final else 0))
        sound = self._network(self.inward(frames), spectra, memory, final)
        state.past, state.mel = memory.after, state.mel[..., ready:]
        return sound

    def _excitation(self, state: VocoderState, memory: StreamCache, final: bool) -> Tensor:
        """Spectra [B, fft + 2, T] of the excitation that belong to the frames that become ready."""
        config, reach = self.config, self.config.fft // 2
        known = 0 if memory.fresh else config.look_right - config.f0_right
        f0 = self.f0.step(F.pad(state.mel[..., known:], (0, config.f0_right if final else 0)), memory)
        samples = torch.cat([state.samples, self.source.step(f0, state.source)], 1)
        if memory.fresh:
            samples = torch.cat([samples[:, 1 : reach + 1].flip(1), samples], 1)
        if final:
            samples = torch.cat([samples, samples[:, -reach - 1 : -1].flip(1)], 1)
        else:
            ahead = (config.look_right - config.f0_right) * config.frame_samples
            state.samples = samples[:, samples.shape[1] - ahead - reach + config.hop :]
            samples = samples[:, : samples.shape[1] - ahead + reach]
        return self.spectra.analyse(samples)

    def _network(self, x: Tensor, spectra: Tensor, memory: StreamCache, final: bool) -> Tensor:
        for stage, rate in enumerate(self.config.rates):
            up = self.ups[stage]
            assert isinstance(up, CausalConv)
            x = up.step(upsample(F.leaky_relu(x, self.config.slope), rate), memory)
            if memory.fresh and stage == len(self.config.rates) - 1:
                x = torch.cat([x[..., 1:2], x], -1)
            x = self._mix(x + self._drive(spectra, stage, memory), stage, memory)
        assert isinstance(self.outward, CausalConv)
        columns = self.outward.step(F.leaky_relu(x), memory).float()
        half = self.config.fft // 2 + 1
        magnitude = columns[:, :half].exp().clamp(max=LOUDEST)
        return self.spectra.synthesise(magnitude, torch.sin(columns[:, half:]), memory, final)

    def _drive(self, spectra: Tensor, stage: int, memory: StreamCache) -> Tensor:
        down, block = self.source_downs[stage], self.source_blocks[stage]
        assert isinstance(down, Downsample)
        assert isinstance(block, SnakeResidualBlock)
        return block.step(down.step(spectra.to(down.weight.dtype), memory), memory)

    def _mix(self, x: Tensor, stage: int, memory: StreamCache) -> Tensor:
        blocks = self.blocks[stage]
        assert isinstance(blocks, nn.ModuleList)
        parts = [block.step(x, memory) for block in blocks if isinstance(block, SnakeResidualBlock)]
        return torch.stack(parts).mean(0)
