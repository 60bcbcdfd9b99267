"""Written turns, patterns and prompts of live conversations with Fun-Audio-Chat's network on random weights."""

import numpy as np
import pytest
import torch

from configs.model.funaudiochat import FUNAUDIOCHAT_TINY
from configs.model.patterns import FUNAUDIOCHAT, Pattern
from duplex.model.funaudiochat.model import FunAudioChat
from duplex.model.interface import ConversationOptions, Samples
from duplex.model.layouts.turns.funaudiochat_turns import CosyVoiceTurns
from tests.duplex.model.layouts.turns.live import LIVE, PROMPT, Muffled, generator_of, join_heard_words, silence, talk


def test_a_written_turn_is_answered_without_a_sound_of_the_user(chat: FunAudioChat, voice: CosyVoiceTurns) -> None:
    generator = generator_of(chat, voice)
    generator.open(0, ConversationOptions(seed=1, pattern="T2M"))
    generator.tell(0, "Is anybody there?")
    results = talk(generator, silence(60))
    assert results[0].event == "start"
    assert [result.event for result in results if result.event] == ["start", "end"]
    roles = generator.history(0)
    assert roles[1] == ("user", "Is anybody there?")
    assert roles[2] == ("assistant", join_heard_words(results, 0))


def test_writing_breaks_an_answer_off(chat: FunAudioChat, voice: CosyVoiceTurns, speech: list[Samples]) -> None:
    generator = generator_of(chat, voice)
    generator.open(0, ConversationOptions(seed=1))
    talk(generator, [*silence(3), *speech, *silence(5)])
    generator.tell(0, "Wait.")
    results = talk(generator, silence(2))
    assert [result.event for result in results] == ["cut", "start"]
    assert ("user", "Wait.") in generator.history(0)


def test_a_pattern_without_speech_writes_its_answer_many_tokens_a_slot(
    chat: FunAudioChat, voice: CosyVoiceTurns, speech: list[Samples]
) -> None:
    generator = generator_of(chat, voice, max_steps=40)
    generator.open(0, ConversationOptions(seed=2, pattern="S2T"))
    results = talk(generator, [*silence(3), *speech, *silence(12)])
    events = [(result.slot, result.event) for result in results if result.event]
    assert [event for _, event in events] == ["start", "end"]
    assert events[1][0] - events[0][0] <= 40 // LIVE.silent_steps + 1
    assert all(np.abs(result.pcm).max() == 0 for result in results)
    said = " ".join(word for result in results for word in result.answer_words)
    assert said.split()
    assert generator.history(0)[0] == ("system", FUNAUDIOCHAT.prompts[Pattern.S2T])
    assert generator.history(0)[-1][1].split() == said.split()


def test_what_a_pattern_thinks_before_it_speaks_is_not_told(
    chat: FunAudioChat, voice: CosyVoiceTurns, speech: list[Samples], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Random weights do not start speech soon by themselves: the twelfth token is forced to."""
    generator = generator_of(chat, voice)
    drawn = []

    def twelfth(logits: torch.Tensor, *others: object) -> torch.Tensor:
        drawn.append(chat.config.ids.audio_bos if len(drawn) == 11 else 263)
        return torch.full((len(logits),), drawn[-1])

    monkeypatch.setattr(generator._model._rows._drawing, "text", twelfth)
    generator.open(0, ConversationOptions(seed=1, pattern="STC"))
    results = talk(generator, [*silence(3), *speech, *silence(10)])
    (began,) = [result.slot for result in results if result.event == "start"]
    assert next(result.slot for result in results if np.abs(result.pcm).max() > 0.01) == began + 1
    said = [word for result in results for word in result.answer_words]
    assert 0 < len(said) < len(drawn) - 12
    assert set(said) == {"ban"}


def test_who_writes_is_not_heard(chat: FunAudioChat, voice: CosyVoiceTurns, speech: list[Samples]) -> None:
    generator = generator_of(chat, voice)
    generator.open(0, ConversationOptions(seed=1, pattern="T2M"))
    assert [result.event for result in talk(generator, [*speech, *silence(5)]) if result.event] == []
    generator.tell(0, "Hello.")
    results = talk(generator, [*silence(3), *speech * 6])
    assert [result.event for result in results if result.event] == ["start", "end"]


def test_speech_stops_an_unheard_answer_to_a_written_turn(
    chat: FunAudioChat, voice: CosyVoiceTurns, speech: list[Samples]
) -> None:
    generator = generator_of(chat, voice)
    generator._voice = Muffled(voice)
    generator.open(0, ConversationOptions(seed=1))
    generator.tell(0, "Hello.")
    results = talk(generator, [*silence(2), *speech, *silence(2)])
    assert [result.event for result in results if result.event] == ["start", "cut", "start"]
    assert [role for role, _ in generator.history(0)][:4] == ["system", "user", "assistant", "user"]


def test_a_system_prompt_of_ones_own_stands_behind_that_of_the_pattern(
    chat: FunAudioChat, voice: CosyVoiceTurns
) -> None:
    generator = generator_of(chat, voice)
    generator.open(0, ConversationOptions(system_prompt="Be brief."))
    assert generator.history(0) == [("system", f"{PROMPT} Be brief.")]


def test_a_checkpoint_that_only_writes_is_read(voice: CosyVoiceTurns, speech: list[Samples]) -> None:
    config = FUNAUDIOCHAT_TINY.model_copy(update={"vocabulary": 610, "refined": None})
    generator = generator_of(FunAudioChat.random(config), voice, max_steps=20)
    generator.open(0, ConversationOptions(seed=1))
    results = talk(generator, [*silence(3), *speech, *silence(8)])
    assert [result.event for result in results if result.event] == ["start", "end"]
    assert any(result.answer_words for result in results)
    with pytest.raises(ValueError, match="this checkpoint cannot speak, and S2M speaks; choose S2T or T2T"):
        generator.open(0, ConversationOptions(pattern="S2M"))
