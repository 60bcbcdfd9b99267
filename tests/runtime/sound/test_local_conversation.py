"""A conversation in a room: the card's clock drives it, and the assistant does not hear itself."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from configs.policy import policy
from configs.runtime.local import EchoCancellerConfig, LocalConfig
from configs.runtime.runtime import RecordingConfig, RuntimeConfig
from duplex.model.interface import ConversationOptions
from runtime.clock import ManualClock
from runtime.engine.engine import Engine, InlineEngine
from runtime.errors import AudioError
from runtime.pcm import Pcm16
from runtime.sessions import SessionHub
from runtime.sound.local_conversation import LocalConversation, SessionLost
from runtime.webrtc.messages import Cut, LatencyMessage, ServerMessage, SlotMessage
from tests.runtime.fakes import FailingGenerator, FakeGenerator
from tests.runtime.sound.room import BLOCK, RATE, RoomCard
from tests.runtime.sound.talking import SPEECH, TalkingGenerator


def sentence(name: str) -> Pcm16:
    """A spoken sentence at the card's rate."""
    pcm, rate = soundfile.read(SPEECH / f"{name}.flac", dtype="int16")
    return np.asarray(soxr.resample(pcm, rate, RATE), dtype=np.int16)


class Talk:
    """A conversation of `seconds` in which the user says sentences at given times (seconds)."""

    def __init__(
        self, said: dict[float, str], *, echo: float = 0.0, aec: bool = True, folder: Path | None = None
    ) -> None:
        self.clock = ManualClock()
        recording = RecordingConfig(folder=folder or Path(), enabled=folder is not None)
        runtime = RuntimeConfig(recording=recording)
        self.hub = SessionHub(
            InlineEngine(Engine(self.generator(), self.clock, runtime.engine), "fake"), runtime, self.clock
        )
        self.messages: list[ServerMessage] = []
        self.card = RoomCard(self._user(said), self.clock, echo)
        session = self.hub.open(ConversationOptions(policy=policy("balanced")))
        config = LocalConfig(echo=EchoCancellerConfig(enabled=aec))
        self.live = LocalConversation(self.card, self.hub, session, config, self.clock, self.messages.append)

    def generator(self) -> FakeGenerator:
        return TalkingGenerator()

    def run(self, seconds: float) -> list[str]:
        """Let time pass; returns the events so far."""
        for _ in range(round(seconds * 100)):
            self.card.pass_time()
            self.live.turn()
        return [m.event for m in self.messages if isinstance(m, SlotMessage) and m.event]

    @staticmethod
    def _user(said: dict[float, str]) -> Callable[[int], Pcm16]:
        track = np.zeros(40 * RATE, dtype=np.int16)
        for at, name in said.items():
            pcm = sentence(name)
            track[round(at * RATE) : round(at * RATE) + len(pcm)] = pcm
        track += np.random.default_rng(0).normal(0, 3, len(track)).astype(np.int16)
        return lambda block: track[block * BLOCK : (block + 1) * BLOCK]


def test_a_question_is_answered_and_the_speaker_never_runs_dry() -> None:
    talk = Talk({0.5: "tell_me_a_story"})
    assert talk.run(6.0) == ["start", "end"]
    assert talk.card.faults["silence"] == 0
    assert np.abs(np.concatenate(talk.card.speaker)).max() > 3000


def test_speaking_over_the_assistant_stops_it() -> None:
    talk = Talk({0.5: "tell_me_a_story", 3.0: "capital_of_norway"}, echo=0.3)
    events = talk.run(9.0)
    assert events[:2] == ["start", "cut"]
    assert events[-1] == "end"
    assert any(isinstance(message, Cut) for message in talk.messages)
    assert {m.kind for m in talk.messages if isinstance(m, LatencyMessage)} == {"response", "stop"}


def test_the_assistant_does_not_hear_itself() -> None:
    said = {0.5: "tell_me_a_story"}
    with_aec, without = Talk(said, echo=0.5), Talk(said, echo=0.5, aec=False)
    assert with_aec.run(7.0) == ["start", "end"]
    assert "cut" in without.run(7.0)
    assert with_aec.live.echo_reduction_db > 12
    assert without.live.echo_reduction_db == pytest.approx(0.0)


def test_the_recording_is_kept(tmp_path: Path) -> None:
    talk = Talk({0.5: "tell_me_a_story"}, folder=tmp_path)
    talk.run(5.0)
    talk.hub.close_all("the conversation was ended")
    (folder,) = tmp_path.iterdir()
    audio, rate = soundfile.read(folder / "dialogue.wav")
    assert rate == 24_000
    assert len(audio) >= 4.6 * rate
    assert (folder / "transcript.json").is_file()


def test_an_engine_that_breaks_ends_the_conversation() -> None:
    class Breaking(Talk):
        def generator(self) -> FakeGenerator:
            return FailingGenerator(1)

    talk = Breaking({})
    with pytest.raises((SessionLost, RuntimeError)):
        talk.run(2.0)


def test_a_card_that_falls_silent_is_named() -> None:
    talk = Talk({})
    talk.run(0.5)
    talk.clock.advance(4.5)
    with pytest.raises(AudioError, match="room gives no more sound"):
        talk.live.turn()
