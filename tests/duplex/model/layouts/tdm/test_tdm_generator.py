"""The generator with a random model: a slot's order, independence of rows, the same conversation twice."""

import os
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from configs.model.tiny import TINY
from configs.policy import PolicyConfig, Threshold
from duplex.model.families.checkpoint import random_tdm_model
from duplex.model.interface import ConversationOptions, SlotResult
from duplex.model.layouts.tdm.tdm_generator import LONGEST_WRITTEN, TdmGenerator
from duplex.model.layouts.tdm.tdm_model import TdmModel
from duplex.model.layouts.tdm.text_assistant import TextAssistant
from duplex.model.load import load_generator
from tdm.slots import State

SLOTS = 16


def talkative(seed: int = 0) -> ConversationOptions:
    """The random state head stays near 0.46: start at once, never stop."""
    policy = PolicyConfig(
        start=Threshold(probability=0.0, slots=2), stop=Threshold(probability=0.0, slots=1), guard_slots=0
    )
    return ConversationOptions(seed=seed, policy=policy, system_prompt="abc", temperature=1.0)


def audio(seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal((SLOTS, 3200)) * 0.1).astype(np.float32)


@pytest.fixture(scope="module")
def model() -> TdmModel:
    return random_tdm_model(TINY)


@pytest.fixture
def generator(model: TdmModel) -> Iterator[TdmGenerator]:
    generator = TdmGenerator(model, rows=2)
    yield generator
    generator.close()


def run(generator: TdmGenerator, row: int, options: ConversationOptions, pcm: np.ndarray) -> list[SlotResult]:
    generator.open(row, options)
    active = np.arange(generator.rows) == row
    results = []
    for slot in pcm:
        result = generator.step(np.where(active[:, None], slot, 0.0).astype(np.float32), active)[row]
        assert result is not None
        results.append(result)
    return results


def same(left: list[SlotResult], right: list[SlotResult]) -> bool:
    return all(
        np.array_equal(a.pcm, b.pcm) and np.array_equal(a.tokens, b.tokens)
        and replace(a, pcm=b.pcm, tokens=b.tokens, stage_ms=b.stage_ms) == b
        for a, b in zip(left, right, strict=True)
    )  # fmt: skip


def test_slots_are_counted_and_full(generator: TdmGenerator) -> None:
    results = run(generator, 0, talkative(), audio(0))
    assert [result.slot for result in results] == list(range(SLOTS))
    assert all(result.pcm.shape == (4800,) and result.pcm.dtype == np.float32 for result in results)
    assert {"words", "encoder", "core", "text", "srh", "detokenizer"} <= set(results[0].stage_ms)


def test_it_starts_by_its_policy_and_says_something(generator: TdmGenerator) -> None:
    results = run(generator, 0, talkative(), audio(0))
    assert [result.state for result in results[:3]] == [State.MUTE, State.SPEAK, State.SPEAK]
    assert results[1].event == "start"
    assert any(np.abs(result.pcm).max() > 0 for result in results)
    assert any(result.answer_words for result in results)


def test_a_cautious_model_begins_with_its_refusal_and_goes_on_freely() -> None:
    mind = TINY.mind.model_copy(update={"refusal": "q", "refusal_bias": 1e4})
    cautious = random_tdm_model(TINY.model_copy(update={"mind": mind}))
    generator = TdmGenerator(cautious, rows=1)
    said = [result.text_id for result in run(generator, 0, talkative(), audio(0)) if result.state is State.SPEAK]
    generator.close()
    assert said[0] == cautious.refusal_id == cautious.mind.tokenizer.encode("q")[0]
    assert cautious.refusal_id not in said[1:]


def test_mute_is_exact_silence(generator: TdmGenerator) -> None:
    never = Threshold(probability=1.0, slots=1)
    shy = ConversationOptions(policy=PolicyConfig(start=never, start_late=never))
    results = run(generator, 0, shy, audio(0))
    assert all(result.state is State.MUTE and not result.pcm.any() for result in results)


def test_the_same_seed_and_audio_give_the_same_conversation(generator: TdmGenerator) -> None:
    first = run(generator, 0, talkative(3), audio(1))
    assert same(first, run(generator, 0, talkative(3), audio(1)))
    assert same(first, run(generator, 1, talkative(3), audio(1)))
    assert not same(first, run(generator, 0, talkative(4), audio(1)))


def test_a_conversation_does_not_depend_on_who_shares_the_engine(generator: TdmGenerator) -> None:
    alone = run(generator, 0, talkative(3), audio(1))
    generator.open(0, talkative(3))
    generator.open(1, talkative(9))
    together = []
    for slot in range(SLOTS):
        pcm = np.stack([audio(1)[slot], audio(2)[slot]])
        result = generator.step(pcm, np.array([True, slot % 3 != 1]))[0]
        assert result is not None
        together.append(result)
    assert same(alone, together)


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no priority of their own here")
def test_the_recogniser_gives_way_to_the_steps(generator: TdmGenerator) -> None:
    assert generator._worker is not None
    own = os.getpriority(os.PRIO_PROCESS, 0)
    thread = generator._worker.submit(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id())).result()
    assert thread == min(own + 5, 19)


def test_batched_rows_give_the_same_words_and_states(model: TdmModel) -> None:
    mind = replace(model.mind, config=model.mind.config.model_copy(update={"rows_per_step": 2}))
    batched = TdmGenerator(replace(model, mind=mind), rows=2, beside=False)
    single = TdmGenerator(model, rows=1, beside=False)
    alone = run(single, 0, talkative(3), audio(1))
    batched.open(0, talkative(3))
    batched.open(1, talkative(9))
    for slot in range(SLOTS):
        result = batched.step(np.stack([audio(1)[slot], audio(2)[slot]]), np.array([True, True]))[0]
        assert result is not None
        assert (result.state, result.event, result.text_id) == (
            alone[slot].state,
            alone[slot].event,
            alone[slot].text_id,
        )
        np.testing.assert_allclose(result.p_speak, alone[slot].p_speak, atol=1e-5)


def test_an_inactive_row_gives_nothing(generator: TdmGenerator) -> None:
    generator.open(0, talkative())
    assert generator.step(np.zeros((2, 3200), np.float32), np.array([True, False]))[1] is None


def test_a_prompt_that_is_too_long_is_refused(generator: TdmGenerator) -> None:
    with pytest.raises(ValueError, match="system prompt"):
        generator.open(0, ConversationOptions(system_prompt="a very long prompt indeed"))


def test_random_models_do_not_touch_the_global_generator() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    random_tdm_model(TINY)
    assert torch.equal(torch.rand(1), expected)


def test_words_of_ctc_ears_enter_and_replay_exactly() -> None:
    generator = load_generator("tiny-ctc", rows=2)
    one, two = run(generator, 0, talkative(), audio(1)), run(generator, 1, talkative(), audio(1))
    generator.close()
    heard = [result.user for result in one if result.user is not None]
    assert heard
    assert heard[0].turn == 0
    assert same(one, two)


def test_written_questions_are_answered_as_the_core_does() -> None:
    model = random_tdm_model(TINY, seed=1)
    generator = TdmGenerator(model, rows=1)
    assistant = TextAssistant(model.mind.core, model.mind.tokenizer, model.mind.config.schedule, LONGEST_WRITTEN)
    spoken, other = assistant.answer("", ["who is it"]), assistant.answer("", ["two"])
    assert spoken != other
    assert [generator.write("Who is it?")] == spoken
    assert [generator.write("2")] == other
    generator.close()
