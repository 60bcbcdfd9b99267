"""Log-mel spectra as Whisper was trained on them, of whole recordings and of pieces cut from a stream.

Knows samples, windows and frames; knows nothing of chunks or networks. Frame m is centred on sample m * hop: the first
half window of a recording is mirrored, and silence follows its end.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from configs.model.ears import MelConfig
from duplex.model.stages.logmel import LogMel

_SCALE = 4.0
"""A spectrum is (log10 + 4) / 4: a range of log10 is a quarter as large in it."""

_BEYOND = 2
"""Windows behind the last frame that still touch the recording: they count for its loudest value."""


class Spectrum(nn.Module):
    """Samples at 16 kHz -> log-mel."""

    def __init__(self, config: MelConfig) -> None:
        """`config.floor_log10` must lie at the smallest power: the floor here depends on the loudest value."""
        super().__init__()
        self.config = config
        self._mel = LogMel(config)

    @property
    def half_window(self) -> int:
        """Samples of half a window (200)."""
        return self.config.window // 2

    @property
    def dynamic_range(self) -> float:
        """How far below the loudest value a spectrum is clipped (2, which is 80 dB)."""
        return self.config.dynamic_range / _SCALE

    def whole(self, pcm: Tensor) -> Tensor:
        """A recording [N] -> [bands, ceil(N / hop)], clipped below its loudest value, as the authors do."""
        frames = -(-len(pcm) // self.config.hop)
        mel = self.compute([self.begin(pcm, frames + _BEYOND)])[0]
        return torch.maximum(mel, mel.amax() - self.dynamic_range)[:, :frames]

    def compute(self, segments: list[Tensor]) -> Tensor:
        """Segments, each of the samples under its frames, -> [N, bands, frames]; silence fills the shorter ones."""
        return self._mel.streaming(nn.utils.rnn.pad_sequence(segments, batch_first=True).to(self._mel.window.device))

    def begin(self, pcm: Tensor, frames: int) -> Tensor:
        """Samples under the first `frames` frames of a recording."""
        mirrored = _fit(pcm, 1 + self.half_window)[1:].flip(0)
        return self.cut(torch.cat([mirrored, pcm]), frames)

    def cut(self, pcm: Tensor, frames: int) -> Tensor:
        """Samples under `frames` frames, the first of which begins with `pcm`."""
        return _fit(pcm, max(frames - 1, 0) * self.config.hop + self.config.window)


def _fit(pcm: Tensor, samples: int) -> Tensor:
    """The first `samples`, with silence behind them where there are fewer."""
    return F.pad(pcm[:samples], (0, max(samples - len(pcm), 0)))
