"""The simulated user plays its clips where its script says, to the sample."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configs.audio import AUDIO
from configs.eval.evaluation import EvaluationConfig, UserConfig
from duplex.eval.errors import EvaluationError
from duplex.eval.users.clip import Clip
from duplex.eval.users.user import After, AfterStart, At, Event, Script, SimulatedUser, When, WhenSilent, WhileSpeaking
from tests.duplex.eval.fakes import IN, LEVEL, OUT, SLOT_OUT, KnownAssistant, write_clip

CONFIG = EvaluationConfig()
SLOT_IN = AUDIO.slot_input_samples
SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)


@pytest.fixture
def clip(tmp_path: Path) -> Clip:
    return Clip(write_clip(tmp_path / "one.wav", 1.0), exact=True)


def hear(user: SimulatedUser, spans: list[tuple[int, int]], slots: int) -> np.ndarray:
    """The user's channel while the assistant is loud in `spans` (samples at 24 kHz)."""
    assistant = np.zeros(slots * SLOT_OUT, np.float32)
    for start, end in spans:
        assistant[start:end] = LEVEL
    said = [user.next_slot(piece) for piece in assistant.reshape(slots, SLOT_OUT)]
    return np.concatenate([piece for piece in said if piece is not None])


def user_of(
    clip: Clip, *when: When, silence_s: float = 1.0, until: WhenSilent | AfterStart | None = None
) -> SimulatedUser:
    events = tuple(Event(str(number), clip, w) for number, w in enumerate(when))
    return SimulatedUser(Script(events, silence_s, until), CONFIG)


@SHARED
@given(start=st.floats(0.0, 3.0), gap=st.floats(0.0, 3.0))
def test_clips_stand_where_they_are_reported(clip: Clip, start: float, gap: float) -> None:
    user = user_of(clip, At(start), After(gap))
    channel = hear(user, [], 50)
    first, second = user.played
    assert first.start == round(start * IN)
    assert second.start == first.end + round(gap * IN)
    loud_places = np.flatnonzero(channel)
    expected = np.r_[first.start : first.end, second.start : second.end]
    np.testing.assert_array_equal(loud_places, expected)


@SHARED
@given(onset=st.integers(0, 3 * OUT), delay=st.floats(0.1, 3.0))
def test_a_clip_starts_when_the_assistant_has_spoken_long_enough(clip: Clip, onset: int, delay: float) -> None:
    user = user_of(clip, WhileSpeaking(delay))
    hear(user, [(onset, 10 * OUT)], 50)
    assert user.played[0].start == pytest.approx(onset * IN / OUT + delay * IN, abs=1.0)


@SHARED
@given(end=st.integers(OUT // 2, 3 * OUT), delay=st.floats(0.4, 3.0))
def test_a_clip_starts_when_the_assistant_has_been_silent_long_enough(clip: Clip, end: int, delay: float) -> None:
    user = user_of(clip, WhenSilent(delay))
    hear(user, [(OUT // 4, end)], 50)
    assert user.played[0].start == pytest.approx(end * IN / OUT + delay * IN, abs=1.0)


def test_an_assistant_that_stops_too_early_is_not_interrupted(clip: Clip) -> None:
    user = user_of(clip, WhileSpeaking(2.0))
    hear(user, [(0, 1 * OUT), (3 * OUT, 8 * OUT)], 45)
    assert user.played[0].start == 5 * IN


def test_a_clip_after_the_answers_start_does_not_wait_for_more_speech(clip: Clip) -> None:
    user = user_of(clip, At(1.0), AfterStart(2.0))
    hear(user, [(0, OUT), (round(2.5 * OUT), 3 * OUT)], 45)
    assert user.played[1].start == round(4.5 * IN)


def test_the_assistants_own_short_pause_does_not_restart_the_count(clip: Clip) -> None:
    user = user_of(clip, WhileSpeaking(2.0))
    hear(user, [(0, 1 * OUT), (round(1.29 * OUT), 8 * OUT)], 45)
    assert user.played[0].start == 2 * IN


def test_silence_after_a_clip_counts_only_once_the_assistant_has_answered_it(clip: Clip) -> None:
    user = user_of(clip, At(0.0), WhenSilent(0.5))
    hear(user, [(OUT // 10, OUT // 2), (3 * OUT, 4 * OUT)], 45)
    assert user.played[1].start == round(4.5 * IN)


def test_it_gives_up_on_an_assistant_that_never_speaks(clip: Clip) -> None:
    config = EvaluationConfig(user=UserConfig(patience_s=2.0))
    script = Script((Event("0", clip, At(0.0)), Event("1", clip, WhileSpeaking(1.0))), 1.0)
    user = SimulatedUser(script, config)
    channel = hear(user, [], 50)
    assert (len(user.played), user.skipped) == (1, ("1",))
    assert len(channel) <= (1 + 2 + 1) * IN


def test_the_conversation_ends_after_the_silence(clip: Clip) -> None:
    assert len(hear(user_of(clip, At(0.5), silence_s=2.0), [], 50)) == round(3.6 * IN)


def test_an_answer_is_heard_out(clip: Clip) -> None:
    user = user_of(clip, At(0.0), silence_s=2.0, until=WhenSilent(1.0))
    assert len(hear(user, [(2 * OUT, 6 * OUT)], 50)) == 7 * IN


def test_an_answer_need_not_be_heard_out(clip: Clip) -> None:
    user = user_of(clip, At(0.0), silence_s=4.0, until=AfterStart(0.4))
    assert len(hear(user, [(2 * OUT, 6 * OUT)], 50)) == round(2.4 * IN)


def test_without_an_answer_the_silence_counts(clip: Clip) -> None:
    user = user_of(clip, At(0.0), silence_s=2.0, until=WhenSilent(1.0))
    assert len(hear(user, [], 50)) == 3 * IN


def test_an_endless_answer_is_not_heard_out(clip: Clip) -> None:
    config = EvaluationConfig(user=UserConfig(longest_s=4.0))
    user = SimulatedUser(Script((Event("0", clip, At(0.0)),), 2.0, WhenSilent(1.0)), config)
    assert len(hear(user, [(0, 20 * OUT)], 100)) == 5 * IN


def test_the_speech_in_a_clip_is_reported_beside_the_clip(tmp_path: Path) -> None:
    user = user_of(Clip(write_clip(tmp_path / "late.wav", 1.0, lead_s=0.25)), At(1.0))
    hear(user, [], 30)
    played = user.played[0]
    assert (played.start, played.speech_start, played.speech_end) == (IN, round(1.25 * IN), round(2.25 * IN))


def test_two_users_with_one_script_are_equal(clip: Clip) -> None:
    talks = [KnownAssistant().converse(user_of(clip, At(0.3), WhileSpeaking(0.5)), 0) for _ in range(2)]
    np.testing.assert_array_equal(talks[0].user, talks[1].user)
    np.testing.assert_array_equal(talks[0].assistant, talks[1].assistant)


def test_a_part_of_a_file_at_a_loudness(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "long.wav", 2.0)
    samples = Clip(path, 0.5, 1.25, rms=0.1).samples()
    assert len(samples) == round(0.75 * IN)
    assert float(np.sqrt(np.mean(samples**2))) == pytest.approx(0.1, rel=1e-3)


def test_clips_that_cannot_be_read_say_why(tmp_path: Path) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"no sound")
    with pytest.raises(EvaluationError, match=r"missing\.wav"):
        Clip(tmp_path / "missing.wav").samples()
    with pytest.raises(EvaluationError, match=r"broken\.wav: is not a readable sound file"):
        Clip(broken).samples()
    with pytest.raises(EvaluationError, match="holds no audio from 5"):
        Clip(write_clip(tmp_path / "short.wav", 1.0), 5.0).samples()


def test_one_slot_is_asked_for_at_a_time(clip: Clip) -> None:
    slot = user_of(clip, At(0.0)).next_slot(np.zeros(SLOT_OUT, np.float32))
    assert slot is not None
    assert slot.shape == (SLOT_IN,)
