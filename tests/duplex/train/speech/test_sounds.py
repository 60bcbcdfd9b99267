from collections.abc import Callable

import numpy as np
import pytest
from numpy.random import Generator, default_rng

from configs.train.simulation import NoiseConfig, RoomConfig
from duplex.model.interface import Samples
from duplex.train.speech.beds import bed, repeat_to_length
from duplex.train.speech.rooms import colour_by_microphone, impulse_response, in_room
from duplex.train.speech.short_noises import MAKERS


def rms(samples: Samples) -> float:
    return float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
def test_events_are_short_level_and_repeatable(maker: Callable[[Generator], Samples]) -> None:
    for seed in range(3):
        sound = maker(default_rng(seed))
        assert 100 < len(sound) < 5 * 16_000
        assert np.isfinite(sound).all()
        assert rms(sound) == pytest.approx(1.0, rel=1e-3)
    assert np.array_equal(maker(default_rng(5)), maker(default_rng(5)))


def test_beds_are_level_and_of_the_wanted_length() -> None:
    config, clips = NoiseConfig(bed_seconds=2.0), [np.ones(8000, np.float32), np.ones(3000, np.float32)]
    for seed in range(12):
        sound = bed(default_rng(seed), config, clips)
        assert len(sound) == 32_000
        assert rms(sound) == pytest.approx(1.0, rel=1e-2)


def test_a_bed_is_repeated_to_any_length() -> None:
    sound = np.arange(10, dtype=np.float32)
    longer = repeat_to_length(sound, 25, default_rng(0))
    assert len(longer) == 25
    assert np.array_equal(longer[:10], longer[10:20])


def test_a_room_rings_but_does_not_delay() -> None:
    click = np.zeros(16_000, np.float32)
    click[1000] = 1.0
    for seed in range(5):
        response = impulse_response(default_rng(seed), RoomConfig(direct_to_reverb_db=(6.0, 14.0)))
        heard = in_room(click, response)
        assert int(np.argmax(np.abs(heard))) == 1000
        assert np.abs(heard[:1000]).max() < 1e-4
        assert np.abs(heard[1200:3000]).max() > 1e-4


def test_colouring_keeps_loudness_and_does_not_look_ahead() -> None:
    noise = default_rng(0).standard_normal(16_000).astype(np.float32)
    for seed in range(5):
        assert rms(colour_by_microphone(noise, default_rng(seed))) == pytest.approx(rms(noise), rel=0.05)
