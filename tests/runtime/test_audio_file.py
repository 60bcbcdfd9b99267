"""Input sound files: any rate and channels, and one line for each that cannot be used."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from runtime.audio_file import load_audio
from runtime.errors import AudioError
from tests.runtime.user_audio import QUESTION, write_wav


def test_a_fitting_file_is_taken_as_it_is(tmp_path: Path) -> None:
    audio = load_audio(write_wav(tmp_path / "a.wav", QUESTION))
    assert audio.notes == ()
    assert audio.samples.dtype == np.float32
    np.testing.assert_allclose(audio.samples, QUESTION, atol=1 / 32768)


@pytest.mark.parametrize("rate", [8000, 22_050, 44_100, 48_000])
def test_another_rate_is_resampled_and_said(tmp_path: Path, rate: int) -> None:
    time = np.arange(rate) / rate
    tone = (0.5 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)
    audio = load_audio(write_wav(tmp_path / "a.wav", tone, rate))
    assert audio.notes == (f"resampled from {rate} to 16000 Hz",)
    assert len(audio.samples) == pytest.approx(16_000, abs=2)
    want = 0.5 * np.sin(2 * np.pi * 440 * np.arange(len(audio.samples)) / 16_000)
    assert np.abs(audio.samples - want)[500:-500].max() < 2e-3


def test_stereo_is_mixed_and_said(tmp_path: Path) -> None:
    both = np.stack([QUESTION, np.zeros_like(QUESTION)], axis=1)
    audio = load_audio(write_wav(tmp_path / "a.wav", both, 16_000))
    assert audio.notes == ("2 channels mixed to one",)
    np.testing.assert_allclose(audio.samples, QUESTION / 2, atol=1 / 32768)


def test_other_formats_are_read(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", QUESTION, 16_000)
    np.testing.assert_allclose(load_audio(tmp_path / "a.flac").samples, QUESTION, atol=1 / 32768)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="holds no audio"):
        load_audio(write_wav(tmp_path / "a.wav", np.zeros(0, dtype=np.float32)))


@pytest.mark.parametrize("content", [b"", b"RIFF", b"not a sound file at all" * 50])
def test_a_corrupt_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(AudioError, match="is not a readable sound file"):
        load_audio(tmp_path / "a.wav")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="there is no such file"):
        load_audio(tmp_path / "a.wav")
    with pytest.raises(AudioError, match="it is a folder, not a sound file"):
        load_audio(tmp_path)


def test_values_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    broken = np.array([0.0, np.nan, np.inf], dtype=np.float32)
    soundfile.write(tmp_path / "a.wav", broken, 16_000, subtype="FLOAT")
    with pytest.raises(AudioError, match="values that are not numbers"):
        load_audio(tmp_path / "a.wav")


def test_channels_that_cancel_are_heard(tmp_path: Path) -> None:
    audio = load_audio(write_wav(tmp_path / "a.wav", np.stack([QUESTION, -0.9 * QUESTION], axis=1)))
    assert audio.notes == ("2 channels cancel each other out when mixed; only channel 1, the loudest, is used",)
    np.testing.assert_allclose(audio.samples, QUESTION, atol=1 / 32768)


def test_what_is_louder_than_full_scale_is_not_clipped(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", 16 * QUESTION, 16_000, subtype="FLOAT")
    audio = load_audio(tmp_path / "a.wav")
    peak = 16 * np.abs(QUESTION).max()
    assert audio.notes == (f"peaks at {peak:.3g} times full scale; scaled down by {20 * np.log10(peak):.1f} dB",)
    np.testing.assert_allclose(audio.samples, 16 * QUESTION / peak, atol=1e-6)


def test_a_streamed_and_a_cut_off_file(tmp_path: Path) -> None:
    data = write_wav(tmp_path / "a.wav", QUESTION).read_bytes()
    (tmp_path / "b.wav").write_bytes(data[:4] + bytes(4) + data[8:40] + bytes(4) + data[44:])
    audio = load_audio(tmp_path / "b.wav")
    assert audio.notes == ("its header tells no length; it was read to the end of the file",)
    np.testing.assert_allclose(audio.samples, QUESTION, atol=1 / 32768)
    (tmp_path / "c.wav").write_bytes(data[: 44 + len(QUESTION)])
    assert load_audio(tmp_path / "c.wav").notes == ("it is cut off: its header tells of 3.00 s and it holds 1.50 s",)


def test_silence_and_a_lone_sample(tmp_path: Path) -> None:
    assert load_audio(write_wav(tmp_path / "a.wav", np.zeros(1600, np.float32))).notes == ("is silent",)
    with pytest.raises(AudioError, match="holds only 1 samples"):
        load_audio(write_wav(tmp_path / "b.wav", np.ones(1, np.float32), 192_000))
