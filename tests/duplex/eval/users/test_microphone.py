"""Echo, room and noise: levels, delays, and slot by slot equals the whole."""

from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
import pytest
import soxr

from configs.eval.conditions import NoiseBedConfig, RoomResponseConfig
from duplex.eval.users.channel import Signal
from duplex.eval.users.microphone import Bed, Room, direct_on, energy_gain, speech_level
from tests.duplex.eval.fakes import IN, OUT
from tests.duplex.eval.users.acoustics import (
    CONFIG,
    DELAY,
    NUMBERS,
    clip_of,
    hear,
    hiss,
    response,
    rms,
    script_of,
    tone,
    user_under,
    write_sounds,
)

SLOT = 3200
SPEECH_S = 2.0


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_sounds(tmp_path / "data")


@pytest.mark.parametrize("snr", [20.0, 10.0, 0.0, -5.0])
@pytest.mark.parametrize("level", [0.02, 0.2])
def test_noise_has_the_level_that_was_asked_for(data: Path, tmp_path: Path, snr: float, level: float) -> None:
    """Relative to the speech alone, not to the silence in the clip; from the first sample to the last."""
    speech = np.concatenate([np.zeros(IN, np.float32), tone(300.0, 1.0, level=level), np.zeros(IN, np.float32)])
    script = script_of(clip_of(tmp_path / "clip.wav", speech), 0.5, silence_s=6.0)
    noise = hear(user_under(data, script, f"snr={snr}")) - hear(user_under(data, script))
    assert 20 * np.log10(level / np.sqrt(2) / rms(noise)) == pytest.approx(snr, abs=0.5)
    assert np.abs(noise[:SLOT]).any()
    assert rms(noise[-IN:]) == pytest.approx(rms(noise), rel=0.1)


def test_noise_beside_silence_has_the_nominal_level(data: Path, tmp_path: Path) -> None:
    script = script_of(clip_of(tmp_path / "clip.wav", np.zeros(5 * IN, np.float32)), 0.0)
    noise = hear(user_under(data, script, "snr=10"))
    assert 20 * np.log10(rms(noise)) == pytest.approx(-36.0, abs=0.5)


def test_noise_goes_on_without_a_seam() -> None:
    """A tone whose periods do not fit the loop has no step where the loop closes."""
    bed = Bed(tone(101.0, 4.0), 0.1, NoiseBedConfig(loop_s=1.0), Random(0))
    silence = Signal(np.zeros(SLOT, np.float32), np.zeros(SLOT, np.float32))
    slots = [bed.step(silence, np.zeros(4800, np.float32)) for _ in range(30)]
    whole = np.concatenate([slot.now for slot in slots])
    assert np.abs(np.diff(whole)).max() < 1.5 * np.abs(np.diff(tone(101.0, 1.0, level=0.1 * np.sqrt(2)))).max()
    for slot, following in pairwise(slots):
        np.testing.assert_array_equal(slot.ahead, following.now)


def test_a_part_of_silence_is_no_noise() -> None:
    """Only a tenth of the recording is audible; every other part that may be drawn is silent."""
    recording = np.zeros(20 * IN, np.float32)
    recording[:IN] = hiss(1.0)
    silence = Signal(np.zeros(SLOT, np.float32), np.zeros(SLOT, np.float32))
    for seed in range(5):
        bed = Bed(recording, 0.1, NoiseBedConfig(loop_s=1.0), Random(seed))
        noise = np.concatenate([bed.step(silence, np.zeros(4800, np.float32)).now for _ in range(5)])
        assert rms(noise) == pytest.approx(0.1, rel=0.1)


def test_another_seed_is_other_noise(data: Path, tmp_path: Path) -> None:
    script = script_of(clip_of(tmp_path / "clip.wav", tone(300.0, 1.0)), 0.5)
    first, again, other = (hear(user_under(data, script, "snr=10", seed=seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.01


def test_a_room_keeps_onset_and_energy_and_rings_on(data: Path, tmp_path: Path) -> None:
    speech = hiss(SPEECH_S)
    script = script_of(clip_of(tmp_path / "clip.wav", speech), 0.5123)
    user = user_under(data, script, "rir=1")
    channel, start = hear(user), user.played[0].start
    end = start + len(speech)
    assert rms(channel[:start]) < 1e-6
    assert abs(np.flatnonzero(np.abs(channel) > 0.01)[0] - start) < 0.001 * IN
    lag = np.argmax(np.correlate(channel[start : start + 2 * IN], speech[:IN], "valid"))
    assert lag == 0
    assert np.sum(channel**2) / np.sum(speech**2) == pytest.approx(1.0, rel=0.01)
    assert rms(channel[end : end + 160]) > 0.01
    assert rms(channel[end + round(0.35 * IN) :]) < 1e-6


def test_a_room_slot_by_slot_is_the_convolution() -> None:
    sound, direct = hiss(3.0), direct_on(response(), RoomResponseConfig())
    room, slots = Room(direct, 0.7), sound.reshape(-1, SLOT)
    pairs = [Signal(a, b) for a, b in zip(slots, [*slots[1:], 0 * slots[0]], strict=True)]
    steps = [room.step(pair, np.zeros(4800, np.float32)) for pair in pairs]
    expected = np.convolve(sound.astype(np.float64), direct * 0.7)[: len(sound)]
    np.testing.assert_allclose(np.concatenate([step.now for step in steps]), expected, atol=2e-6)
    np.testing.assert_allclose(np.concatenate([step.ahead for step in steps[:-1]]), expected[SLOT:], atol=2e-6)


def test_the_direct_sound_comes_first() -> None:
    found = direct_on(response(), RoomResponseConfig())
    np.testing.assert_array_equal(found, response()[DELAY:])


def test_silence_has_no_energy_to_keep() -> None:
    assert energy_gain([np.zeros(100, np.float32)], response()) == 1.0
    assert energy_gain([], response()) == 1.0


@pytest.mark.parametrize("level", [-20.0, -30.0, -40.0])
def test_the_echo_has_its_level_and_its_delay(data: Path, tmp_path: Path, level: float) -> None:
    said = np.zeros(3 * OUT, np.float32)
    said[OUT : 2 * OUT] = soxr.resample(hiss(1.0), IN, OUT)
    script = script_of(clip_of(tmp_path / "clip.wav", np.zeros(4 * IN, np.float32)), 0.0)
    channel = hear(user_under(data, script, f"echo={level}"), said)
    expected = soxr.resample(said, OUT, IN)
    assert 20 * np.log10(rms(channel[IN : 2 * IN]) / rms(expected[IN : 2 * IN])) == pytest.approx(level, abs=0.5)
    lags = np.correlate(channel[: 3 * IN], expected[IN : 2 * IN], "valid")
    assert np.argmax(lags) - IN == NUMBERS.echo.delay_samples == 0.06 * IN
    delayed = np.concatenate([np.zeros(960, np.float32), expected])[: 3 * IN] * 10 ** (level / 20)
    np.testing.assert_allclose(channel[: 3 * IN], delayed, atol=1e-6)


def test_the_user_speaks_over_the_echo_and_his_reactions_do_not_hear_it(data: Path, tmp_path: Path) -> None:
    script = script_of(clip_of(tmp_path / "clip.wav", tone(300.0, 1.0)), 0.5)
    user, plain = user_under(data, script, "echo=-20"), user_under(data, script)
    said = tone(1000.0, 2.0, OUT)
    echo = hear(
        user_under(data, script_of(clip_of(tmp_path / "no.wav", np.zeros(IN, np.float32)), 0.5), "echo=-20"), said
    )
    np.testing.assert_allclose(hear(user, said), hear(plain, said) + echo, atol=1e-6)
    assert user.played == plain.played


def test_the_level_of_speech_is_that_of_its_loud_frames() -> None:
    speech = np.concatenate([np.zeros(IN, np.float32), tone(300.0, 1.0), hiss(1.0, rms=1e-4)])
    assert speech_level([speech], CONFIG.clips) == pytest.approx(0.2 / np.sqrt(2), rel=0.01)
    assert speech_level([np.zeros(IN, np.float32)], CONFIG.clips) == 0.0
    assert speech_level([], CONFIG.clips) == 0.0
