"""A live model as a partner in turns, with a fake model."""

import numpy as np
import pytest

from configs.base import ConfigError
from configs.model.patterns import Pattern
from configs.schedule import ScheduleConfig
from duplex.model.chat.chat_events import AnswerEnded, AudioChunk, TextPiece
from duplex.model.interface import ConversationOptions
from runtime.cli.chat_screen.live import LiveChat
from tests.runtime.fakes import ANSWER, FakeGenerator
from tests.runtime.user_audio import QUESTION

SAID = " ".join(ANSWER)


def live(pattern: Pattern, generator: FakeGenerator | None = None) -> LiveChat:
    """A chat with the fake model, which neither reads nor speaks without hearing."""
    options = ConversationOptions()
    return LiveChat(generator or FakeGenerator(), "fake", pattern, options, None, None, ScheduleConfig())


def test_a_recording_is_answered_in_text_and_sound() -> None:
    events = list(live(Pattern.S2M).ask(pcm=QUESTION))
    assert events[-1] == AnswerEnded("end", SAID)
    assert "".join(event.text for event in events if isinstance(event, TextPiece)) == SAID
    sound = np.concatenate([event.samples for event in events if isinstance(event, AudioChunk)])
    assert len(sound) == 9 * 4800
    assert np.abs(sound[: 8 * 4800].reshape(8, -1)).max(axis=1).min() > 0.1


def test_a_pattern_that_writes_gives_no_sound() -> None:
    events = list(live(Pattern.S2T).ask(pcm=QUESTION))
    assert not any(isinstance(event, AudioChunk) for event in events)
    assert events[0] == TextPiece(ANSWER[0], spoken=False)


def test_a_conversation_goes_on_and_begins_anew() -> None:
    chat = live(Pattern.S2M)
    for _ in range(2):
        assert list(chat.ask(pcm=QUESTION))[-1] == AnswerEnded("end", SAID)
    assert chat._live is not None
    slots = chat._live.slot
    chat.new(Pattern.S2T)
    list(chat.ask(pcm=QUESTION))
    assert chat._live.slot < slots


def test_silence_is_not_answered() -> None:
    events = list(live(Pattern.S2M).ask(pcm=np.zeros(16_000, dtype=np.float32)))
    assert events == [AnswerEnded("end", "")]


@pytest.mark.parametrize(
    ("text", "pcm", "error"),
    [
        ("Hello?", None, "S2M hears speech; give a recording"),
        ("Hello?", QUESTION, "fake takes no instruction with a recording"),
    ],
)
def test_what_it_does_not_take(text: str, pcm: np.ndarray | None, error: str) -> None:
    with pytest.raises(ConfigError, match=error):
        live(Pattern.S2M).ask(text, pcm)


def test_patterns_that_it_does_not_have() -> None:
    with pytest.raises(ConfigError, match="fake does not know pattern T2T; it has S2M, S2T"):
        live(Pattern.T2T)
    generator = FakeGenerator()
    chat = live(Pattern.S2T, generator)
    with pytest.raises(ValueError, match="no call is waiting"):
        chat.give(["x"])
    chat.close()
    assert generator.closed
