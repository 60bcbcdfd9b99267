"""The policy from another model's state head: rows, order, words; it decides as that model does for itself."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from configs.base import ConfigError
from configs.model.families import OMNIDRCA_TINY
from configs.model.live_turns import HeadPolicyConfig, WordClockConfig
from configs.model.scripted import ScriptedConfig
from configs.model.tiny import TINY, TINY_CTC
from configs.policy import PRESETS
from duplex.model.families.checkpoint import load_tdm_model, random_tdm_model
from duplex.model.interface import ConversationOptions, SlotResult, UserWords
from duplex.model.layouts.tdm.tdm_generator import TdmGenerator
from duplex.model.layouts.tdm.tdm_model import TdmModel
from duplex.model.layouts.turns.head_policy import HeadPolicy, HeadPolicyState
from duplex.model.layouts.turns.turn_interface import PolicyInput, PolicyOutput, ToldAnswer
from duplex.model.stages.voice_activity import VoicedFrames
from duplex.model.text.word_clock import WordClock
from tdm.slots import State

QUESTIONS = Path(__file__).parents[5] / "runtime" / "data" / "questions.flac"
CONFIG = HeadPolicyConfig(model="tiny")
ANSWER = ToldAnswer("ab ba, a cab", 1, complete=False)
ANSWERS = [None, None, ANSWER, ANSWER, ANSWER, None, ANSWER, None]
QUIET = torch.zeros(1, 3200)
Heard = tuple[list[float], list[UserWords | None]]


@pytest.fixture(scope="module")
def model() -> TdmModel:
    return random_tdm_model(TINY_CTC)


@pytest.fixture(scope="module")
def mini() -> TdmModel:
    return load_tdm_model("mini")


@pytest.fixture
def policy(model: TdmModel) -> Iterator[HeadPolicy]:
    policy = HeadPolicy(model, CONFIG, beside=False)
    yield policy
    policy.close()


def noise(seed: int) -> torch.Tensor:
    return torch.randn(len(ANSWERS), 3200, generator=torch.Generator().manual_seed(seed)) * 0.1


def slot(pcm: torch.Tensor, answers: list[ToldAnswer | None]) -> PolicyInput:
    """The assistant speaks in the rows that have an answer."""
    rows = len(answers)
    return PolicyInput(
        pcm=pcm,
        voice=VoicedFrames(torch.zeros(rows, 10, dtype=torch.bool), torch.zeros(rows, dtype=torch.long)),
        speaking=torch.tensor([answer is not None for answer in answers]),
        pending=torch.ones(rows, dtype=torch.bool),
        answers=answers,
    )


def listen(policy: HeadPolicy, state: HeadPolicyState, row: int, rows: int, seed: int = 0) -> Heard:
    """The row's conversation, while the others hear something else in every second slot."""
    p_speak, heard = [], []
    for index, (pcm, answer) in enumerate(zip(noise(seed), ANSWERS, strict=True)):
        given = torch.stack([pcm if other == row else noise(7)[index] for other in range(rows)])
        active = torch.tensor([other == row or index % 2 == 0 for other in range(rows)])
        out: PolicyOutput = policy.step(slot(given, [answer] * rows), state, active)
        p_speak.append(out.p_speak[row])
        heard.append(out.heard[row])
    return p_speak, heard


def test_a_conversation_does_not_depend_on_row_or_company(policy: HeadPolicy) -> None:
    alone = listen(policy, policy.init_state(1), 0, 1)
    assert alone == listen(policy, policy.init_state(3), 1, 3)
    assert alone != listen(policy, policy.init_state(1), 0, 1, seed=1)


def test_rows_of_one_step_give_nearly_the_same(model: TdmModel, policy: HeadPolicy) -> None:
    mind = TINY_CTC.mind.model_copy(update={"rows_per_step": 2})
    together = HeadPolicy(random_tdm_model(TINY_CTC.model_copy(update={"mind": mind})), CONFIG, beside=False)
    alone, batched = listen(policy, policy.init_state(1), 0, 1), listen(together, together.init_state(3), 1, 3)
    assert batched[0] == pytest.approx(alone[0], abs=1e-5)
    assert batched[1] == alone[1]


def test_words_beside_the_steps_are_the_same(model: TdmModel, policy: HeadPolicy) -> None:
    beside = HeadPolicy(model, CONFIG, beside=True)
    within = listen(policy, policy.init_state(1), 0, 1)
    assert within == listen(beside, beside.init_state(1), 0, 1)
    beside.close()
    assert any(words is not None for words in within[1]), "else nothing was compared"


def test_conversations_that_are_listened_to_at_the_same_time_are_the_same(model: TdmModel, policy: HeadPolicy) -> None:
    threads = HeadPolicy(model, CONFIG.model_copy(update={"threads": 3}), beside=True)
    assert threads.fingerprint == policy.fingerprint
    for row in range(3):
        assert listen(policy, policy.init_state(3), row, 3) == listen(threads, threads.init_state(3), row, 3)
    threads.close()


def test_an_opened_row_has_forgotten_and_the_others_have_not(policy: HeadPolicy) -> None:
    state = policy.init_state(2)
    fresh = listen(policy, state, 0, 2)
    policy.open(0, ConversationOptions(system_prompt="of another model, which may be as long as it likes"), state)
    assert listen(policy, state, 0, 2) == fresh
    other = policy.init_state(2)
    listen(policy, other, 1, 2)
    assert listen(policy, other, 1, 2) != fresh


def test_it_knows_when_the_assistant_speaks(policy: HeadPolicy) -> None:
    state, silent = policy.init_state(1), policy.init_state(1)
    on = torch.ones(1, dtype=torch.bool)
    assert policy.step(slot(noise(0)[:1], [ANSWER]), state, on) != policy.step(slot(noise(0)[:1], [None]), silent, on)


def test_the_head_is_trusted_less_to_stop_an_answer_that_sounds(model: TdmModel, policy: HeadPolicy) -> None:
    """The odds of speaking are multiplied; not before the answer sounds, when it is taken back easily."""
    plain = HeadPolicy(model, CONFIG.model_copy(update={"trust": 1.0}), beside=False)
    begins = ToldAnswer("ab ba", 0, complete=False)
    given, states = [None, begins, ANSWER, ANSWER], [one.init_state(1) for one in (policy, plain)]
    on = torch.ones(1, dtype=torch.bool)
    odds = [
        [
            p / (1 - p)
            for one, state in zip((policy, plain), states, strict=True)
            for p in one.step(x, state, on).p_speak
        ]
        for x in (slot(noise(0)[:1], [answer]) for answer in given)
    ]
    assert [ours / theirs for ours, theirs in odds[1:]] == pytest.approx([1, CONFIG.trust, CONFIG.trust], rel=1e-3)


def test_a_model_without_pointer_head_is_refused() -> None:
    with pytest.raises(ConfigError, match="'other' cannot decide for others"):
        HeadPolicy(random_tdm_model(OMNIDRCA_TINY), HeadPolicyConfig(model="other"))


def test_the_fingerprint_follows_model_and_configuration(model: TdmModel, policy: HeadPolicy) -> None:
    assert HeadPolicy(model, CONFIG, beside=False).fingerprint == policy.fingerprint
    for changes in ({"lead_words": 2}, {"slow_words": 2}, {"trust": 2.0}):
        changed = HeadPolicy(model, CONFIG.model_copy(update=changes), beside=False)
        assert changed.fingerprint != policy.fingerprint
    assert HeadPolicy(random_tdm_model(TINY), CONFIG, beside=False).fingerprint != policy.fingerprint


def test_mini_doubts_the_answers_of_others_no_more_than_its_own(mini: TdmModel) -> None:
    """In a conversation that mini had itself, the policy is told when it spoke and which words."""
    slots = question_slots(60)
    own = conversation(mini, slots)
    answers = [None, *tell_answers(own, mini.mind.tokenizer.eos)]
    with listening(mini) as listen_to:
        told = [listen_to(pcm, answer) for pcm, answer in zip(slots, answers[:-1], strict=True)]
    assert [out.heard[0] for out in told] == [result.user for result in own]
    spoken = [
        (out.p_speak[0], result.p_speak) for out, result, answer in zip(told, own, answers, strict=False) if answer
    ]
    assert len(spoken) > 20
    assert min(ours - theirs for ours, theirs in spoken) > -0.1


@pytest.mark.parametrize("pace", [0.85, 1.0, 1.4])
def test_it_is_sure_of_an_answer_that_another_voice_gives_at_its_own_pace(mini: TdmModel, pace: float) -> None:
    """p(speak) through an answer that mini would never give; then the user speaks again."""
    with listening(mini) as listen_to:
        for pcm in question_slots(20):
            listen_to(pcm, None)
        p_speak = [listen_to(QUIET, answer).p_speak[0] for answer in answer_at(pace)]
        after = [listen_to(pcm, None).p_speak[0] for pcm in [*[QUIET] * 3, *question_slots(10)]]
    assert min(p_speak[:-2]) > 0.6, "the last word may still sound when the listener has spoken it"
    assert max(after) < 0.3, "no answer begins while the user speaks, even if the listener was not done"


def test_it_leaves_the_floor_to_a_user_who_cuts_in(mini: TdmModel) -> None:
    with listening(mini) as listen_to:
        for pcm in question_slots(20):
            listen_to(pcm, None)
        answers = list(answer_at(1.0))
        for answer in answers[:8]:
            listen_to(QUIET, answer)
        p_speak = [
            listen_to(pcm, answer).p_speak[0] for pcm, answer in zip(question_slots(14)[2:], answers[8:], strict=False)
        ]
    assert min(p_speak[:4]) < PRESETS["balanced"].stop_at_once


def answer_at(pace: float) -> Iterator[ToldAnswer]:
    """A sentence slot by slot, spoken `pace` times as long as mini would."""
    sentence, usual = ScriptedConfig().sentences[-1], WordClockConfig()
    clock = WordClock(WordClockConfig(**{name: value * pace for name, value in usual.model_dump().items()}))
    clock.add(sentence.split())
    begun = 0
    while parts := clock.slot():
        begun = max(begun, parts[-1].item + 1)
        yield ToldAnswer(sentence, begun, complete=True)


def question_slots(count: int) -> list[torch.Tensor]:
    """The first slots [1, 3200] of a recording of questions."""
    audio, _ = soundfile.read(QUESTIONS, dtype="float32", frames=count * 3200)
    return list(torch.from_numpy(audio).unflatten(0, (count, 1, 3200)))


@contextmanager
def listening(model: TdmModel) -> Iterator[Callable[[torch.Tensor, ToldAnswer | None], PolicyOutput]]:
    """One conversation of the policy: takes a slot and the answer in it."""
    policy, on = HeadPolicy(model, HeadPolicyConfig(), beside=False), torch.ones(1, dtype=torch.bool)
    state = policy.init_state(1)
    yield lambda pcm, answer: policy.step(slot(pcm, [answer]), state, on)
    policy.close()


def tell_answers(results: list[SlotResult], eos: int) -> Iterator[ToldAnswer | None]:
    """What is known of mini's own answers in the slot after each result."""
    words: list[str] = []
    begun, complete = 0, False
    for result in results:
        if result.event == "start":
            words, begun, complete = [], 0, False
        words += result.answer_words
        begun = max([begun, *(word.index + 1 for word in result.spoken)])
        complete |= result.text_id == eos
        speaks = result.state is State.SPEAK
        yield ToldAnswer(" ".join(words), begun, complete) if speaks else None


def conversation(model: TdmModel, slots: torch.Tensor) -> list[SlotResult]:
    generator = TdmGenerator(model, rows=1, beside=False)
    generator.open(0, ConversationOptions())
    results = [generator.step(pcm.numpy(), np.array([True]))[0] for pcm in slots]
    generator.close()
    return [result for result in results if result is not None]
