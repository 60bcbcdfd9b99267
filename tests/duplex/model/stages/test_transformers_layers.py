"""Families that are not built here run on transformers' own layers with our cache, in every allowed version."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from huggingface_hub.errors import StrictDataclassFieldValidationError
from torch import Tensor, nn
from transformers import AutoModelForCausalLM

from configs.base import ConfigError
from configs.model.core import LlmConfig
from duplex.model.stages.llm import LlmState, SharedLlm, VectorStack, run
from duplex.model.stages.transformers_layers import transformers_config

LENGTH, PLACES = 9, 12


def make_config(kind: str, **values: Any) -> LlmConfig:
    return LlmConfig(
        model_type=kind,
        vocab_size=20,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        values={"pad_token_id": None, **values},
    )


def lively(module: nn.Module) -> None:
    draw = torch.Generator().manual_seed(0)
    for parameter in module.parameters():
        parameter.normal_(0.5 if parameter.ndim == 1 else 0.0, 0.2, generator=draw)


@pytest.mark.parametrize("kind", ["mistral", "granite", "smollm3", "qwen3_moe"])
@torch.inference_mode()
def test_whole_and_in_steps_they_give_transformers_own_logits(kind: str) -> None:
    """Steps cover one row of two, one and several elements, and places that are not in order."""
    config = make_config(kind)
    theirs = AutoModelForCausalLM.from_config(transformers_config(config)).eval()
    lively(theirs)
    ours = SharedLlm(config).eval()
    ours.lm.load_state_dict(theirs.state_dict())
    ids = torch.randint(0, 20, (1, LENGTH), generator=torch.Generator().manual_seed(1))
    wanted = theirs(ids).logits
    causal = torch.ones(LENGTH, LENGTH, dtype=torch.bool).tril()
    packed = ours.pack(ours.table(ids), torch.arange(LENGTH)[None], causal[None, None])
    torch.testing.assert_close(ours.logits(packed), wanted, atol=1e-5, rtol=1e-5)

    place = torch.tensor([5, 0, 11, 3, 4, 8, 1, 2, 7])
    state, active, made = ours.init_state(2, PLACES), torch.tensor([False, True]), []
    for first, last in ((0, 4), (4, 5), (5, 9)):
        mask = torch.zeros(2, 1, last - first, PLACES, dtype=torch.bool)
        mask[..., place[:last]] = causal[first:last, :last]
        elements = ours.table(ids[:, first:last]).expand(2, -1, -1)
        positions, places = (value[None, first:last].expand(2, -1) for value in (torch.arange(LENGTH), place))
        made.append(ours.step(elements, positions, places, mask, state, active)[1:])
    torch.testing.assert_close(torch.cat(made, 1), packed, atol=1e-5, rtol=1e-5)
    assert not any(tensor[0].any() for tensor in (*state.keys, *state.values))


@torch.inference_mode()
def test_layers_without_text_and_with_frequencies_made_anew_compute_the_same() -> None:
    stack = VectorStack(make_config("mistral")).eval()
    lively(stack)
    x, positions = torch.randn(1, 4, 32, generator=torch.Generator().manual_seed(2)), torch.arange(4)[None]
    mask = torch.ones(1, 1, 4, 4, dtype=torch.bool)
    before = stack.pack(x, positions, mask)
    stack.complete()
    assert torch.equal(stack.pack(x, positions, mask), before)


@torch.inference_mode()
def test_attention_of_another_kind_is_refused() -> None:
    llm = SharedLlm(make_config("gemma2", layer_types=["full_attention"] * 2))
    x, positions, mask = torch.zeros(1, 2, 32), torch.arange(2)[None], torch.ones(1, 1, 2, 2, dtype=torch.bool)
    with pytest.raises(ConfigError, match="attention with 'softcap' is not built here; take a Llama or a Qwen"):
        llm.pack(x, positions, mask)


@torch.inference_mode()
def test_layers_that_attend_twice_are_refused() -> None:
    """Otherwise the second time would overwrite what the first stored. Older versions cannot take our attention."""
    zero, mask = torch.zeros(1, 1, dtype=torch.long), torch.ones(1, 1, 1, 2, dtype=torch.bool)

    def step() -> None:
        llm = SharedLlm(make_config("diffllama"))
        llm.step(torch.zeros(1, 1, 32), zero, zero, mask, llm.init_state(1, 2), torch.tensor([True]))

    with pytest.raises(ConfigError, match="not built here"):
        step()


def test_layers_that_do_not_pass_arguments_on_are_refused() -> None:
    """Otherwise they would answer as if nothing had been said before."""

    class Deaf(nn.Module):
        config = SimpleNamespace(model_type="deaf", num_attention_heads=1)

        def forward(self, inputs_embeds: Tensor, **_: object) -> SimpleNamespace:
            return SimpleNamespace(last_hidden_state=inputs_embeds)

    state = LlmState([torch.zeros(1, 1, 2, 4)], [torch.zeros(1, 1, 2, 4)])
    zero, mask = torch.zeros(1, 1, dtype=torch.long), torch.ones(1, 1, 1, 2, dtype=torch.bool)
    with pytest.raises(
        ConfigError,
        match="a 'deaf' is not built here and cannot be run as transformers builds it; take a Llama or a Qwen",
    ):
        run(Deaf(), torch.zeros(1, 1, 4), zero, mask, state.remembering(zero, torch.tensor([True])))


@pytest.mark.parametrize(
    ("config", "what"),
    [
        (make_config("unheard"), "no LLM of type 'unheard'"),
        (make_config("gpt2"), "a 'gpt2' is not built here"),
        (make_config("mistral", warmth=3), "a 'mistral' has no value 'warmth'; check core.llm.values"),
    ],
)
def test_what_transformers_does_not_know_is_refused_in_one_line(config: LlmConfig, what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        SharedLlm(config)


def test_values_that_a_version_holds_to_their_types_are_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Since about 5.4, a wrong type raises an error that is not a ValueError."""

    def strict(*_: object, **__: object) -> object:
        raise StrictDataclassFieldValidationError(field="rms_norm_eps", cause=TypeError("expected float, got str"))

    monkeypatch.setattr("transformers.AutoConfig.for_model", strict)
    with pytest.raises(ConfigError, match=r"no LLM of type 'mistral' \(.*rms_norm_eps.*\)"):
        SharedLlm(make_config("mistral", rms_norm_eps="small"))
