"""Live, interruptible conversations with Fun-Audio-Chat's network on random weights."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from configs.audio import AUDIO
from configs.model.funaudiochat import AnswerConfig, TurnsConfig
from configs.model.live_turns import WordClockConfig
from configs.policy import PRESETS, Threshold
from duplex.model.funaudiochat.model import FunAudioChat
from duplex.model.interface import ConversationOptions, Samples
from duplex.model.layouts.turns.funaudiochat_turns import CosyVoiceTurns, FunAudioChatTurns
from duplex.model.layouts.turns.generator import TurnGenerator
from tdm.slots import State
from tests.duplex.model.layouts.turns.live import (
    DRAWN,
    LIVE,
    PROMPT,
    Muffled,
    generator_of,
    join_heard_words,
    silence,
    talk,
)
from tests.duplex.model.layouts.turns.loudness import LoudnessPolicy


def test_a_turn_is_answered_and_the_answer_comes_to_its_end(
    chat: FunAudioChat, voice: CosyVoiceTurns, speech: list[Samples]
) -> None:
    generator = generator_of(chat, voice)
    generator.open(0, ConversationOptions(seed=1))
    results = talk(generator, [*silence(3), *speech, *silence(80)])
    events = [(result.slot, result.event) for result in results if result.event]
    assert [event for _, event in events] == ["start", "end"]
    (began, _), (ended, _) = events
    assert began == 3 + len(speech), "the first silent slot decides"
    assert all(result.state is State.SPEAK for result in results[began:ended])
    assert all(result.state is State.MUTE for result in [*results[:began], *results[ended:]])
    said = " ".join(word for result in results for word in result.answer_words)
    (kept,) = [result.kept for result in results if result.kept is not None]
    assert said.split() == kept.split()
    assert said.split() == join_heard_words(results, 0).split(), "at the end everything was heard"
    assert generator.history(0) == [("system", PROMPT), ("user", ""), ("assistant", kept)]


def test_sound_begins_with_the_answer_and_ends_with_it(
    chat: FunAudioChat, voice: CosyVoiceTurns, speech: list[Samples]
) -> None:
    generator = generator_of(chat, voice)
    generator.open(0, ConversationOptions(seed=1))
    results = talk(generator, [*silence(3), *speech, *silence(80)])
    speaking = [result for result in results if result.state is State.SPEAK]
    assert np.abs(speaking[0].pcm[: AUDIO.output_rate // 50]).max() > 0.01, "the look-ahead is made before the answer"
    assert all(np.abs(result.pcm).max() > 0.01 for result in speaking)
    after = [result for result in results if result.state is State.MUTE]
    packet = AUDIO.packet_output_samples
    assert all(np.abs(result.pcm[packet:]).max() == 0 for result in after)


def test_barge_in_stops_at_once_and_history_keeps_what_was_heard(
    chat: FunAudioChat, voice: CosyVoiceTurns, speech: list[Samples]
) -> None:
    slow = LIVE.model_copy(update={"clock": WordClockConfig(letter_ms=110)})
    generator = generator_of(chat, voice, live=slow)
    generator.open(0, ConversationOptions(seed=1))
    before = talk(generator, [*silence(3), *speech, *silence(4)])
    assert before[-1].state is State.SPEAK
    over = talk(generator, speech)
    assert over[0].event == "cut"
    fade = AUDIO.output_rate * 8 // 1000
    assert np.abs(over[0].pcm[fade:]).max() == 0, "silence within one packet"
    whole = " ".join(word for result in before for word in result.answer_words)
    assert over[1].kept == join_heard_words(before, 0)
    assert over[1].kept
    assert len(over[1].kept) < len(whole), "text leads speech: the last words were not heard"
    after = talk(generator, silence(6))
    assert [result.event for result in after if result.event] == ["start"]
    assert generator.history(0)[:4] == [
        ("system", PROMPT),
        ("user", ""),
        ("assistant", over[1].kept),
        ("user", ""),
    ]


def test_the_next_turn_has_everything_that_was_said_over_the_answer(
    chat: FunAudioChat, voice: CosyVoiceTurns, speech: list[Samples], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slots that the model takes for the second turn are the user's, starting before the voice began."""
    generator = generator_of(chat, voice)
    taken: list[Samples] = []
    hear = generator._model.hear
    monkeypatch.setattr(
        generator._model, "hear", lambda pcm, active: (taken.append(pcm[0].numpy().copy()), hear(pcm, active))
    )
    generator.open(0, ConversationOptions(seed=1))
    talk(generator, [*silence(3), *speech, *silence(7)])
    taken.clear()
    talk(generator, [*speech, *silence(1)])
    assert np.array_equal(np.concatenate(taken[: 2 + len(speech)]), np.concatenate([*silence(2), *speech]))


def test_an_answer_that_nobody_heard_is_taken_back(
    chat: FunAudioChat, voice: CosyVoiceTurns, speech: list[Samples]
) -> None:
    """The model then has one turn, as if it had not begun to answer within it."""
    slots = [*silence(3), *speech, *silence(4), *speech]
    eager, patient = generator_of(chat, voice), generator_of(chat, voice)
    eager._voice = Muffled(voice)
    calm = PRESETS["patient"].model_copy(update={"start": Threshold(probability=0.9, slots=9)})
    eager.open(0, ConversationOptions(seed=1))
    patient.open(0, ConversationOptions(seed=1, policy=calm))
    assert [result.event for result in talk(eager, slots) if result.event] == ["start", "cut"]
    assert [result.event for result in talk(patient, slots) if result.event] == []
    assert [role for role, _ in eager.history(0)] == ["system", "user"]
    first, second = (generator._model._rows.elements(0) for generator in (eager, patient))
    assert [one.id for one in first] == [one.id for one in second]
    for one, other in zip(first, second, strict=True):
        assert (one.heard is None) == (other.heard is None)
        if one.heard is not None and other.heard is not None:
            torch.testing.assert_close(one.heard, other.heard, atol=1e-5, rtol=0)


def test_a_policy_may_take_an_answer_back_in_its_first_slot_which_is_silent(
    chat: FunAudioChat, voice: CosyVoiceTurns, speech: list[Samples]
) -> None:
    turn = [*silence(3), *speech]
    hasty, careful = generator_of(chat, voice), generator_of(chat, voice, reconsiders=True)
    answers = []
    for generator in (hasty, careful):
        generator.open(0, ConversationOptions(seed=1))
        answers.append([one for one in talk(generator, [*turn, *silence(80)]) if one.state is State.SPEAK])
    at_once, held_back = answers
    assert not held_back[0].pcm.any()
    assert held_back[0].answer_words, "its words are known all the same"
    assert not held_back[0].spoken
    np.testing.assert_array_equal(
        np.concatenate([one.pcm for one in at_once]), np.concatenate([one.pcm for one in held_back[1:]])
    )
    assert [one.spoken for one in at_once] == [one.spoken for one in held_back[1:]]
    careful.open(0, ConversationOptions(seed=1))
    results = talk(careful, [*turn, *silence(1), *speech[:2]])
    assert [one.event for one in results if one.event] == ["start", "cut"]
    assert not any(one.pcm.any() for one in results)
    assert [role for role, _ in careful.history(0)] == ["system", "user"]


def test_a_conversation_does_not_depend_on_its_neighbours(
    chat: FunAudioChat, voice: CosyVoiceTurns, speech: list[Samples]
) -> None:
    alone, together = generator_of(chat, voice), generator_of(chat, voice, rows=2)
    slots = [*silence(3), *speech, *silence(12)]
    late = [*silence(5), *speech, *silence(10)]
    alone.open(0, ConversationOptions(seed=1))
    together.open(0, ConversationOptions(seed=7))
    together.open(1, ConversationOptions(seed=1))
    expected = talk(alone, slots)
    both = np.array([True, True])
    for first, second, want in zip(late, slots, expected, strict=True):
        got = together.step(np.stack([first, second]), both)[1]
        assert got is not None
        assert (got.event, got.answer_words, got.text_id) == (want.event, want.answer_words, want.text_id)
        assert np.array_equal(got.tokens, want.tokens)
        np.testing.assert_allclose(got.pcm, want.pcm, atol=1e-4)


def test_the_same_conversation_again_is_equal(chat: FunAudioChat, voice: CosyVoiceTurns, speech: list[Samples]) -> None:
    slots = [*silence(3), *speech, *silence(7), *speech, *silence(8)]
    runs = []
    for _ in range(2):
        generator = generator_of(chat, voice)
        generator.open(0, ConversationOptions(seed=3))
        runs.append(talk(generator, slots))
    for first, second in zip(*runs, strict=True):
        assert first.event == second.event
        assert np.array_equal(first.pcm, second.pcm)
        assert np.array_equal(first.tokens, second.tokens)


def test_history_with_speech_keeps_the_slots_that_sounded(
    chat: FunAudioChat, voice: CosyVoiceTurns, speech: list[Samples]
) -> None:
    live = LIVE.model_copy(update={"history": "speech"})
    generator = generator_of(chat, voice, live=live)
    generator.open(0, ConversationOptions(seed=1))
    before = talk(generator, [*silence(3), *speech, *silence(7)])
    spoken = [result.tokens[:, 0].tolist() for result in before if result.state is State.SPEAK]
    talk(generator, speech[:2])
    elements = generator._model._rows.elements(0)
    audible = [list(one.spoken) for one in elements if one.spoken and min(one.spoken) < 61]
    assert len(audible) == len(spoken)
    assert audible[1:] == spoken[:-1], "one slot ahead: the voice's look-ahead"


def test_old_turns_are_forgotten(chat: FunAudioChat, voice: CosyVoiceTurns, speech: list[Samples]) -> None:
    live = LIVE.model_copy(update={"keep_turns": 2})
    generator = generator_of(chat, voice, live=live, max_steps=8)
    generator.open(0, ConversationOptions(seed=1))
    for _ in range(4):
        talk(generator, [*speech[:3], *silence(14)])
    roles = [role for role, _ in generator.history(0)]
    assert roles == ["system", "user", "assistant", "user", "assistant"]


def test_a_turn_that_outgrows_the_caches_is_answered_all_the_same(
    chat: FunAudioChat, voice: CosyVoiceTurns, speech: list[Samples]
) -> None:
    answer = AnswerConfig(text=DRAWN, max_steps=60)
    model = FunAudioChatTurns(chat, 1, "", answer, TurnsConfig(places=256), LIVE)
    generator = TurnGenerator(model, voice, LoudnessPolicy(), LIVE, 1)
    generator.open(0, ConversationOptions(seed=1))
    results = talk(generator, [*speech * 14, *silence(60), *speech[:3], *silence(40)])
    assert [result.event for result in results if result.event] == ["start", "end", "start", "end"]


def test_a_prompt_that_does_not_fit_is_refused(chat: FunAudioChat, voice: CosyVoiceTurns) -> None:
    with pytest.raises(ValueError, match=r"the system prompt has \d+ tokens, 256 fit; shorten it"):
        generator_of(chat, voice).open(0, ConversationOptions(system_prompt="word " * 100))


def test_slots_are_counted(chat: FunAudioChat, voice: CosyVoiceTurns, speech: list[Samples]) -> None:
    generator = generator_of(chat, voice)
    generator.open(0, ConversationOptions(seed=1))
    results = talk(generator, [*speech, *silence(5)])
    assert all(after.slot == before.slot + 1 for before, after in pairwise(results))


def test_what_was_taken_back_counts_for_the_answer_that_was_cut_and_no_other(
    chat: FunAudioChat, voice: CosyVoiceTurns, speech: list[Samples]
) -> None:
    """A report of an answer that nobody heard must not shorten a later one."""
    generator = generator_of(chat, voice)
    generator.open(0, ConversationOptions(seed=1))
    talk(generator, [*silence(3), *speech])
    generator.mark_unheard(0, 10_000.0)
    before = talk(generator, silence(5))
    after = talk(generator, speech[:2])
    assert after[0].event == "cut"
    assert after[1].kept == join_heard_words(before, 0)
    assert after[1].kept
