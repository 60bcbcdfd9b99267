"""Sound files in: any rate and channels, and one line for what cannot be used."""

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
    with pytest.raises(AudioError, match="there is no such file"):
        load_audio(tmp_path)


def test_values_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    broken = np.array([0.0, np.nan, np.inf], dtype=np.float32)
    soundfile.write(tmp_path / "a.wav", broken, 16_000, subtype="FLOAT")
    with pytest.raises(AudioError, match="values that are not numbers"):
        load_audio(tmp_path / "a.wav")
