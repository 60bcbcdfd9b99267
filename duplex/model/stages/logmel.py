"""Whisper's log-mel spectra (Radford et al. 2022, sec. 2.2), for streams and for whole clips.

This module has the short-time Fourier transform and the mel filters; it does not depend on blocks, caches or weights.
"""

import torch
from torch import Tensor, nn

from configs.audio import AUDIO
from configs.model.ears import MelConfig


class LogMel(nn.Module):
    """Converts samples to log-mel frames (Radford et al. 2022, sec. 2.2; scaled as (log10(power) + 4) / 4 as in its
    code).

    It adds no padding: frame m covers samples [m * hop, m * hop + window)."""

    window: Tensor
    filters: Tensor

    def __init__(self, config: MelConfig, rate: int = AUDIO.input_rate) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("window", torch.hann_window(config.window), persistent=False)
        self.register_buffer("filters", mel_filters(config, rate), persistent=False)

    def streaming(self, pcm: Tensor) -> Tensor:
        """pcm [B, N] -> [B, bands, 1 + (N - window) // hop]; a frame depends only on the samples that it covers, and
        no row on those beside it by a bit."""
        powers = torch.cat([self._log_power(row) for row in pcm.split(1)])
        return (powers.clamp(min=self.config.floor_log10) + 4.0) / 4.0

    def clip(self, pcm: Tensor) -> Tensor:
        """pcm [B, N] -> [B, bands, N // hop] as Whisper was trained, with a floor relative to the clip's maximum."""
        half = self.config.window // 2
        padded = torch.nn.functional.pad(pcm[:, None], (half, half), mode="reflect")[:, 0]
        log = self._log_power(padded)[..., :-1]
        top = log.amax(dim=(1, 2), keepdim=True)
        return (torch.maximum(log, top - self.config.dynamic_range) + 4.0) / 4.0

    def _log_power(self, pcm: Tensor) -> Tensor:
        frames = pcm.float().unfold(-1, self.config.window, self.config.hop) * self.window
        power = torch.fft.rfft(frames).abs().square()
        return (power @ self.filters).clamp(min=self.config.smallest_power).log10().transpose(1, 2)


def mel_filters(config: MelConfig, rate: int) -> Tensor:
    """Slaney's mel filters with unit area, [window / 2 + 1, bands] (Auditory Toolbox, 1998)."""
    bins = torch.linspace(0, rate / 2, config.window // 2 + 1, dtype=torch.float64)
    top = _hertz_to_mel(torch.tensor(rate / 2, dtype=torch.float64))
    edges = _mel_to_hertz(torch.linspace(0, float(top), config.bands + 2, dtype=torch.float64))
    rise = (bins[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    triangles = torch.minimum(rise, fall).clamp(min=0)
    return (triangles * 2.0 / (edges[2:] - edges[:-2])).float()


_LINEAR_STEP_HZ = 200.0 / 3.0
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _LINEAR_STEP_HZ
_LOG_STEP = 27.0 / torch.log(torch.tensor(6.4, dtype=torch.float64))


def _hertz_to_mel(hertz: Tensor) -> Tensor:
    logarithmic = _BREAK_MEL + torch.log(hertz.clamp(min=_BREAK_HZ) / _BREAK_HZ) * _LOG_STEP
    return torch.where(hertz < _BREAK_HZ, hertz / _LINEAR_STEP_HZ, logarithmic)


def _mel_to_hertz(mel: Tensor) -> Tensor:
    logarithmic = _BREAK_HZ * torch.exp((mel - _BREAK_MEL).clamp(min=0) / _LOG_STEP)
    return torch.where(mel < _BREAK_MEL, mel * _LINEAR_STEP_HZ, logarithmic)
