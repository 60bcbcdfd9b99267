"""The scripted model: its sentences in turn, their words and sound, and what it remembers."""

import numpy as np
import pytest
import torch

from configs.model.live_turns import LiveTurnsConfig
from configs.model.scripted import ScriptedConfig
from configs.policy import policy
from duplex.model.interface import ConversationOptions, SlotResult
from duplex.model.layouts.turns.generator import TurnGenerator
from duplex.model.layouts.turns.scripted import ScriptedModel, ScriptedVoice
from duplex.model.layouts.turns.turn_interface import AnswerSlot, VoiceInput
from duplex.model.layouts.turns.vad_policy import VadPolicy
from tdm.slots import State

SENTENCES = ("It is a well-known fact.", "Nobody knows, not even the sea.")
LONG = ScriptedConfig(sentences=("one two three four five six seven eight nine ten eleven twelve thirteen fourteen.",))
ON = torch.ones(1, dtype=torch.bool)


@pytest.fixture(scope="module")
def voice() -> ScriptedVoice:
    return ScriptedVoice.load()


@pytest.fixture
def model(voice: ScriptedVoice) -> ScriptedModel:
    model = ScriptedModel(voice, 2, ScriptedConfig(sentences=SENTENCES))
    model.open(0, ConversationOptions())
    return model


def whole_answer(model: ScriptedModel, row: int = 0) -> list[AnswerSlot]:
    model.begin_user(row)
    model.end_user(row)
    slots: list[AnswerSlot] = []
    while not (slots and slots[-1].finished):
        slot = model.answer([row == other for other in range(2)])[row]
        assert slot is not None
        slots.append(slot)
    return slots


def test_sentences_come_in_turn(model: ScriptedModel) -> None:
    said = ["".join(slot.text for slot in whole_answer(model)).strip() for _ in range(3)]
    assert said == [SENTENCES[0], SENTENCES[1], SENTENCES[0]]


def test_the_seed_says_which_sentence_is_first(model: ScriptedModel) -> None:
    model.open(1, ConversationOptions(seed=1))
    assert whole_answer(model, 1)[0].text.strip() == SENTENCES[1]


def test_every_word_is_spoken_to_its_end(model: ScriptedModel) -> None:
    parts = [part for slot in whole_answer(model) for part in slot.spoken or ()]
    done = {part.item: part.done for part in parts}
    assert done == dict.fromkeys(range(5), 1.0), "It is a well-known fact."
    assert all(0 <= part.start_ms < part.end_ms <= 200 for part in parts)


def test_numbers_and_signs_are_said_and_shown_as_they_are_written(voice: ScriptedVoice) -> None:
    model = ScriptedModel(voice, 2, ScriptedConfig(sentences=("😀 It cost $1.5 million 😀 – or 3 km.",)))
    model.open(0, ConversationOptions())
    slots = whole_answer(model)
    written = slots[0].text.split()
    parts = [part for slot in slots for part in slot.spoken or ()]
    done = {part.item: part.done for part in parts}
    assert [*done] == list(range(len(written)))
    assert set(done.values()) == {1.0}
    sounding = {written[part.item]: 0.0 for part in parts}
    for part in parts:
        sounding[written[part.item]] += part.end_ms - part.start_ms
    assert sounding["😀"] == sounding["–"] == 0
    assert sounding["$1.5"] > sounding["cost"]
    assert sounding["km."] > 300, "kilometers"


def test_a_row_answers_the_same_whoever_shares_the_batch(model: ScriptedModel) -> None:
    alone = [slot.tokens for slot in whole_answer(model)]
    model.open(0, ConversationOptions())
    model.open(1, ConversationOptions(seed=1))
    for row in (0, 1):
        model.end_user(row)
    for tokens in alone:
        slot = model.answer([True, True])[0]
        assert slot is not None
        assert equal(slot.tokens, tokens)


def equal(one: torch.Tensor | None, other: torch.Tensor | None) -> bool:
    return one is not None and other is not None and torch.equal(one, other)


def test_it_remembers_what_was_heard_and_nothing_else(model: ScriptedModel) -> None:
    whole_answer(model)
    model.keep(0, "It is", 2)
    model.end_user(0)
    model.resume_user(0)
    whole_answer(model)
    model.keep(0, "", 0)
    assert model.history(0) == [("user", ""), ("assistant", "It is"), ("user", "")]
    assert model.history(1) == []


def test_a_sentence_that_was_taken_back_is_said_later(model: ScriptedModel) -> None:
    model.end_user(0)
    model.answer([True, False])
    model.resume_user(0)
    slots = whole_answer(model)
    assert slots[0].text.strip() == SENTENCES[0]
    assert slots[-1].finished


def test_its_voice_sounds_and_is_silent_when_it_does_not_speak(model: ScriptedModel, voice: ScriptedVoice) -> None:
    state = voice.init_state(1)
    voice.open(0, ConversationOptions(seed=3), state)
    sound = [step(voice, slot.tokens, state) for slot in whole_answer(model)[:4]]
    assert all(slot.abs().max() > 0.01 for slot in sound[1:])
    step(voice, None, state)
    assert not step(voice, None, state).any()


def step(voice: ScriptedVoice, tokens: torch.Tensor | None, state: object) -> torch.Tensor:
    given = torch.zeros(1, 5, 15) if tokens is None else tokens[None]
    return voice.step(VoiceInput(given, torch.tensor([tokens is not None]), ~ON), state, ON)  # type: ignore[arg-type]


def test_live_it_answers_stops_and_remembers_what_was_heard(voice: ScriptedVoice) -> None:
    config = LiveTurnsConfig(policy="vad")
    generator = TurnGenerator(ScriptedModel(voice, 1, LONG), voice, VadPolicy(config.vad), config, rows=1)
    generator.open(0, ConversationOptions(policy=policy("balanced")))
    user = np.concatenate([buzz(1.0), np.zeros(3 * 16_000), buzz(1.6), np.zeros(16_000)])
    results = converse(generator, user)
    (cut,) = [result for result in results if result.event == "cut"]
    assert next(result.event for result in results if result.event) == "start"
    kept = results[cut.slot + 1].kept
    assert kept
    assert kept != LONG.sentences[0]
    assert LONG.sentences[0].startswith(kept)
    assert generator.history(0)[:2] == [("user", ""), ("assistant", kept)]
    assert results[cut.slot + 1].state is State.MUTE
    assert not results[cut.slot + 1].pcm.any()


def buzz(seconds: float) -> np.ndarray:
    """A voice-like sound: a pulse train at 120 Hz through a resonance."""
    time = np.arange(round(seconds * 16_000)) / 16_000
    parts = [np.sin(2 * np.pi * 120 * k * time) / (1 + ((120 * k - 600) / 300) ** 2) for k in range(1, 30)]
    return 0.2 * np.stack(parts).sum(0)


def converse(generator: TurnGenerator, user: np.ndarray) -> list[SlotResult]:
    slots = user[: len(user) // 3200 * 3200].reshape(-1, 1, 3200).astype(np.float32)
    results = [generator.step(slot, np.array([True]))[0] for slot in slots]
    return [result for result in results if result is not None]
