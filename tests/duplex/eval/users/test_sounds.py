"""Pauses in sentences and talkers from elsewhere, measured on tones."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from configs.audio import AUDIO
from configs.eval.evaluation import SceneConfig
from duplex.eval.users.sounds import FarTalker, WithPause
from duplex.model.interface import Samples

RATE = AUDIO.input_rate


@dataclass(frozen=True)
class Given:
    """A known sound."""

    wave: tuple[float, ...]
    exact: bool = True
    rate: float = 1.0
    path: Path = Path("given.wav")

    def samples(self) -> Samples:
        return np.array(self.wave, np.float32)


def tone(hertz: float, seconds: float = 1.0) -> Given:
    return Given(tuple(0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)))


def db(samples: Samples) -> float:
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64))))


@pytest.mark.parametrize("at", [0.0, 0.002, 0.4, 1.0])
def test_a_pause_is_silence_of_its_length(at: float) -> None:
    whole = Given((0.5,) * RATE)
    held = WithPause(whole, at, 0.6)
    samples = held.samples()
    first, last = round(at * RATE), round((at + 0.6) * RATE)
    assert held.exact
    assert len(samples) == round(1.6 * RATE)
    assert not samples[first:last].any()
    fade = round(0.005 * RATE)
    np.testing.assert_array_equal(samples[: max(0, first - fade)], 0.5)
    np.testing.assert_array_equal(samples[last + fade :], 0.5)
    np.testing.assert_array_equal(whole.samples(), 0.5)


def test_a_far_talker_has_the_level_of_its_scene() -> None:
    scene = SceneConfig(level_db=-8.0)
    assert db(FarTalker(tone(500), scene).samples()) == pytest.approx(20 * np.log10(0.06) - 8.0, abs=0.05)


def test_high_tones_are_taken_away() -> None:
    both = Given(tuple(np.array(tone(500).wave) + np.array(tone(6000).wave)))
    scene = SceneConfig(low_pass_hz=3000.0)
    power = np.abs(np.fft.rfft(FarTalker(both, scene).samples()))
    assert 20 * np.log10(power[6000] / power[500]) < -20
    shelf = SceneConfig(shelf_db=-5.0)
    power = np.abs(np.fft.rfft(FarTalker(both, shelf).samples()))
    assert 20 * np.log10(power[6000] / power[500]) == pytest.approx(-5.0, abs=1.0)


def test_reflections_come_late_and_soft() -> None:
    click = Given((*(0.0,) * 100, 1.0, *(0.0,) * 900))
    samples = FarTalker(click, SceneConfig(reference_rms=0.005, reflections=((45.0, -6.0), (120.0, -12.0)))).samples()
    direct, first, second = (float(samples[100 + round(ms * RATE / 1000)]) for ms in (0, 45, 120))
    assert first / direct == pytest.approx(10 ** (-6 / 20), rel=0.02)
    assert second / direct == pytest.approx(10 ** (-12 / 20), rel=0.02)
