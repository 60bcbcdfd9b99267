"""Replay: equal when all is equal, the first difference where it is not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from configs.policy import policy
from runtime.converse import converse
from runtime.errors import AudioError, LogError
from runtime.replay import compare, load_logged, replay
from runtime.session.recording import WavWriter, read_recording
from tests.runtime.fakes import FakeGenerator
from tests.runtime.user_audio import INTERRUPTION


@pytest.fixture
def log(tmp_path: Path) -> Path:
    converse(FakeGenerator(), INTERRUPTION, tail_s=2.0, folder=tmp_path, model="fake")
    return tmp_path / "slots.jsonl"


def test_a_conversation_with_an_interruption_replays_equal(log: Path) -> None:
    logged = load_logged(log)
    report = compare(logged.rows, replay(logged, FakeGenerator()).rows)
    assert (report.equal, report.difference, report.slots, report.p_speak_error) == (True, None, 40, 0.0)


def test_the_first_difference_is_named(log: Path) -> None:
    rows = load_logged(log).rows
    changed = [*rows[:9], replace(rows[9], assistant_sha256="0" * 64), replace(rows[10], event="cut"), *rows[11:]]
    report = compare(rows, changed)
    assert report.difference is not None
    assert report.difference.startswith("slot 9: assistant_sha256 was ")
    assert report.difference.endswith("is 000000000000000000000000...")


def test_another_policy_changes_the_conversation(log: Path) -> None:
    logged = load_logged(log)
    talk = replay(logged, FakeGenerator(), policy("patient"))
    report = compare(logged.rows, talk.rows)
    assert report.difference is not None
    assert "slot 8: state was SPEAK, is MUTE" in report.difference


def test_other_weights_are_refused(log: Path) -> None:
    generator = FakeGenerator()
    generator.fingerprint = "fake-2"
    with pytest.raises(LogError, match=r"made by model 'fake' \(fake-1\), this one is fake-2"):
        replay(load_logged(log), generator)


def test_changed_audio_is_found(log: Path) -> None:
    path = log.with_name("user.wav")
    data = bytearray(path.read_bytes())
    data[44 + 2 * 3200 * 5 + 100] ^= 1
    path.write_bytes(data)
    with pytest.raises(LogError, match="slot 5 is not the logged audio"):
        load_logged(log)


def test_a_recording_that_ends_before_the_log_is_replayed_as_far_as_it_goes(log: Path) -> None:
    path = log.with_name("user.wav")
    path.write_bytes(path.read_bytes()[: 44 + 2 * 3200 * 12 + 77])
    logged = load_logged(log)
    assert len(logged.rows) == 12
    assert compare(logged.rows, replay(logged, FakeGenerator()).rows).equal


def test_a_log_needs_its_audio(log: Path) -> None:
    path = log.with_name("user.wav")
    stereo = WavWriter(path, 16_000, 2)
    stereo.write(np.zeros((9000, 2), dtype=np.int16))
    stereo.close()
    assert read_recording(path).shape == (9000, 2)
    with pytest.raises(LogError, match="there is nothing to replay"):
        load_logged(log)
    path.unlink()
    with pytest.raises(AudioError, match="cannot be read"):
        load_logged(log)


def test_a_replay_writes_a_conversation_of_its_own(log: Path, tmp_path: Path) -> None:
    replay(load_logged(log), FakeGenerator(), folder=tmp_path / "again")
    again = load_logged(tmp_path / "again" / "slots.jsonl")
    assert again.log.header.source == f"replay of {load_logged(log).log.header.session}"
    assert compare(load_logged(log).rows, again.rows).equal
