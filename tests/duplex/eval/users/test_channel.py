"""The channel as a whole: nothing without conditions, the order of its stages, one seed."""

from pathlib import Path

import numpy as np
import pytest

from duplex.eval.users.packet_loss import PACKET
from duplex.eval.users.user import Event, Script, SimulatedUser, WhileSpeaking
from duplex.model.interface import Samples
from tests.duplex.eval.fakes import IN, OUT, KnownAssistant
from tests.duplex.eval.users.acoustics import (
    CONFIG,
    clip_of,
    hear,
    hiss,
    rms,
    script_of,
    tone,
    user_under,
    write_sounds,
)

ALL = ("rate=1.25", "echo=-30", "rir=1", "snr=10", "mulaw", "loss=0.1/2")
DATA = Path(__file__).parents[5] / "shared" / "data"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_sounds(tmp_path / "data")


@pytest.fixture
def script(tmp_path: Path) -> Script:
    return script_of(clip_of(tmp_path / "clip.wav", tone(300.0, 1.0)), 0.5, 2.1)


def test_without_conditions_slots_are_those_of_the_user(data: Path, script: Script) -> None:
    channel, user = user_under(data, script), SimulatedUser(script, CONFIG)
    np.testing.assert_array_equal(hear(channel), hear(user))
    assert channel.played == user.played


def test_a_user_behind_a_channel_reacts_as_before(data: Path, tmp_path: Path) -> None:
    clip = clip_of(tmp_path / "clip.wav", tone(300.0, 1.0))
    late = Script((*script_of(clip, 0.5).events, Event("in", clip, WhileSpeaking(0.5))), 1.0)
    users = [user_under(data, late), user_under(data, late, *ALL[1:]), user_under(data, late, *ALL[1:], seed=1)]
    talks = [KnownAssistant(answer_s=3.0).converse(user, 0) for user in users]
    assert users[0].played == users[1].played == users[2].played
    assert users[0].skipped == users[1].skipped == ()
    np.testing.assert_array_equal(talks[0].assistant, talks[1].assistant)


def test_one_seed_is_one_channel(data: Path, script: Script) -> None:
    said = hiss(2.0, OUT)
    first, again, other = (hear(user_under(data, script, *ALL, seed=seed), said) for seed in (7, 7, 8))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert np.abs(first).max() <= 1.0


def test_noise_is_not_in_the_room(data: Path, script: Script) -> None:
    """Where nobody speaks, the noise is the same with and without a room."""
    alone, both = hear(user_under(data, script, "snr=10")), hear(user_under(data, script, "rir=1", "snr=10"))
    np.testing.assert_allclose(both[: IN // 2], alone[: IN // 2], atol=1e-6)
    assert np.abs(both[IN // 2 : IN] - alone[IN // 2 : IN]).max() > 0.01


def test_the_echo_is_in_the_room(data: Path, tmp_path: Path) -> None:
    silent = script_of(clip_of(tmp_path / "no.wav", np.zeros(3 * IN, np.float32)), 0.0)
    said = hiss(1.0, OUT)
    dry, wet = (
        hear(user_under(data, silent, "echo=-20"), said),
        hear(user_under(data, silent, "rir=1", "echo=-20"), said),
    )
    end = round(1.08 * IN)
    assert rms(dry[end : end + 1600]) < 1e-5 < rms(wet[end : end + 1600])


def test_noise_and_echo_pass_the_telephone(data: Path, script: Script) -> None:
    channel = hear(user_under(data, script, "mulaw", "snr=0", "echo=-20"), hiss(3.0, OUT))
    spectrum = np.abs(np.fft.rfft(channel))
    assert rms(spectrum[round(len(spectrum) * 0.54) :]) < 0.02 * rms(spectrum[: len(spectrum) // 2])


def silent_packets(channel: Samples) -> list[int]:
    """Packets that are silent up to their end."""
    return np.flatnonzero(~channel.reshape(-1, PACKET)[:, 100:].any(axis=1)).tolist()


def test_packets_are_lost_last_and_the_same_ones_whatever_else_is_wrong(data: Path, script: Script) -> None:
    noisy = silent_packets(hear(user_under(data, script, "snr=0", "loss=0.1/2")))
    assert len(noisy) > 5
    assert silent_packets(hear(user_under(data, script, "snr=0", "mulaw", "rir=1", "loss=0.1/2"))) == noisy


def test_the_rate_comes_first(data: Path, script: Script) -> None:
    """The room of faster speech is the same room, not a faster one; the noise is relative to faster speech."""
    user = user_under(data, script, "rate=2", "rir=1")
    channel, (first, second) = hear(user), user.played
    assert (first.end - first.start, second.start) == (IN // 2, round(2.1 * IN))
    assert rms(channel[first.end + 2400 : first.end + 3200]) > 1e-4


@pytest.mark.data
@pytest.mark.skipif(not DATA.is_dir(), reason="needs the folder of real audio beside the repository")
@pytest.mark.parametrize("room", range(1, 7))
def test_real_rooms_and_noise_leave_a_users_energy_and_beginning(tmp_path: Path, room: int) -> None:
    speech = hiss(1.0)
    script = script_of(clip_of(tmp_path / "clip.wav", speech), 0.5, silence_s=12.0)
    reverberant = hear(user_under(DATA, script, f"rir={room}"))
    noise = hear(user_under(DATA, script, "snr=10", seed=room)) - hear(user_under(DATA, script))
    assert rms(reverberant[: IN // 2]) < 1e-6 < rms(reverberant[IN // 2 : IN // 2 + 16])
    assert np.sum(reverberant**2) / np.sum(speech**2) == pytest.approx(1.0, rel=0.01)
    assert 20 * np.log10(rms(speech) / rms(noise)) == pytest.approx(10.0, abs=1.0)
