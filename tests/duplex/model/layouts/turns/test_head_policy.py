"""The policy from another model's state head: rows, order, words; it decides as that model does for itself."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from configs.base import ConfigError
from configs.model.families import OMNIDRCA_TINY
from configs.model.live_turns import HeadPolicyConfig
from configs.model.tiny import TINY, TINY_CTC
from configs.policy import PRESETS
from duplex.model.families.checkpoint import load_tdm_model, random_tdm_model
from duplex.model.interface import ConversationOptions, SlotResult, UserWords
from duplex.model.layouts.tdm.tdm_generator import TdmGenerator
from duplex.model.layouts.tdm.tdm_model import TdmModel
from duplex.model.layouts.turns.head_policy import HeadPolicy, HeadPolicyState
from duplex.model.layouts.turns.turn_interface import PolicyInput, PolicyOutput
from duplex.model.stages.voice_activity import VoicedFrames
from tdm.policy import PolicyMemory, decide, force
from tdm.slots import State

QUESTIONS = Path(__file__).parents[5] / "runtime" / "data" / "questions.flac"
CONFIG = HeadPolicyConfig(model="tiny", opening="ab", speech="a, b")
SPEAKING = [False, False, True, True, True, False, True, False]
Heard = tuple[list[float], list[UserWords | None]]


@pytest.fixture(scope="module")
def model() -> TdmModel:
    return random_tdm_model(TINY_CTC)


@pytest.fixture
def policy(model: TdmModel) -> Iterator[HeadPolicy]:
    policy = HeadPolicy(model, CONFIG, beside=False)
    yield policy
    policy.close()


def noise(seed: int) -> torch.Tensor:
    return torch.randn(len(SPEAKING), 3200, generator=torch.Generator().manual_seed(seed)) * 0.1


def slot(pcm: torch.Tensor, speaking: list[bool]) -> PolicyInput:
    rows = len(speaking)
    return PolicyInput(
        pcm=pcm,
        voice=VoicedFrames(torch.zeros(rows, 10, dtype=torch.bool), torch.zeros(rows, dtype=torch.long)),
        speaking=torch.tensor(speaking),
        pending=torch.ones(rows, dtype=torch.bool),
    )


def listen(policy: HeadPolicy, state: HeadPolicyState, row: int, rows: int, seed: int = 0) -> Heard:
    """The row's conversation, while the others hear something else in every second slot."""
    p_speak, heard = [], []
    for index, (pcm, speaking) in enumerate(zip(noise(seed), SPEAKING, strict=True)):
        given = torch.stack([pcm if other == row else noise(7)[index] for other in range(rows)])
        active = torch.tensor([other == row or index % 2 == 0 for other in range(rows)])
        out: PolicyOutput = policy.step(slot(given, [speaking] * rows), state, active)
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
    assert policy.step(slot(noise(0)[:1], [True]), state, on) != policy.step(slot(noise(0)[:1], [False]), silent, on)


def test_a_model_without_pointer_head_is_refused() -> None:
    with pytest.raises(ConfigError, match="'other' cannot decide for others"):
        HeadPolicy(random_tdm_model(OMNIDRCA_TINY), HeadPolicyConfig(model="other"))


def test_the_fingerprint_follows_model_and_configuration(model: TdmModel, policy: HeadPolicy) -> None:
    assert HeadPolicy(model, CONFIG, beside=False).fingerprint == policy.fingerprint
    assert HeadPolicy(model, HeadPolicyConfig(opening="b"), beside=False).fingerprint != policy.fingerprint
    assert HeadPolicy(random_tdm_model(TINY), CONFIG, beside=False).fingerprint != policy.fingerprint


def test_mini_decides_for_others_as_for_itself() -> None:
    """In a conversation that mini had itself, the policy learns only when it spoke."""
    mini = load_tdm_model("mini")
    audio, _ = soundfile.read(QUESTIONS, dtype="float32")
    slots = torch.from_numpy(audio[: 60 * 3200]).unflatten(0, (-1, 1, 3200))
    own = conversation(mini, slots)
    policy, on = HeadPolicy(mini, HeadPolicyConfig(), beside=False), torch.ones(1, dtype=torch.bool)
    state = policy.init_state(1)
    states = [State.MUTE, *(result.state for result in own)]
    told = [policy.step(slot(pcm, [bool(spoke)]), state, on) for pcm, spoke in zip(slots, states[:-1], strict=True)]
    assert [out.heard[0] for out in told] == [result.user for result in own]
    ours = decide_all([out.p_speak[0] for out in told], states)
    theirs = decide_all([result.p_speak for result in own], states)
    agreed = np.mean([one == other for one, other in zip(ours, theirs, strict=True)])
    assert agreed >= 0.97


def conversation(model: TdmModel, slots: torch.Tensor) -> list[SlotResult]:
    generator = TdmGenerator(model, rows=1, beside=False)
    generator.open(0, ConversationOptions())
    results = [generator.step(pcm.numpy(), np.array([True]))[0] for pcm in slots]
    generator.close()
    return [result for result in results if result is not None]


def decide_all(p_speak: list[float], states: list[State]) -> list[State]:
    """What the state policy decides in every slot when the conversation proceeds as it did."""
    memory, decisions = PolicyMemory(), []
    for probability, after in zip(p_speak, states[1:], strict=True):
        memory = decide(PRESETS["balanced"], memory, probability)
        decisions.append(memory.state)
        memory = force(memory, after)
    return decisions
