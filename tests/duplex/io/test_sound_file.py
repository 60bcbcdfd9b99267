"""The reader of sound: content overrides headers, losses are noted, malformed files raise typed errors."""

import io
import os
import struct
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duplex.io.sound_file import SoundFile, SoundFileError, is_silent, mix_to_one, read_sound_file, write_wav
from duplex.model.interface import Samples
from tests.malformed import is_one_line, make_malformed, value_or_error

RATE = 16_000
TONE = (0.5 * np.sin(np.arange(2 * RATE) * 0.1)).astype(np.float32)
NOISE = (0.3 * np.random.default_rng(0).uniform(-1, 1, 2 * RATE)).astype(np.float32)
ENDLESS = "its header tells no length; it was read to the end of the file"
HALF = "it is cut off: its header tells of 2.00 s and it holds 1.00 s"


@cache
def encode(kind: str, subtype: str = "PCM_16", endian: str = "FILE") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, NOISE, RATE, format=kind, subtype=subtype, endian=endian)
    return file.getvalue()


def read(path: Path, data: bytes) -> SoundFile:
    path.write_bytes(data)
    return read_sound_file(path)


def with_sizes(data: bytes, riff: int, size: int, order: str = "<") -> bytes:
    at = data.index(b"data") + 4
    return data[:4] + struct.pack(order + "I", riff) + data[8:at] + struct.pack(order + "I", size) + data[at + 4 :]


@pytest.mark.parametrize("kind", ["WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC"])
def test_a_whole_file_has_no_notes(tmp_path: Path, kind: str) -> None:
    found = read(tmp_path / "a", encode(kind))
    assert (found.rate, found.notes, found.cut_off) == (RATE, (), False)
    np.testing.assert_allclose(found.samples[:, 0], NOISE, atol=1 / 32768)


@pytest.mark.parametrize(("riff", "size"), [(0, 0), (0xFFFFFFFF, 0xFFFFFFFF), (0x7FFFF024, 0x7FFFF000), (36, 0)])
@pytest.mark.parametrize("endian", ["LITTLE", "BIG"])
def test_a_stream_is_read_to_its_end(tmp_path: Path, riff: int, size: int, endian: str) -> None:
    order = {"LITTLE": "<", "BIG": ">"}[endian]
    found = read(tmp_path / "a", with_sizes(encode("WAV", endian=endian), riff, size, order))
    assert found.notes == (ENDLESS,)
    np.testing.assert_allclose(found.samples[:, 0], NOISE, atol=1 / 32768)


def test_a_stream_of_silence_is_a_stream(tmp_path: Path) -> None:
    file = io.BytesIO()
    soundfile.write(file, np.zeros(RATE), RATE, format="WAV")
    assert len(read(tmp_path / "a", with_sizes(file.getvalue(), 0, 0)).samples) == RATE


def test_a_flac_stream_is_read_to_its_end(tmp_path: Path) -> None:
    data = bytearray(encode("FLAC"))
    facts = int.from_bytes(data[18:26], "big") >> 36 << 36
    data[18:26] = facts.to_bytes(8, "big")
    np.testing.assert_allclose(read(tmp_path / "a", bytes(data)).samples[:, 0], NOISE, atol=1 / 32768)


def test_an_empty_file_with_facts_after_its_sound_is_no_stream(tmp_path: Path) -> None:
    chunk = b"LIST" + struct.pack("<I", 4) + b"INFO"
    data = encode("WAV")[:44] + chunk
    with pytest.raises(SoundFileError, match="holds no audio"):
        read(tmp_path / "a", with_sizes(data, len(data) - 8, 0))


@pytest.mark.parametrize("kind", ["WAV", "WAVEX", "RF64", "AIFF", "AU", "W64"])
def test_half_a_file_is_read_and_said(tmp_path: Path, kind: str) -> None:
    data = encode(kind)
    found = read(tmp_path / "a", data[: len(data) - 2 * RATE])
    assert found.cut_off
    assert found.notes == (HALF,)
    np.testing.assert_allclose(found.samples[:RATE, 0], NOISE[:RATE], atol=1 / 32768)


def test_half_a_compressed_file_is_read_and_said(tmp_path: Path) -> None:
    data = encode("FLAC")
    found = read(tmp_path / "a", data[: len(data) // 2])
    assert found.cut_off
    assert "it is cut off: its header tells of 2.00 s" in found.notes[0]
    assert len(found.samples) > RATE // 2
    np.testing.assert_allclose(found.samples[:, 0], NOISE[: len(found.samples)], atol=1 / 32768)


def test_bytes_beyond_the_header_are_said(tmp_path: Path) -> None:
    data = encode("WAV")
    assert read(tmp_path / "a", data + bytes(128)).notes == ()
    assert read(tmp_path / "b", data + bytes(4000)).notes == ("4000 bytes after the end of its sound were not read",)


def test_what_is_louder_than_full_scale_is_scaled_and_said(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.stack([8 * TONE, TONE], axis=1), RATE, subtype="FLOAT")
    found = read_sound_file(tmp_path / "a.wav")
    assert found.notes == ("peaks at 4 times full scale; scaled down by 12.0 dB",)
    np.testing.assert_allclose(found.samples, np.stack([2 * TONE, TONE / 4], axis=1), atol=1e-3)


def test_values_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    for value in (np.nan, np.inf, -np.inf):
        soundfile.write(tmp_path / "a.wav", np.array([0.0, value]), RATE, subtype="FLOAT")
        with pytest.raises(SoundFileError, match="values that are not numbers"):
            read_sound_file(tmp_path / "a.wav")


@pytest.mark.parametrize("rate", [1, 400, 2_000_000])
def test_a_rate_that_holds_no_speech_is_refused(tmp_path: Path, rate: int) -> None:
    soundfile.write(tmp_path / "a.wav", TONE, rate)
    with pytest.raises(SoundFileError, match=f"has a sample rate of {rate} Hz"):
        read_sound_file(tmp_path / "a.wav")


def test_the_name_tells_nothing(tmp_path: Path) -> None:
    assert read(tmp_path / "a.raw", encode("WAV")).notes == ()
    with pytest.raises(SoundFileError, match="is not a readable sound file"):
        read(tmp_path / "b.raw", TONE.tobytes())
    named = tmp_path / os.fsdecode(b"b\xff.wav")
    assert len(read(named, encode("WAV")).samples) == len(NOISE)


def channels(*columns: Samples) -> SoundFile:
    return SoundFile(np.stack(columns, axis=1), RATE)


def test_channels_are_mixed(tmp_path: Path) -> None:
    mono, notes = mix_to_one(channels(TONE, NOISE))
    np.testing.assert_allclose(mono, (TONE + NOISE) / 2, atol=1e-6)
    assert notes == ("2 channels mixed to one",)
    assert mix_to_one(channels(TONE)) == (pytest.approx(TONE), ())
    assert np.array_equal(mix_to_one(channels(TONE, np.zeros_like(TONE)))[0], TONE / 2)


@pytest.mark.parametrize("gain", [-1.0, -0.9, -0.5])
def test_channels_that_cancel_are_not_mixed(gain: float) -> None:
    mono, (note,) = mix_to_one(channels(gain * NOISE, NOISE if gain > -1 else 1.1 * NOISE))
    np.testing.assert_allclose(np.abs(mono), np.abs(NOISE if gain > -1 else 1.1 * NOISE))
    assert note == "2 channels cancel each other out when mixed; only channel 2, the loudest, is used"


def test_a_part_that_cancels_is_not_mixed_either() -> None:
    turned = np.where(np.arange(len(NOISE)) < RATE, NOISE, -NOISE)
    assert "cancel each other out" in mix_to_one(channels(NOISE, turned))[1][0]


def test_silence() -> None:
    assert is_silent(np.full(100, 0.3, np.float32))
    assert is_silent(NOISE * 1e-4)
    assert not is_silent(NOISE)


def test_a_wav_is_written_whole(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", np.stack([TONE, 4 * TONE], axis=1), RATE)
    found = read_sound_file(tmp_path / "a.wav")
    np.testing.assert_allclose(found.samples, np.clip(np.stack([TONE, 4 * TONE], axis=1), -1, 1), atol=1e-4)
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


SHORT = np.linspace(-1, 1, 300)
PIECES = (
    b"RIFF",
    b"RF64",
    b"data",
    b"fmt ",
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\0\0\xc0\x7f",
    b"fLaC",
    b"FORM",
    b"\x80",
)


def short(kind: str, subtype: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, SHORT, RATE, format=kind, subtype=subtype)
    return file.getvalue()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=make_malformed(
        [short(*one) for one in (("WAV", "PCM_16"), ("WAV", "FLOAT"), ("RF64", "PCM_24"), ("AIFF", "PCM_16"))]
        + [short(*one) for one in (("FLAC", "PCM_16"), ("AU", "ULAW"), ("W64", "DOUBLE"), ("WAV", "MS_ADPCM"))],
        PIECES,
    ),
    suffix=st.sampled_from([".wav", ".raw", ".flac"]),
)
def test_any_file_is_sound_or_a_typed_error(tmp_path: Path, data: bytes, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(data)
    found = value_or_error(lambda: read_sound_file(path), SoundFileError)
    if isinstance(found, SoundFileError):
        assert is_one_line(found, path)
        return
    mono, _ = mix_to_one(found)
    assert mono.shape == (len(found.samples),)
    assert len(mono)
    assert np.abs(mono).max() <= 1.0


def test_a_small_file_of_hours_of_one_value_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", np.zeros((1 << 24, 1), np.float32), 48_000)
    read_sound_file(tmp_path / "a.flac")
    soundfile.write(tmp_path / "a.flac", np.zeros(((1 << 24) + 8192, 1), np.float32), 48_000)
    with pytest.raises(SoundFileError, match="unpack to far more sound than a recording of that size"):
        read_sound_file(tmp_path / "a.flac")
    soundfile.write(tmp_path / "a.flac", np.zeros((1 << 20, 1), np.float32), 1_000)
    with pytest.raises(SoundFileError, match="unpack to far more sound"):
        read_sound_file(tmp_path / "a.flac")


def test_a_quiet_recording_of_that_length_is_read(tmp_path: Path) -> None:
    sound = np.zeros((1 << 22, 1), np.float32)
    soundfile.write(tmp_path / "a.wav", sound, 8_000)
    assert len(read_sound_file(tmp_path / "a.wav").samples) == len(sound)
