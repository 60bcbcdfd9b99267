"""Redraws the reference's fixed random numbers instead of storing them: noise of the flow, noise of the source.

The reference seeds torch's CPU generator where it builds the flow, draws the flow's noise, initialises layers and then
draws the source's noise; the same draws in the same order give the same numbers. Uniform numbers are equal bit for bit
everywhere; normal ones can differ in their last bit between processors, as torch's logarithm and cosine do.
"""

from threading import Lock

import torch
from torch import Tensor

from configs.model.cosyvoice import FlowConfig, VocoderConfig


def flow_noise(config: FlowConfig) -> Tensor:
    """Noise [mel, noise_frames] from which the Euler solver starts."""
    generator = torch.Generator("cpu").manual_seed(config.noise_seed)
    return torch.randn(config.mel, config.noise_frames, generator=generator, device="cpu")


class SourceNoise:
    """Uniform numbers [noise_seconds * rate, tones], drawn second by second when they are first read."""

    def __init__(self, flow: FlowConfig, vocoder: VocoderConfig) -> None:
        self._config = vocoder
        self._generator = _at_source(flow, vocoder)
        self._seconds: list[Tensor] = []
        self._lock = Lock()

    def read(self, frame: int, frames: int) -> Tensor:
        """Noise [frames, frame_samples, tones] of the mel frames from `frame` on; it repeats after its end."""
        config = self._config
        total = config.noise_seconds * config.sample_rate // config.frame_samples
        places = [(frame + offset) % total for offset in range(frames)]
        return torch.stack([self._frame(place) for place in places])

    def _frame(self, frame: int) -> Tensor:
        per_second = self._config.sample_rate // self._config.frame_samples
        second, within = divmod(frame, per_second)
        with self._lock:
            while len(self._seconds) <= second:
                numbers = torch.rand(self._config.sample_rate, self._config.tones, generator=self._generator)
                self._seconds.append(numbers.view(per_second, self._config.frame_samples, -1))
        return self._seconds[second][within]


def _at_source(flow: FlowConfig, vocoder: VocoderConfig) -> torch.Generator:
    """Generator in the state in which the reference draws the noise of the source."""
    generator = torch.Generator().manual_seed(flow.noise_seed)
    torch.randn(flow.mel, flow.noise_frames, generator=generator)
    torch.randn(flow.vocabulary, flow.mel, generator=generator)
    for count in _initialise(flow, vocoder):
        torch.rand(count, generator=generator)
    torch.rand(vocoder.tones, generator=generator)
    return generator


def _initialise(flow: FlowConfig, vocoder: VocoderConfig) -> list[int]:
    """Numbers of uniform draws for the layers' initial values between the two noises, by layer (weight, bias)."""
    width = vocoder.f0_channels
    first = [width * vocoder.mel * (vocoder.f0_right + 1), width]
    others = [width * width * 3, width] * (vocoder.f0_layers - 1)
    return [flow.mel * flow.speaker, flow.mel, *first, *others, width, 1]
