"""The recipe's vectors are those that the head gets live, in the same slots."""

import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from configs.model.tiny import TINY
from configs.policy import PolicyConfig, Threshold
from configs.train.voice_training import QuestionConfig
from duplex.model.families.checkpoint import random_tdm_model
from duplex.model.interface import ConversationOptions, SlotResult
from duplex.model.layouts.tdm.mind import EmbeddedMind
from duplex.model.layouts.tdm.tdm_generator import TdmGenerator
from duplex.model.layouts.tdm.tdm_model import TdmModel
from duplex.model.stages.srh import SrhInput, SrhOutput, SrhState
from duplex.train.voice.batch import HOLD
from duplex.train.voice.mind_vectors import (
    AskedAndAnswered,
    LiveMind,
    compute_hidden_vectors,
    quiet_features,
    slot_answer,
    slot_question,
)
from tdm.slots import State

SLOTS = 14
PROMPT = "abc"


@pytest.fixture
def model() -> TdmModel:
    return random_tdm_model(TINY)


def _mind(model: TdmModel) -> EmbeddedMind:
    return replace(model.mind, config=model.mind.config.model_copy(update={"system_prompt": PROMPT}))


def _live(model: TdmModel, monkeypatch: pytest.MonkeyPatch) -> tuple[list[SlotResult], Tensor, Tensor]:
    """A conversation that begins to speak by itself; features of the user, and what the head got in each step."""
    features: list[Tensor] = []
    hidden: list[Tensor] = []
    encode, speak = model.ears.encoder.step, model.voice.head.step

    def hear(*given: object) -> Tensor:
        features.append(encode(*given).clone())  # type: ignore[arg-type]
        return features[-1]

    def say(x: SrhInput, state: SrhState, active: Tensor) -> SrhOutput:
        assert x.hidden is not None
        hidden.append(x.hidden.clone())
        return speak(x, state, active)

    monkeypatch.setattr(model.ears.encoder, "step", hear)
    monkeypatch.setattr(model.voice.head, "step", say)
    start, stop = Threshold(probability=0.0, slots=3), Threshold(probability=0.0, slots=1)
    policy = PolicyConfig(start=start, stop=stop, guard_slots=0)
    generator = TdmGenerator(model, rows=1, beside=False)
    generator.open(0, ConversationOptions(seed=3, policy=policy, system_prompt=PROMPT, temperature=1.0))
    pcm = (np.random.default_rng(0).standard_normal((SLOTS, 1, 3200)) * 0.1).astype(np.float32)
    results = [generator.step(slot, np.array([True]))[0] for slot in pcm]
    return [result for result in results if result is not None], torch.cat(features), torch.cat(hidden)


def test_vectors_are_those_of_the_live_head(model: TdmModel, monkeypatch: pytest.MonkeyPatch) -> None:
    results, features, live = _live(model, monkeypatch)
    onset = [result.event for result in results].index("start")
    states = [result.state for result in results[onset:]]
    answer = results[onset : onset + states.index(State.MUTE) if State.MUTE in states else None]
    assert len(answer) > 4
    heard = [()] * (onset + 1)
    told = AskedAndAnswered(
        heard, [slot.text_id for slot in answer], torch.from_numpy(np.stack([slot.tokens for slot in answer]))
    )
    found = compute_hidden_vectors(_mind(model), [told], model.voice.head.silence, features)[0]
    torch.testing.assert_close(found, live[onset : onset + len(answer)], rtol=1e-4, atol=1e-5)
    assert (found[1:] - live[onset : onset + len(answer) - 1]).abs().max() > 0.1
    assert (found[:-1] - live[onset + 1 : onset + len(answer)]).abs().max() > 0.1


def _make_example(mind: EmbeddedMind, slots: int, seed: int) -> AskedAndAnswered:
    draw = torch.Generator().manual_seed(seed)
    tokens = torch.randint(-2, 3, (slots, 5, TINY.voice.tokenizer.digits), generator=draw)
    heard = slot_question(mind.tokenizer.encode("who is it"), 4, QuestionConfig(before=(1, 3)), random.Random(seed))
    ids = mind.tokenizer.encode("hi cat.")
    return AskedAndAnswered(heard, slot_answer([0, 1, 2, HOLD, 3, 4, 5, 6][:slots], ids, mind), tokens)


def test_answers_side_by_side_are_answers_alone(model: TdmModel) -> None:
    mind, quiet = _mind(model), quiet_features(model.ears, QuestionConfig(), 5)
    told = [_make_example(mind, 8, 0), _make_example(mind, 3, 1)]
    together = compute_hidden_vectors(mind, told, model.voice.head.silence, quiet, first_slot=4)
    for one, vectors in zip(told, together, strict=True):
        alone = compute_hidden_vectors(mind, [one], model.voice.head.silence, quiet, first_slot=4)[0]
        torch.testing.assert_close(vectors, alone, rtol=1e-4, atol=1e-5)


def test_step_by_step_equals_the_whole_answer(model: TdmModel) -> None:
    mind, quiet = _mind(model), quiet_features(model.ears, QuestionConfig(), 5)
    told = _make_example(mind, 8, 0)
    live_mind = LiveMind(mind, told.heard, model.voice.head.silence, quiet)
    assert [word for words in live_mind.pieces("hi cat.") for word in words] == ["hi", "cat", "."]
    stepped = []
    for entered, tokens in zip([0, 1, 2, HOLD, 3, 4, 5, 6], told.tokens, strict=True):
        stepped.append(live_mind.hidden)
        live_mind.say(entered, tokens[None])
    whole = compute_hidden_vectors(mind, [told], model.voice.head.silence, quiet)[0]
    torch.testing.assert_close(torch.cat(stepped), whole, rtol=1e-4, atol=1e-5)


def test_a_question_is_heard_in_order_and_an_answer_waits_for_it() -> None:
    rng, config = random.Random(0), QuestionConfig(before=(2, 4), after=(0, 2))
    drawn = [slot_question(range(9), 4, config, rng) for _ in range(40)]
    assert all([index for slot in slots for index in slot] == list(range(9)) for slots in drawn)
    assert {len(slots) for slots in drawn} == {5, 6, 7, 8, 9}
