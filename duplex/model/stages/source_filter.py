"""Converts bands to samples: pulses at F0 and noise, each filtered per frame, overlapped and added.

This is a classical source-filter vocoder: minimum phase from the cepstrum (Oppenheim and Schafer 1975, homomorphic
filtering) and overlap-add. It streams without look-ahead: frame k shapes the window that starts at its own hop, so
sound lags its frame by half a window minus half a hop. The state is an explicit argument. Nothing here depends on
tokens or turns.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from configs.audio import AUDIO
from configs.model.voice import BandConfig, DetokenizerConfig
from duplex.model.stages.bands import spreading

_LOUDEST = 7.0
_NEAR_PULSE = 2e-3
_VOICING_SLOPE, _VOICING_OFFSET = 2.0, 0.5
_SEED_MASK = 2**64 - 1


@dataclass
class SynthesisState:
    """State of B voices.

    Attributes:
        seeds: seeds of the noise, one per row.
        slots: [B] slots synthesised or skipped so far (int64); the noise of slot n depends only on the seed and n.
        phase: [B] phase of the pulse train, 0..1 (float64).
        log_f0: [B] log F0 (Hz) at the end of the last frame.
        source: [B, window] latest samples of the pulse train.
        tail: [B, window - hop] sound of earlier frames that is still to be returned.
    """

    seeds: list[int]
    slots: Tensor
    phase: Tensor
    log_f0: Tensor
    source: Tensor
    tail: Tensor

    def still(self, rows: Tensor, rest_log_f0: float) -> None:
        """Bring `rows [B]` (bool) to rest; their noise counters continue."""
        self.phase[rows] = 0.0
        self.log_f0[rows] = rest_log_f0
        self.source[rows] = 0.0
        self.tail[rows] = 0.0


class SourceFilter(nn.Module):
    """Source-filter synthesis without trained weights."""

    window: Tensor
    fold: Tensor
    spread_tone: Tensor
    spread_hiss: Tensor

    def __init__(self, bands: BandConfig, config: DetokenizerConfig) -> None:
        super().__init__()
        self.bands = bands
        self.top_harmonic_hz = config.top_harmonic_hz
        bins = bands.window // 2 + 1
        fold = torch.zeros(bands.window)
        fold[0] = fold[bands.window // 2] = 1.0
        fold[1 : bands.window // 2] = 2.0
        self.register_buffer("window", torch.hann_window(bands.window), persistent=False)
        self.register_buffer("fold", fold, persistent=False)
        self.register_buffer(
            "spread_tone", torch.from_numpy(spreading(bins, bands.harmonic).T.copy()), persistent=False
        )
        self.register_buffer("spread_hiss", torch.from_numpy(spreading(bins, bands.noise).T.copy()), persistent=False)
        self._overlap = float(self.window.square().sum()) / bands.hop

    @property
    def delay_ms(self) -> float:
        """Time from the centre of a frame to the centre of the window it shapes, ms."""
        return (self.bands.window - self.bands.hop) / 2 * 1000 / AUDIO.output_rate

    def init_state(self, seeds: list[int]) -> SynthesisState:
        """State at rest, one row per seed."""
        rows, window = len(seeds), self.bands.window
        return SynthesisState(
            seeds=list(seeds),
            slots=torch.zeros(rows, dtype=torch.int64),
            phase=torch.zeros(rows, dtype=torch.float64),
            log_f0=torch.full((rows,), self.bands.rest_log_f0),
            source=torch.zeros(rows, window),
            tail=torch.zeros(rows, window - self.bands.hop),
        )

    def step(self, frames: Tensor, state: SynthesisState, rows: list[int]) -> Tensor:
        """Synthesise [R, T * hop] samples from [R, T, 98] bands of `rows`; changes those rows of `state` (not their
        counters)."""
        spectrum = self._pulse_spectrum(frames, state, rows) * self._tone_filter(frames)
        spectrum = spectrum + self._noise(frames, state, rows)
        pieces = torch.fft.irfft(spectrum, self.bands.window) * (self.window / self._overlap)
        return self._overlap_add(pieces, state, rows)

    def _pulse_spectrum(self, frames: Tensor, state: SynthesisState, rows: list[int]) -> Tensor:
        """Spectrum [R, T, bins] of the last window of the pulse train at the end of every hop."""
        size, hop = self.bands.window, self.bands.hop
        pulses = self._pulses(frames[..., -2], state, rows)
        source = torch.cat([state.source[rows][:, hop:], pulses], 1)
        state.source[rows] = source[:, -size:]
        return torch.fft.rfft(source.unfold(1, size, hop) * (self.window * (4 / size)))

    def _pulses(self, log_f0: Tensor, state: SynthesisState, rows: list[int]) -> Tensor:
        """Band-limited pulses [R, T * hop] with unit harmonics, whose F0 glides between the frames of log F0 [R, T]."""
        ramp = torch.arange(1, self.bands.hop + 1) / self.bands.hop
        before = torch.cat([state.log_f0[rows][:, None], log_f0[:, :-1]], 1)
        f0 = torch.exp(torch.lerp(before[..., None], log_f0[..., None], ramp)).flatten(1)
        phase = state.phase[rows][:, None] + torch.cumsum(f0.double() / AUDIO.output_rate, 1)
        state.phase[rows] = phase[:, -1] % 1.0
        state.log_f0[rows] = log_f0[:, -1]
        angle = ((phase % 1.0) * (2 * torch.pi)).float()
        count = torch.floor(self.top_harmonic_hz / f0) + 0.5
        low = 2 * torch.sin(angle / 2)
        at_pulse = low.abs() < _NEAR_PULSE
        return torch.where(at_pulse, count, torch.sin(count * angle) / low.masked_fill(at_pulse, 1.0)) - 0.5

    def _tone_filter(self, frames: Tensor) -> Tensor:
        """Minimum-phase response [R, T, bins] of the harmonic bands by folding the cepstrum, times voicing."""
        levels = frames[..., : self.bands.harmonic] @ self.spread_tone
        cepstrum = torch.fft.irfft(levels, self.bands.window) * self.fold
        response = torch.fft.rfft(cepstrum)
        response = torch.polar(response.real.clamp(max=_LOUDEST).exp(), response.imag)
        return response * (frames[..., -1:] * _VOICING_SLOPE - _VOICING_OFFSET).clamp(0, 1)

    def _noise(self, frames: Tensor, state: SynthesisState, rows: list[int]) -> Tensor:
        """Noise [R, T, bins] with the levels of the noise bands (twice their power in all) and random phase."""
        levels = frames[..., self.bands.harmonic : -2] @ self.spread_hiss
        draws = [_angles(state.seeds[row], int(state.slots[row]), tuple(levels.shape[1:])) for row in rows]
        return torch.polar(torch.exp(levels.clamp(max=_LOUDEST)) * 2**0.5, torch.stack(draws))

    def _overlap_add(self, pieces: Tensor, state: SynthesisState, rows: list[int]) -> Tensor:
        hop, count = self.bands.hop, pieces.shape[1]
        out = torch.zeros(len(rows), count * hop + state.tail.shape[1])
        out[:, : state.tail.shape[1]] = state.tail[rows]
        for index in range(count):
            out[:, index * hop : index * hop + self.bands.window] += pieces[:, index]
        state.tail[rows] = out[:, count * hop :]
        return out[:, : count * hop]


def _angles(seed: int, slot: int, shape: tuple[int, ...]) -> Tensor:
    """Uniform draws from 0 to 2 pi that depend only on seed and slot."""
    generator = np.random.Generator(np.random.Philox(key=seed & _SEED_MASK, counter=[0, 0, slot, 0]))
    return torch.from_numpy(generator.random(shape, dtype=np.float32) * np.float32(2 * np.pi))
