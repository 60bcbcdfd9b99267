"""Acoustic bands: the layout of a frame, and the conversion between linear spectra and bands.

A frame is [harmonic bands | noise bands | log F0 | voicing], all bands natural logarithms of amplitude on a mel scale.
The mel scale is 2595 log10(1 + f / 700) (O'Shaughnessy 1987); layout and interpolation are ours. Nothing here depends
on tokens or waveforms.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from configs.audio import AUDIO
from configs.model.voice import BandConfig

FloatMatrix = NDArray[np.float32]

_MEL_SLOPE = 2595.0
_MEL_KNEE_HZ = 700.0


def _mel(hertz: float) -> float:
    return _MEL_SLOPE * float(np.log10(1 + hertz / _MEL_KNEE_HZ))


def _centres(bands: int) -> NDArray[np.float64]:
    mels = np.linspace(0, _mel(AUDIO.output_rate / 2), bands)
    return np.asarray(_MEL_KNEE_HZ * (10 ** (mels / _MEL_SLOPE) - 1))


def spreading(bins: int, bands: int) -> FloatMatrix:
    """Matrix [bins, bands] that interpolates band values linearly to the bins of a spectrum from 0 to the Nyquist
    frequency; band centres are equally spaced in mel."""
    centres = _centres(bands)
    hertz = np.linspace(0, AUDIO.output_rate / 2, bins)
    left = np.clip(np.searchsorted(centres, hertz) - 1, 0, bands - 2)
    share = np.clip((hertz - centres[left]) / (centres[left + 1] - centres[left]), 0, 1)
    matrix = np.zeros((bins, bands), np.float32)
    matrix[np.arange(bins), left] = 1 - share
    matrix[np.arange(bins), left + 1] += share
    return matrix


def pooling(bins: int, bands: int) -> FloatMatrix:
    """Matrix [bands, bins] that averages a spectrum over each band; a band narrower than a bin takes the nearest
    bin."""
    matrix = spreading(bins, bands).T.copy()
    hertz = np.linspace(0, AUDIO.output_rate / 2, bins)
    weight = matrix.sum(1, keepdims=True)
    for band in np.flatnonzero(weight[:, 0] < 0.5):
        matrix[band] = 0
        matrix[band, np.argmin(np.abs(hertz - _centres(bands)[band]))] = 1
    return np.asarray(matrix / matrix.sum(1, keepdims=True), np.float32)


def silence(config: BandConfig) -> Tensor:
    """The frame [98] of silence: every band at the floor, unvoiced, F0 at rest."""
    frame = torch.full((config.size,), config.floor)
    frame[-2] = config.rest_log_f0
    frame[-1] = 0.0
    return frame


def normalisation(config: BandConfig) -> tuple[Tensor, Tensor]:
    """Offset [98] and scale [98] that bring frames near zero mean and unit variance; fixed, not learnt."""
    offset = torch.full((config.size,), -4.0)
    scale = torch.cat([torch.full((config.harmonic,), 3.0), torch.full((config.noise,), 2.3), torch.tensor([0.3, 0.5])])
    offset[-2], offset[-1] = config.rest_log_f0, 0.5
    return offset, scale
