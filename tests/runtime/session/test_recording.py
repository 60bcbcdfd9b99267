"""Recordings: two channels on one clock, exact user audio, readable whenever the process ends."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from configs.audio import AUDIO
from configs.runtime.runtime import RecordingConfig
from runtime.errors import AudioError
from runtime.pcm import Pcm16, to_int16
from runtime.session.recording import (
    Recorder,
    WavWriter,
    read_recording,
    repair_recording,
    wav_header,
    write_recording,
)
from tests.runtime.results import tone

SLOT_IN, SLOT_OUT = 3200, 4800
CONFIG = RecordingConfig(header_every_slots=5)


def user_tone(slots: int) -> Pcm16:
    time = np.arange(slots * SLOT_IN) / 16_000
    return to_int16((0.3 * np.sin(2 * np.pi * 100 * time)).astype(np.float32))


def record(folder: Path, slots: int) -> Recorder:
    recording = Recorder(folder, CONFIG)
    user = user_tone(slots)
    for slot in range(slots):
        recording.add(user[slot * SLOT_IN : (slot + 1) * SLOT_IN], tone(slot + 1))
    return recording


def test_both_sides_lie_on_one_clock(tmp_path: Path) -> None:
    record(tmp_path, 10).close()
    both, rate = soundfile.read(tmp_path / "dialogue.wav", dtype="float32")
    assert (rate, both.shape) == (24_000, (11 * SLOT_OUT, 2))
    time = np.arange(11 * SLOT_OUT) / 24_000
    want = 0.3 * np.sin(2 * np.pi * 100 * time)
    inner = slice(500, 10 * SLOT_OUT - 500)
    assert np.abs(both[inner, 0] - want[inner]).max() < 1e-3
    assert not both[:SLOT_OUT, 1].any()
    assert np.abs(both[SLOT_OUT:, 1] - want[SLOT_OUT:]).max() < 1e-4


def test_the_users_file_holds_exactly_what_the_model_heard(tmp_path: Path) -> None:
    record(tmp_path, 7).close()
    pcm, rate = soundfile.read(tmp_path / "user.wav", dtype="int16")
    assert rate == 16_000
    np.testing.assert_array_equal(pcm, user_tone(7))
    np.testing.assert_array_equal(read_recording(tmp_path / "user.wav"), user_tone(7))


def test_a_killed_process_leaves_readable_files(tmp_path: Path) -> None:
    """What is on disk at any moment: all slots up to the last header and, after a repair, all that was written."""
    recording = record(tmp_path, 12)
    copies = tmp_path / "at that moment"
    copies.mkdir()
    for name in ("user.wav", "dialogue.wav"):
        (copies / name).write_bytes((tmp_path / name).read_bytes())
    recording.close()
    assert soundfile.info(copies / "user.wav").frames == 10 * SLOT_IN
    assert soundfile.info(copies / "dialogue.wav").frames >= 9 * SLOT_OUT
    for name in ("user.wav", "dialogue.wav"):
        before = soundfile.info(copies / name).frames
        repair_recording(copies / name)
        assert soundfile.info(copies / name).frames >= before
    np.testing.assert_array_equal(
        soundfile.read(copies / "user.wav", dtype="int16")[0], read_recording(copies / "user.wav")
    )


def test_samples_that_the_header_does_not_tell_of_are_found(tmp_path: Path) -> None:
    recording = record(tmp_path, 5)
    path = tmp_path / "user.wav"
    with path.open("ab") as file:
        file.write(user_tone(6)[5 * SLOT_IN :].astype("<i2").tobytes() + b"\x01")
    np.testing.assert_array_equal(read_recording(path), user_tone(6))
    repair_recording(path)
    np.testing.assert_array_equal(soundfile.read(path, dtype="int16")[0], user_tone(6))
    recording.close()


def test_disk_space_is_bounded(tmp_path: Path) -> None:
    recording = Recorder(tmp_path, RecordingConfig(max_minutes=1 / 60))
    for slot in range(20):
        recording.add(np.zeros(SLOT_IN, dtype=np.int16), tone(slot + 1))
    recording.close()
    assert soundfile.info(tmp_path / "user.wav").duration == pytest.approx(1.0)
    assert soundfile.info(tmp_path / "dialogue.wav").duration == pytest.approx(1.2)


def test_an_empty_conversation_is_a_readable_file(tmp_path: Path) -> None:
    recording = Recorder(tmp_path, CONFIG)
    recording.close()
    assert soundfile.info(tmp_path / "user.wav").frames == 0
    assert len(read_recording(tmp_path / "user.wav")) == 0
    assert soundfile.info(tmp_path / "dialogue.wav").frames == SLOT_OUT


WRONG_RATE, FIVE_CHANNELS = wav_header(1_000_000_000, 2, 0), wav_header(16_000, 5, 0)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"x" * 100, WRONG_RATE, FIVE_CHANNELS])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(content)
    with pytest.raises(AudioError, match="is not a recording of this program"):
        read_recording(path)


def test_impossible_places_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="cannot be written"):
        WavWriter(tmp_path / "no folder" / "x.wav", 16_000, 1)
    with pytest.raises(AudioError, match="cannot be read"):
        read_recording(tmp_path / "none.wav")


def test_a_whole_file_is_written_beside_its_place(tmp_path: Path) -> None:
    write_recording(tmp_path / "a.wav", user_tone(2), AUDIO.input_rate)
    np.testing.assert_array_equal(read_recording(tmp_path / "a.wav"), user_tone(2))
    assert soundfile.info(tmp_path / "a.wav").frames == len(user_tone(2))
    write_recording(tmp_path / "new" / "b.wav", user_tone(1), AUDIO.input_rate)
    with pytest.raises(AudioError, match=r"c\.wav: cannot be written"):
        write_recording(tmp_path / "a.wav" / "c.wav", user_tone(1), AUDIO.input_rate)
