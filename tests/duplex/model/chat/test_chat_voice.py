"""Speech of an answer: nothing is lost, the delay is removed, and it does not matter how the tokens arrive."""

import numpy as np
import pytest

from configs.base import ConfigError
from duplex.model.chat.chat_voice import ChatVoice
from duplex.model.stages.cosyvoice.stage import CosyVoice

AUDIBLE = 61
TOKENS = [5 * index % AUDIBLE for index in range(33)]


def say_all(voice: ChatVoice, tokens: list[int], step: int) -> np.ndarray:
    """All samples of an utterance whose tokens come `step` at a time."""
    voice.begin()
    pieces = [voice.say(tokens[first : first + step], AUDIBLE) for first in range(0, len(tokens), step)]
    return np.concatenate([*pieces, voice.end()])


@pytest.mark.parametrize("count", [0, 1, 4, 5, 12, 33])
def test_every_token_sounds(stage: CosyVoice, count: int) -> None:
    samples = say_all(ChatVoice(stage), TOKENS[:count], 5)
    assert len(samples) == 960 * count
    assert np.isfinite(samples).all()


def test_it_does_not_matter_how_tokens_come(stage: CosyVoice) -> None:
    voice = ChatVoice(stage)
    whole = say_all(voice, TOKENS, len(TOKENS))
    assert np.abs(whole).max() > 0
    for step in (1, 5, 7):
        np.testing.assert_array_equal(say_all(voice, TOKENS, step), whole)


def test_ids_that_are_no_sound_are_left_out(stage: CosyVoice) -> None:
    voice = ChatVoice(stage)
    mixed = [61, 61, *TOKENS[:6], 63, *TOKENS[6:], 62]
    np.testing.assert_array_equal(say_all(voice, mixed, 5), say_all(voice, TOKENS, 5))


def test_sound_comes_before_the_end(stage: CosyVoice) -> None:
    voice = ChatVoice(stage)
    early = sum(len(voice.say(TOKENS[first : first + 5], AUDIBLE)) for first in range(0, 30, 5))
    assert early >= 30 * 960 - stage.config.delay_samples


def test_a_voice_that_is_not_there(stage: CosyVoice) -> None:
    with pytest.raises(ConfigError, match="no voice 'nobody'"):
        ChatVoice(stage, "nobody")
