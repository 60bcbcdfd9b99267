"""The synthesis speaks at the given pitch and level, streams, and declares its delay."""

import numpy as np
import pytest
import torch
from torch import Tensor

from configs.model.voice import BandConfig, DetokenizerConfig
from duplex.model.stages.bands import silence
from duplex.model.stages.source_filter import SourceFilter

RATE = 24_000


@pytest.fixture(scope="module")
def voice() -> SourceFilter:
    return SourceFilter(BandConfig(), DetokenizerConfig())


def _vowel(frames: int, hertz: float, level: float = 0.0) -> Tensor:
    x = silence(BandConfig()).repeat(1, frames, 1)
    x[..., :64], x[..., 64:96] = level, -60.0
    x[..., 96], x[..., 97] = float(np.log(hertz)), 1.0
    return x


def _hiss(frames: int, level: float) -> Tensor:
    x = silence(BandConfig()).repeat(1, frames, 1)
    x[..., 64:96] = level
    return x


def _say(voice: SourceFilter, frames: Tensor, seed: int = 0) -> Tensor:
    return voice.step(frames, voice.init_state([seed]), [0])[0]


@pytest.mark.parametrize("hertz", [100.0, 150.0, 240.0])
def test_pitch(voice: SourceFilter, hertz: float) -> None:
    pcm = _say(voice, _vowel(90, hertz))[4800:]
    spectrum = torch.fft.rfft(pcm * torch.hann_window(len(pcm))).abs()
    lags = torch.fft.irfft(spectrum.square())[50:400]
    assert abs(RATE / (50 + int(lags.argmax())) - hertz) < 0.02 * hertz


@pytest.mark.parametrize("make", [_hiss, lambda frames, level: _vowel(frames, 150.0, level)])
def test_level_follows_the_bands(voice: SourceFilter, make: object) -> None:
    assert callable(make)
    quiet, loud = (_say(voice, make(60, level))[4800:].square().mean().sqrt() for level in (-3.0, -1.0))
    assert float(loud / quiet) == pytest.approx(np.exp(2), rel=0.05)


def test_silence_is_inaudible(voice: SourceFilter) -> None:
    assert float(_say(voice, silence(BandConfig()).repeat(1, 60, 1)).abs().max()) < 1e-4


def test_declared_delay_is_the_real_one(voice: SourceFilter) -> None:
    """A burst of one frame is centred `delay_ms` behind the centre of that frame."""
    frames = silence(BandConfig()).repeat(1, 30, 1)
    frames[0, 15, 64:96] = 2.0
    power = sum(_say(voice, frames, seed).square() for seed in range(40))
    assert isinstance(power, Tensor)
    centre = float((power * torch.arange(len(power))).sum() / power.sum())
    expected = 15 * 320 + 160 + voice.delay_ms * RATE / 1000
    assert abs(centre - expected) < 40


def test_rows_are_independent_of_their_batch(voice: SourceFilter) -> None:
    frames = torch.cat([_vowel(30, 120.0), _hiss(30, -1.0)])
    both = voice.step(frames, voice.init_state([4, 5]), [0, 1])
    torch.testing.assert_close(both[1], _say(voice, _hiss(30, -1.0), 5), rtol=1e-4, atol=1e-6)


def test_noise_depends_on_seed_and_slot(voice: SourceFilter) -> None:
    state = voice.init_state([1])
    first = voice.step(_hiss(15, 0.0), state, [0])
    state.still(torch.tensor([True]), 5.2)
    same_slot = voice.step(_hiss(15, 0.0), state, [0])
    state.still(torch.tensor([True]), 5.2)
    state.slots += 1
    next_slot = voice.step(_hiss(15, 0.0), state, [0])
    assert torch.equal(first, same_slot)
    assert not torch.equal(first, next_slot)
