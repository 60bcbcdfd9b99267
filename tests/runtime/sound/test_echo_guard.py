"""The assistant does not take its own voice for the user's, and the user is heard as before."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from configs.audio import AUDIO
from configs.runtime.runtime import EchoGuardConfig, RuntimeConfig
from duplex.model.interface import ConversationOptions, Samples
from runtime.converse import Conversation, converse_with
from runtime.engine.worker import load_model
from runtime.pcm import level_db, to_int16
from runtime.replay import compare, load_logged, replay
from runtime.session.log_records import SlotRow
from runtime.session.recording import read_recording
from runtime.sound.echo_guard import EchoGuard, PlayedSound
from tests.runtime.sound.echoing import VOICE, VoicedGenerator, echoing, speechlike

RATE, SLOT, PACKET = AUDIO.input_rate, AUDIO.slot_input_samples, AUDIO.packet_output_samples
UNGUARDED = RuntimeConfig(echo=EchoGuardConfig(enabled=False))
CONFIG = EchoGuardConfig()
SPEECH = Path(__file__).parents[2] / "data" / "speech"


def saying(seconds: float, *spans: tuple[float, float]) -> Samples:
    """A user of `seconds` who speaks in the spans (seconds)."""
    user = np.zeros(round(seconds * RATE), np.float32)
    for number, (begin, end) in enumerate(spans):
        voice = speechlike(end - begin, RATE, seed=100 + number)
        user[round(begin * RATE) : round(begin * RATE) + len(voice)] = voice
    return user


QUESTION = saying(14.0, (0.6, 1.6))
INTERRUPTION = saying(8.0, (0.6, 1.6), (3.0, 3.6))


def talk(user: Samples, gain_db: float | None, config: RuntimeConfig | None = None, **way: float) -> Conversation:
    return converse_with(VoicedGenerator(), echoing(user, gain_db, **way), config=config)


def events(rows: tuple[SlotRow, ...]) -> list[tuple[int, str]]:
    return [(row.slot, row.event) for row in rows if row.event]


def count(conversation: Conversation, event: str) -> int:
    return sum(row.event == event for row in conversation.rows)


def test_without_a_guard_it_cuts_itself_without_end() -> None:
    conversation = talk(QUESTION, -12, UNGUARDED)
    assert count(conversation, "cut") >= 8
    assert count(conversation, "end") == 0


@pytest.mark.parametrize("gain_db", [-12.0, -15.0])
@pytest.mark.parametrize("delay_ms", [60.0, 120.0, 300.0, 600.0])
def test_the_loop_is_broken(gain_db: float, delay_ms: float) -> None:
    conversation = talk(QUESTION, gain_db, delay_ms=delay_ms)
    assert count(conversation, "cut") <= 2
    assert count(conversation, "end") == 1
    assert events(conversation.rows)[-1][1] == "end"


def test_the_user_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "runtime")
    talk(QUESTION, -12)
    assert sum("Use headphones" in line for line in caplog.messages) == 1


def test_an_interruption_stops_it_as_without_an_echo() -> None:
    plain, guarded = talk(INTERRUPTION, None), talk(INTERRUPTION, -15)
    cut = next(slot for slot, event in events(plain.rows) if event == "cut")
    assert 3.0 / 0.2 <= cut <= 3.0 / 0.2 + 2
    assert any("echo" in row.degraded for row in guarded.rows)
    assert (cut, "cut") in events(guarded.rows)


def test_who_hears_no_echo_is_heard_unchanged() -> None:
    guarded, plain = talk(INTERRUPTION, None), talk(INTERRUPTION, None, UNGUARDED)
    assert [row.user_sha256 for row in guarded.rows] == [row.user_sha256 for row in plain.rows]
    assert not any("echo" in row.degraded for row in guarded.rows)


def test_a_logged_conversation_with_an_echo_replays_equal(tmp_path: Path) -> None:
    conversation = converse_with(VoicedGenerator(), echoing(INTERRUPTION, -12), folder=tmp_path)
    assert any("echo" in row.degraded for row in conversation.rows)
    np.testing.assert_array_equal(read_recording(tmp_path / "user.wav"), conversation.user)
    logged = load_logged(tmp_path / "slots.jsonl")
    assert logged.rows == conversation.rows
    report = compare(logged.rows, replay(logged, VoicedGenerator()).rows)
    assert (report.equal, report.p_speak_error) == (True, 0.0)


def through_the_network(
    gain_db: float, delay_ms: float, first_packet: int = 0, user: Samples | None = None, slots: int = 20
) -> tuple[EchoGuard, list[tuple[Samples, Samples, bool]]]:
    """A live session: packets are pulled every 20 ms, `first_packet` of them late; (microphone, heard, taken out)."""
    guard, delay = EchoGuard(CONFIG), round(delay_ms * RATE / 1000)
    played = soxr.resample(VOICE, AUDIO.output_rate, RATE)
    echo = 10 ** (gain_db / 20) * np.concatenate([np.zeros(delay + first_packet * 320), played])
    noise = 1e-3 * np.random.default_rng(1).standard_normal(slots * SLOT)
    out = []
    for slot in range(slots):
        for packet in range(slot * 10, slot * 10 + 10):
            if packet >= first_packet:
                place = (packet - first_packet) * PACKET
                guard.on_played(VOICE[place : place + PACKET])
        span = slice(slot * SLOT, (slot + 1) * SLOT)
        microphone = echo[span] + noise[span] + (0 if user is None else user[span])
        heard, taken = guard.hear(to_int16(microphone.astype(np.float32)))
        out.append((microphone, heard / 32768, taken))
    return guard, out


@pytest.mark.parametrize("gain_db", [-12.0, -18.0, -24.0, -30.0])
@pytest.mark.parametrize(("delay_ms", "first_packet"), [(120.0, 0), (350.0, 7), (120.0, 43)])
def test_an_echo_is_found_within_a_second_and_taken_out(gain_db: float, delay_ms: float, first_packet: int) -> None:
    guard, out = through_the_network(gain_db, delay_ms, first_packet)
    assert guard.found
    first = next(number for number, (*_, taken) in enumerate(out) if taken)
    assert first - first_packet / 10 <= 5
    before, after = (level_db(np.concatenate([one[side] for one in out[first + 2 :]])) for side in (0, 1))
    assert after < max(before - 12.0, -55.0)


@pytest.mark.parametrize("loud", [0.3, 1.0, 3.0])
def test_a_user_who_speaks_all_the_time_is_no_echo(loud: float) -> None:
    guard, out = through_the_network(-200.0, 120.0, user=loud * speechlike(12.0, RATE, seed=5), slots=60)
    assert not guard.found
    assert not any(taken for *_, taken in out)


@pytest.mark.parametrize("pitch", [400.0, 405.0, 1000.0])
def test_a_tone_has_no_edges_that_look_like_an_echo(pitch: float) -> None:
    """Apart from it, nothing is left of a tone but the artefacts of cutting it into slots."""
    tone = (0.3 * np.sin(2 * np.pi * pitch * np.arange(8 * AUDIO.output_rate) / AUDIO.output_rate)).astype(np.float32)
    assert not listen(EchoGuard(CONFIG), tone, speechlike(8.0, RATE, seed=5))


def listen(guard: EchoGuard, played: Samples, heard: Samples) -> bool:
    """Whether an echo is found while [n] at 24 kHz is played and [n] at 16 kHz is heard."""
    user = to_int16(heard)
    for slot in range(len(user) // SLOT):
        for place in range((10 * slot) * PACKET, (10 * slot + 10) * PACKET, PACKET):
            guard.on_played(played[place : place + PACKET])
        guard.hear(user[slot * SLOT : (slot + 1) * SLOT])
    return guard.found


def beeps(rate: int, length_s: float, period_s: float, late_s: float = 0.0) -> Samples:
    time = np.arange(8 * rate) / rate + late_s
    return (0.3 * np.sin(800 * np.pi * time) * (time % period_s < length_s)).astype(np.float32)


def test_beeps_of_one_pitch_on_both_sides_are_no_echo() -> None:
    played = beeps(AUDIO.output_rate, 1.0, 1.6)
    late = [number * 0.0127 for number in range(12)]
    assert not any(listen(EchoGuard(CONFIG), played, beeps(RATE, 0.2, 1.0, late_s)) for late_s in late)


def test_what_a_codec_makes_of_silence_is_no_echo() -> None:
    """Chromium's decoded silence has two samples of 1 in each packet."""
    silence = np.zeros(15 * SLOT, np.float32)
    silence.reshape(-1, 320)[:, 100:102] = 1 / 32768
    for packets in range(10, 50):
        played = np.concatenate([np.zeros(packets * PACKET, np.float32), VOICE])
        assert not listen(EchoGuard(CONFIG), played, silence)


def test_a_user_who_speaks_over_an_echo_is_still_heard() -> None:
    user = np.zeros(40 * SLOT, np.float32)
    user[20 * SLOT :] = speechlike(4.0, RATE, seed=6)
    _, out = through_the_network(-18.0, 120.0, user=user, slots=40)
    spoken, heard = level_db(user[22 * SLOT :]), level_db(np.concatenate([one[1] for one in out[22:]]))
    assert abs(spoken - heard) < 4.0


def test_what_was_played_is_kept_by_position() -> None:
    played = PlayedSound(4 * SLOT)
    for place in range(0, 30 * PACKET, PACKET):
        played.push(VOICE[place : place + PACKET])
    want = soxr.resample(VOICE[: 60 * PACKET], AUDIO.output_rate, RATE)
    got = played.window(6400, 3200)
    assert level_db(got - want[3200:6400]) < level_db(got) - 20
    assert not played.window(30 * 320 + 3200, 3200).any()
    assert played.packets == 30


def test_mini_tells_its_story_to_a_laptop_without_headphones() -> None:
    """The case as it was found: the loudspeaker comes back after 120 ms at -18 dB over a floor of -60 dBFS."""
    speech, rate = soundfile.read(SPEECH / "tell_me_a_story.flac", dtype="float32")
    user = np.zeros(6 * RATE, np.float32)
    question = soxr.resample(speech, rate, RATE)
    user[RATE // 2 : RATE // 2 + len(question)] = question
    conversation = converse_with(load_model("mini", 1, 1), echoing(user, -18), ConversationOptions(seed=1))
    assert [event for _, event in events(conversation.rows)] == ["start"]
