"""The vocoder's excitation: F0 from mel frames, sines and noise from F0 (neural source-filter, Wang et al. 2019), and
its spectra.

The reference's quirks are kept: the phase is constant within a frame, noise is not centred, F0 is computed in float64.
Nothing here depends on the network that is driven.
"""

from dataclasses import dataclass
from math import pi

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from configs.model.cosyvoice import VocoderConfig
from duplex.model.stages.cosyvoice.convolution import CausalConv, RightConv, StreamCache
from duplex.model.stages.cosyvoice.randomness import SourceNoise

REBASE_SECONDS = 30
"""Interval after which whole turns of the accumulated phase are dropped. Fun-Audio-Chat's segments have the same
length."""


class F0Predictor(nn.Module):
    """Predicts F0 in Hz [B, T] from mel [B, mel, T + right], in float64."""

    def __init__(self, config: VocoderConfig) -> None:
        super().__init__()
        width = config.f0_channels
        self.inward = RightConv(config.mel, width, config.f0_right)
        self.layers = nn.ModuleList(CausalConv(width, width, 3) for _ in range(config.f0_layers - 1))
        self.outward = nn.Linear(width, 1)
        self.double()

    def step(self, mel: Tensor, memory: StreamCache) -> Tensor:
        """F0 of the next T frames; `mel` begins with the first of them and ends `right` frames after the last."""
        x = F.elu(self.inward(mel.double()))
        for layer in self.layers:
            assert isinstance(layer, CausalConv)
            x = F.elu(layer.step(x, memory))
        return self.outward(x.transpose(1, 2)).squeeze(-1).abs().to(mel.dtype)


@dataclass
class SourceState:
    """State of B sources: `frames` made so far by each, `turns` [B, tones] since the beginning, and how many whole
    turns were `dropped` [B, tones] before the phase is rounded (both float64)."""

    frames: list[int]
    turns: Tensor
    dropped: Tensor


class HarmonicSource(nn.Module):
    """Maps F0 [B, T] in Hz to excitation [B, T * frame_samples]: sines at F0 and its overtones, plus noise (Wang et al.
    2019, as in CosyVoice's code)."""

    orders: Tensor

    def __init__(self, config: VocoderConfig, noise: SourceNoise) -> None:
        super().__init__()
        self.config = config
        self.noise = noise
        self.merge = nn.Linear(config.tones, 1)
        orders = torch.arange(1, config.tones + 1, dtype=torch.float32, device="cpu")
        self.register_buffer("orders", orders, persistent=False)

    def init_state(self, batch: int) -> SourceState:
        """State before the first frame."""
        nothing = self.orders.new_zeros(batch, self.config.tones, dtype=torch.float64)
        return SourceState([0] * batch, nothing, nothing)

    def step(self, f0: Tensor, state: SourceState) -> Tensor:
        """Excitation of the next frames."""
        config, frames = self.config, f0.shape[1]
        tones = f0.float()[..., None] * self.orders
        voiced = (f0.float() > config.voiced_hz).float()[..., None]
        phase = self._phases(tones / config.sample_rate % 1, state)
        sines = torch.sin(phase) * config.sine_amplitude * voiced
        level = voiced * config.noise_deviation + (1 - voiced) * config.sine_amplitude / 3
        noise = torch.stack([self.noise.read(first, frames) for first in state.frames]).to(f0.device)
        state.frames = [first + frames for first in state.frames]
        waves = sines[:, :, None] + level[:, :, None] * noise
        return torch.tanh(self.merge(waves.to(self.merge.weight.dtype))).flatten(1)

    def _phases(self, steps: Tensor, state: SourceState) -> Tensor:
        """Phases [B, T, tones] from turns per sample: summed in float64, then rounded, as torch's float32 sum does.

        Whole turns are dropped at the same frames of every utterance, whatever the calls, so that float32 keeps the
        phase.
        """
        config = self.config
        period = REBASE_SECONDS * config.sample_rate // config.frame_samples
        total = state.turns[:, None] + steps.double().cumsum(1)
        first = torch.tensor(state.frames, device=steps.device)[:, None]
        places = torch.arange(steps.shape[1], device=steps.device)
        before = (first + places) // period * period - first - 1
        known = total.gather(1, before.clamp(min=0)[..., None].expand_as(total)).floor()
        dropped = torch.where((before < 0)[..., None], state.dropped[:, None], known)
        state.turns, state.dropped = total[:, -1], dropped[:, -1]
        return (total - dropped).float() * 2 * pi * config.frame_samples


class Spectra(nn.Module):
    """Short-time Fourier transform and its inverse (Griffin and Lim 1984); columns are `hop` samples apart and
    centred."""

    window: Tensor

    def __init__(self, config: VocoderConfig) -> None:
        super().__init__()
        self.fft, self.hop, self.limit = config.fft, config.hop, config.limit
        window = torch.hann_window(config.fft, dtype=torch.float64, device="cpu").float()
        self.register_buffer("window", window, persistent=False)

    def analyse(self, samples: Tensor) -> Tensor:
        """Transform [B, fft + (T - 1) * hop] samples to real and imaginary parts [B, fft + 2, T]."""
        frames = samples.float().unfold(1, self.fft, self.hop) * self.window
        spectrum = torch.fft.rfft(frames)
        return torch.cat([spectrum.real, spectrum.imag], -1).transpose(1, 2)

    def synthesise(self, magnitude: Tensor, phase: Tensor, memory: StreamCache, final: bool) -> Tensor:
        """Convert columns [B, fft / 2 + 1, T] to the samples that no later column changes (all samples if `final`)."""
        spectrum = torch.complex(magnitude * torch.cos(phase), magnitude * torch.sin(phase))
        frames = torch.fft.irfft(spectrum.transpose(1, 2)) * self.window
        power = self.window.square().expand_as(frames)
        sound, weight = self._overlap(frames, memory, final), self._overlap(power, memory, final)
        return (sound / weight).clamp(-self.limit, self.limit)

    def _overlap(self, frames: Tensor, memory: StreamCache, final: bool) -> Tensor:
        """Sum of overlapping frames [B, T, fft], joined to the remainder of the previous call.

        The window's first value is zero, so a column does not change its first sample.
        """
        length = self.fft + (frames.shape[1] - 1) * self.hop
        summed = F.fold(frames.transpose(1, 2), (1, length), (1, self.fft), stride=(1, self.hop)).flatten(1)
        half, rest = self.fft // 2, self.fft - self.hop - 1
        if memory.fresh:
            summed = summed[:, half:]
        else:
            left = memory.take()
            summed = summed[:, 1:] + F.pad(left, (0, length - 1 - left.shape[1]))
        memory.keep(summed[:, -rest:])
        return summed[:, : -half if final else -rest]
