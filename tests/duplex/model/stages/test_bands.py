"""Bands and spectra: weights are means and interpolations, silence is at the floor."""

import numpy as np
import pytest
import torch

from configs.model.voice import BandConfig
from duplex.model.stages.bands import normalisation, pooling, silence, spreading


@pytest.mark.parametrize(("bins", "bands"), [(601, 64), (481, 32)])
def test_pooling_is_a_mean_and_spreading_an_interpolation(bins: int, bands: int) -> None:
    np.testing.assert_allclose(pooling(bins, bands).sum(1), 1, rtol=1e-5)
    np.testing.assert_allclose(spreading(bins, bands).sum(1), 1, rtol=1e-5)
    assert (pooling(bins, bands) >= 0).all()


def test_smooth_spectrum_survives_the_way_there_and_back() -> None:
    spectrum = np.sin(np.linspace(0, 6, 601))
    back = spreading(601, 64) @ (pooling(601, 64) @ spectrum)
    assert np.abs(back - spectrum).max() < 0.1


def test_silence_is_unvoiced_and_at_the_floor() -> None:
    config = BandConfig()
    frame = silence(config)
    assert frame.shape == (98,)
    assert torch.equal(frame[:96], torch.full((96,), config.floor))
    assert float(frame[97]) == 0


def test_normalisation_fits_the_frame() -> None:
    offset, scale = normalisation(BandConfig())
    assert offset.shape == scale.shape == (98,)
    assert bool((scale > 0).all())
