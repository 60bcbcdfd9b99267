"""Log-mel spectra as Whisper was trained on them (Radford et al. 2022, sec. 2.2), of recordings and of pieces of a
stream.

Frame m is centred on sample m * hop: the first half window of a recording is mirrored, and silence follows its end.
Nothing here depends on chunks or networks.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from configs.model.ears import MelConfig
from duplex.model.stages.logmel import LogMel

_SCALE = 4.0
"""Whisper scales a spectrum as (log10(power) + 4) / 4, so a range of log10 becomes a quarter as large."""

_BEYOND = 2
"""Windows after the last frame that still touch the recording and count for its loudest value."""


class Spectrum(nn.Module):
    """Converts samples at 16 kHz to log-mel spectra."""

    def __init__(self, config: MelConfig) -> None:
        """`config.floor_log10` must be that of the smallest power, because the floor here depends on the loudest
        value."""
        super().__init__()
        self.config = config
        self._mel = LogMel(config)

    @property
    def half_window(self) -> int:
        """Samples of half a window (200)."""
        return self.config.window // 2

    @property
    def dynamic_range(self) -> float:
        """How far below its loudest value a spectrum is clipped (2, which is 80 dB)."""
        return self.config.dynamic_range / _SCALE

    def whole(self, pcm: Tensor) -> Tensor:
        """Spectrum [bands, ceil(N / hop)] of a recording [N], clipped relative to its loudest value as in the authors'
        code."""
        frames = -(-len(pcm) // self.config.hop)
        mel = self.compute([self.begin(pcm, frames + _BEYOND)])[0]
        return torch.maximum(mel, mel.amax() - self.dynamic_range)[:, :frames]

    def compute(self, segments: list[Tensor]) -> Tensor:
        """Spectra [N, bands, frames] of segments that each have the samples under their frames; shorter ones are padded
        with silence."""
        return self._mel.streaming(nn.utils.rnn.pad_sequence(segments, batch_first=True).to(self._mel.window.device))

    def begin(self, pcm: Tensor, frames: int) -> Tensor:
        """Cut the samples under the first `frames` frames of a recording."""
        mirrored = _fit(pcm, 1 + self.half_window)[1:].flip(0)
        return self.cut(torch.cat([mirrored, pcm]), frames)

    def cut(self, pcm: Tensor, frames: int) -> Tensor:
        """Cut the samples under `frames` frames, the first of which begins with `pcm`."""
        return _fit(pcm, max(frames - 1, 0) * self.config.hop + self.config.window)


def _fit(pcm: Tensor, samples: int) -> Tensor:
    """The first `samples` samples, padded with silence if there are fewer."""
    return F.pad(pcm[:samples], (0, max(samples - len(pcm), 0)))
