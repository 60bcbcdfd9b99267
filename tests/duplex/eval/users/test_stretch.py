"""Faster and slower speech: its length, its pitch, and where its parts are."""

from pathlib import Path

import numpy as np
import pytest

from duplex.eval.users.clip import Clip
from duplex.eval.users.stretch import stretch_speech
from duplex.eval.users.user import SimulatedUser
from tests.duplex.eval.fakes import IN
from tests.duplex.eval.users.acoustics import CONFIG, clip_of, hear, script_of, tone

RATES = [0.5, 0.8, 1.25, 1.6, 2.0]
BURSTS = [0.0, 0.5, 1.1, 2.0]
BURST_S = 0.25


def bursts() -> np.ndarray:
    """Tones at known places, ending with one."""
    samples = np.zeros(round((BURSTS[-1] + BURST_S) * IN), np.float32)
    for start in BURSTS:
        samples[round(start * IN) : round((start + BURST_S) * IN)] = tone(180.0, BURST_S)
    return samples


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("count", [160, 3201, 40_000])
def test_the_length_is_divided_by_the_rate(rate: float, count: int) -> None:
    out = stretch_speech(tone(200.0, count / IN), rate)
    assert (len(out), out.dtype) == (round(count / rate), np.float32)


@pytest.mark.parametrize("rate", RATES)
def test_the_pitch_stays(rate: float) -> None:
    out = stretch_speech(tone(440.0, 3.0), rate)
    spectrum = np.abs(np.fft.rfft(out * np.hanning(len(out)), 1 << 18))
    assert np.argmax(spectrum) * IN / (1 << 18) == pytest.approx(440.0, rel=0.01)


@pytest.mark.parametrize("rate", RATES)
def test_parts_are_where_the_rate_puts_them(rate: float) -> None:
    """Sound begins up to 25 ms of the original's time early after digital silence, and ends within 10 ms."""
    out = stretch_speech(bursts(), rate)
    for start in BURSTS:
        first, last = round((start - 0.1) / rate * IN), round((start + BURST_S + 0.1) / rate * IN)
        loud = np.flatnonzero(np.abs(out[max(first, 0) : last]) > 0.02) + max(first, 0)
        assert -0.025 / rate < loud[0] / IN - start / rate < 0.01
        assert abs((loud[-1] + 1) / IN - (start + BURST_S) / rate) < 0.01


@pytest.mark.parametrize("rate", RATES)
def test_speech_begins_with_the_first_sample_and_ends_with_the_last(rate: float) -> None:
    samples = tone(180.0, 1.0) + np.float32(0.3)
    out = stretch_speech(samples, rate)
    assert out[0] == pytest.approx(0.3, abs=0.01)
    assert np.abs(out[-160:]).max() > 0.1


def test_the_same_speech_is_stretched_the_same() -> None:
    np.testing.assert_array_equal(stretch_speech(bursts(), 1.25), stretch_speech(bursts(), 1.25))


def test_a_clip_knows_its_rate_and_where_its_parts_are(tmp_path: Path) -> None:
    plain = clip_of(tmp_path / "bursts.wav", bursts())
    user = SimulatedUser(script_of(Clip(plain.path, exact=True, rate=1.25), 1.0), CONFIG)
    channel, played = hear(user), user.played[0]
    assert (played.rate, played.start, played.speech_start) == (1.25, IN, IN)
    assert played.speech_end == played.end == IN + round(len(bursts()) / 1.25)
    middle = played.at(BURSTS[2] + BURST_S / 2)
    assert middle == pytest.approx(1.0 + (BURSTS[2] + BURST_S / 2) / 1.25)
    assert np.abs(channel[round((middle - 0.05) * IN) : round((middle + 0.05) * IN)]).max() > 0.15
    gap = round(played.at((BURSTS[2] + BURST_S + BURSTS[3]) / 2) * IN)
    assert not channel[gap - 800 : gap + 800].any()


def test_a_clip_at_its_own_rate_is_untouched(tmp_path: Path) -> None:
    clip = clip_of(tmp_path / "bursts.wav", bursts())
    np.testing.assert_array_equal(clip.samples(), bursts())
