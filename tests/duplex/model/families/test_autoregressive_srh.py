"""The autoregressive refined head: step by step equals the whole answer, rows, seeds, and how an answer ends."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from configs.model.core import LlmConfig
from configs.model.family import RefinedHeadConfig, SpeechCodesConfig
from configs.model.funaudiochat import ChoiceConfig
from duplex.model.families.autoregressive_srh import AutoregressiveHeadState, AutoregressiveRefinedHead
from duplex.model.stages.srh import SrhInput, SrhOutput

WIDTH, CODEBOOK = 12, 30
LLM = LlmConfig(
    model_type="qwen2",
    hidden_size=16,
    intermediate_size=24,
    num_hidden_layers=2,
    num_attention_heads=2,
    num_key_value_heads=1,
)
CONFIG = RefinedHeadConfig(
    llm=LLM, codes=SpeechCodesConfig(codebook=CODEBOOK), lead_slots=1, tail_slots=3, window_slots=2
)
YES = torch.ones(1, dtype=torch.bool)


@pytest.fixture(scope="module")
def head() -> AutoregressiveRefinedHead:
    torch.manual_seed(0)
    head = AutoregressiveRefinedHead(CONFIG, WIDTH).eval()
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return head


class AlwaysTheFirst(torch.nn.Module):
    def forward(self, hidden: Tensor) -> Tensor:
        return torch.tensor([99.0] + [0.0] * (CONFIG.codes.size - 1)).expand(*hidden.shape[:-1], -1)


def vectors(count: int, seed: int = 0) -> Tensor:
    return torch.randn(count, WIDTH, generator=torch.Generator().manual_seed(seed))


def make_input(
    hidden: Tensor, finished: bool = False, seeds: Sequence[int] = (1,), words: Sequence[str] = ()
) -> SrhInput:
    rows = len(hidden)
    flags = torch.full((rows,), finished), torch.ones(rows, dtype=torch.bool)
    return SrhInput([list(words)] * rows, *flags, hidden, seeds=seeds)


def say(
    head: AutoregressiveRefinedHead, hidden: Tensor, state: AutoregressiveHeadState | None = None, seed: int = 1
) -> Tensor:
    """Ids [T, k] of an answer whose text continues."""
    state = state or head.init_state(1)
    steps = [head.step(make_input(one[None], seeds=[seed + slot]), state, YES) for slot, one in enumerate(hidden)]
    return torch.stack([out.tokens[0, :, 0] for out in steps]).long()


def quiet(head: AutoregressiveRefinedHead, state: AutoregressiveHeadState) -> SrhOutput:
    mute = SrhInput([[]], YES, ~YES, vectors(1), seeds=[0])
    return head.step(mute, state, YES)


def test_step_by_step_equals_the_whole_answer_beyond_the_window(head: AutoregressiveRefinedHead) -> None:
    """The steps choose the likeliest of the forced logits; the window is two slots, the answer six."""
    greedy = CONFIG.model_copy(update={"choice": ChoiceConfig(temperature=0.0, top_p=1.0, repetition_penalty=1.0)})
    other = AutoregressiveRefinedHead(greedy, WIDTH).eval()
    other.load_state_dict(head.state_dict())
    hidden = vectors(7)
    said = say(other, hidden)[1:]
    logits = other.force(hidden[None, 1:], said[None])[0]
    logits[..., CODEBOOK:] = -torch.inf
    assert torch.equal(logits.argmax(-1), said)


def test_the_text_leads_and_no_special_id_is_said(head: AutoregressiveRefinedHead) -> None:
    said = say(head, vectors(6))
    assert (said[0] == CONFIG.codes.sil).all()
    assert (said[1:] < CODEBOOK).all()


def test_a_seed_gives_the_same_answer_whoever_shares_the_batch(head: AutoregressiveRefinedHead) -> None:
    alone, state, both = say(head, vectors(5), seed=4), head.init_state(2), []
    for slot, one in enumerate(vectors(5)):
        x = make_input(torch.stack([one, -one]), seeds=[4 + slot, 99 + slot])
        both.append(head.step(x, state, torch.tensor([True, slot != 2])).tokens[0, :, 0].long())
    assert torch.equal(alone, torch.stack(both))
    assert not torch.equal(alone, say(head, vectors(5), seed=5))


def test_every_answer_begins_anew(head: AutoregressiveRefinedHead) -> None:
    state = head.init_state(1)
    first = say(head, vectors(5), state)
    assert (quiet(head, state).tokens == CONFIG.codes.sil).all()
    assert torch.equal(say(head, vectors(5), state), first)


def test_a_reset_row_is_a_fresh_row(head: AutoregressiveRefinedHead) -> None:
    state = head.init_state(1)
    first = say(head, vectors(4), state)
    state.reset(YES)
    assert not state.cache.keys[0].any()
    assert torch.equal(say(head, vectors(4), state), first)


def test_the_speech_ends_after_the_text_at_the_latest_with_its_tail(head: AutoregressiveRefinedHead) -> None:
    never = AutoregressiveRefinedHead(CONFIG, WIDTH).eval()
    never.load_state_dict(head.state_dict())
    never.head = AlwaysTheFirst()
    state, spoken = never.init_state(1), []
    say(never, vectors(2), state)
    for slot in range(CONFIG.tail_slots + 1):
        out = never.step(make_input(vectors(1), finished=True, words=["ab"] if not slot else []), state, YES)
        spoken += out.spoken[0]
        assert bool(out.exhausted[0]) == (slot == CONFIG.tail_slots)
    assert [part.item for part in spoken][-1] == 0
    assert spoken[-1].done == 1.0


def test_an_end_of_speech_ends_the_slot_and_the_words(head: AutoregressiveRefinedHead) -> None:
    eager = AutoregressiveRefinedHead(CONFIG.model_copy(update={"lead_slots": 0}), WIDTH).eval()
    eager.load_state_dict(head.state_dict())
    state = eager.init_state(1)
    for seed in range(200):
        out = eager.step(make_input(vectors(1, seed), finished=True, seeds=[seed], words=["one", "two"]), state, YES)
        ids = out.tokens[0, :, 0].tolist()
        if ids[0] != CONFIG.codes.eos == ids[-1]:
            break
        quiet(eager, state)
    place = ids.index(CONFIG.codes.eos)
    assert place > 0
    assert ids[place:] == [CONFIG.codes.eos] * (5 - place)
    assert out.exhausted.tolist() == [True]
    assert out.spoken[0][-1].done == 1.0
    assert out.spoken[0][-1].end_ms <= place * 40
