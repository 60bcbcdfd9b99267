"""Recordings that can be scored, and those that cannot, with the reason in one line."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from configs.eval.scoring import SoundConfig
from duplex.eval.errors import EvaluationError
from duplex.eval.exchange.sound import DialogueSound, read_dialogue
from tests.duplex.eval.dialogues import RATE, Samples, channel, stereo

CONFIG = SoundConfig()
USER, ASSISTANT = channel([(0.5, 1.5)], 4.0), channel([(2.0, 3.5)], 4.0)


def write(path: Path, samples: Samples, rate: int = RATE) -> Path:
    soundfile.write(path, samples, rate, subtype="PCM_16")
    return path


def read(path: Path, assistant: Path | None = None) -> DialogueSound:
    return read_dialogue(path, assistant, CONFIG)


def test_left_is_the_user(tmp_path: Path) -> None:
    path = stereo(tmp_path / "d.wav", [(0.5, 1.5)], [(2.0, 3.5)], 4.0)
    sound = read(path)
    np.testing.assert_allclose(sound.user, USER, atol=1e-4)
    np.testing.assert_allclose(sound.assistant, ASSISTANT, atol=1e-4)
    assert (sound.rate, sound.seconds, sound.notes) == (RATE, 4.0, ())
    assert sound.files["user"] == sound.files["assistant"]
    assert len(sound.files["user"]["sha256"]) == 64


def test_two_files_on_one_clock(tmp_path: Path) -> None:
    sound = read(write(tmp_path / "u.wav", USER), write(tmp_path / "a.wav", ASSISTANT))
    np.testing.assert_allclose(sound.assistant, ASSISTANT, atol=1e-4)
    assert sound.notes == ()
    assert sound.files["assistant"]["path"] == str(tmp_path / "a.wav")


def test_another_rate_is_resampled_and_said_so(tmp_path: Path) -> None:
    slow = write(tmp_path / "u.wav", channel([(0.5, 1.5)], 4.0, 8_000), 8_000)
    sound = read(slow, write(tmp_path / "a.wav", ASSISTANT))
    assert (sound.rate, len(sound.user)) == (RATE, 4 * RATE)
    assert sound.notes == (f"{slow}: resampled from 8000 Hz to 16000 Hz, the rate of the other file",)
    sounding = np.flatnonzero(np.abs(sound.user) > 0.01) / RATE
    assert (sounding[0], sounding[-1]) == (pytest.approx(0.5, abs=0.005), pytest.approx(1.5, abs=0.005))


def test_a_little_shorter_is_padded_and_said_so(tmp_path: Path) -> None:
    user = write(tmp_path / "u.wav", USER[: -round(0.3 * RATE)])
    sound = read(user, write(tmp_path / "a.wav", ASSISTANT))
    assert len(sound.user) == len(sound.assistant) == 4 * RATE
    assert sound.notes == (f"{user}: is 300 ms shorter than the other file; its end is taken as silence",)


def test_a_silent_side_is_said(tmp_path: Path) -> None:
    path = write(tmp_path / "d.wav", np.stack([np.zeros(4 * RATE), ASSISTANT], axis=1))
    assert read(path).notes == (f"{path}: the user's channel is silent",)


@pytest.mark.parametrize("gain", [1.0, -1.0, 0.3])
def test_two_channels_of_one_mix_are_refused(tmp_path: Path, gain: float) -> None:
    mix = USER + ASSISTANT
    hiss = 1e-3 * np.random.default_rng(0).standard_normal(len(mix))
    path = write(tmp_path / "d.wav", np.stack([mix, gain * mix + hiss], axis=1))
    with pytest.raises(EvaluationError, match=r"d.wav: both channels are the same mix; .*; record each side"):
        read(path)


def test_two_files_of_one_mix_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"u.wav and .*a.wav: both files are the same mix"):
        read(write(tmp_path / "u.wav", USER + ASSISTANT), write(tmp_path / "a.wav", USER + ASSISTANT))


def test_an_echo_in_a_channel_is_no_mix(tmp_path: Path) -> None:
    assert read(write(tmp_path / "d.wav", np.stack([USER + 0.3 * ASSISTANT, ASSISTANT], axis=1))).seconds == 4.0


def test_a_mono_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        EvaluationError, match=r"m.wav: is mono; a mix of both sides cannot be scored; give a stereo file"
    ):
        read(write(tmp_path / "m.wav", USER))


def test_more_than_two_channels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"m.wav: has 3 channels"):
        read(write(tmp_path / "m.wav", np.stack([USER, ASSISTANT, USER], axis=1)))


def test_a_stereo_file_beside_another_is_refused(tmp_path: Path) -> None:
    both = stereo(tmp_path / "d.wav", [(0.5, 1.5)], [(2.0, 3.5)], 4.0)
    with pytest.raises(EvaluationError, match=r"d.wav: has 2 channels, but each of two files must hold one side"):
        read(both, write(tmp_path / "a.wav", ASSISTANT))


def test_lengths_that_differ_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"u.wav 3.20 s and .*a.wav 4.00 s: differ by 0.80 s"):
        read(write(tmp_path / "u.wav", USER[: round(3.2 * RATE)]), write(tmp_path / "a.wav", ASSISTANT))


def test_what_is_no_recording_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("hello")
    write(tmp_path / "empty.wav", np.zeros((0, 2)))
    soundfile.write(tmp_path / "nan.wav", np.full((100, 2), np.nan), RATE, subtype="FLOAT")
    for name, why in (
        ("none.wav", "there is no such file"),
        ("text.wav", "is not a readable sound file"),
        ("empty.wav", "holds no audio"),
        ("nan.wav", "holds values that are not numbers"),
    ):
        with pytest.raises(EvaluationError, match=why) as caught:
            read(tmp_path / name)
        assert str(caught.value).startswith(f"{tmp_path / name}: ")
        assert "\n" not in str(caught.value)


def test_what_is_not_as_the_header_says_is_told(tmp_path: Path) -> None:
    data = stereo(tmp_path / "d.wav", [(0.5, 1.5)], [(2.0, 3.5)], 4.0).read_bytes()
    (tmp_path / "s.wav").write_bytes(data[:4] + bytes(4) + data[8:40] + bytes(4) + data[44:])
    sound = read(tmp_path / "s.wav")
    assert sound.seconds == 4.0
    assert sound.notes == (f"{tmp_path / 's.wav'}: its header tells no length; it was read to the end of the file",)
    (tmp_path / "c.wav").write_bytes(data[: 44 + 3 * RATE * 4])
    note = "it is cut off: its header tells of 4.00 s and it holds 3.00 s"
    assert read(tmp_path / "c.wav").notes == (f"{tmp_path / 'c.wav'}: {note}",)


def test_sound_louder_than_full_scale_keeps_the_levels_of_both_sides(tmp_path: Path) -> None:
    path = tmp_path / "d.wav"
    peak = max(np.abs(USER).max(), np.abs(ASSISTANT).max())
    soundfile.write(path, np.stack([USER, ASSISTANT], axis=1) * 4 / peak, RATE, subtype="FLOAT")
    sound = read(path)
    assert sound.notes == (f"{path}: peaks at 4 times full scale; scaled down by 12.0 dB",)
    np.testing.assert_allclose(sound.user, USER / peak, atol=1e-5)
