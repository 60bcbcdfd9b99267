"""What is kept of a conversation changes no answer, whatever kind of layers a model has."""

from typing import Any

import pytest
import torch
from transformers import (
    Lfm2Config,
    Lfm2ForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MambaConfig,
    MambaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
)

from duplex.model.language_models.kept_cache import KeptCache, Network

SIZES: dict[str, Any] = {
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}
FULL = LlamaConfig(**SIZES)
SLIDING = MistralConfig(sliding_window=8, **SIZES)
HYBRID = Lfm2Config(layer_types=["conv", "full_attention"], **SIZES)
RECURRENT = MambaConfig(vocab_size=64, hidden_size=32, num_hidden_layers=2, state_size=4)
KINDS = [
    pytest.param(LlamaForCausalLM, FULL, id="full"),
    pytest.param(MistralForCausalLM, SLIDING, id="sliding"),
    pytest.param(Lfm2ForCausalLM, HYBRID, id="hybrid"),
    pytest.param(MambaForCausalLM, RECURRENT, id="recurrent"),
]
IDS = list(range(3, 43))


def network(kind: Any, config: Any) -> Network:
    torch.manual_seed(0)
    module = kind(config).eval()
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return Network(module)


def fresh(model: Network, ids: list[int]) -> torch.Tensor:
    """Logits without anything kept."""
    return KeptCache(model).read(ids)


@pytest.mark.parametrize(("kind", "config"), KINDS)
def test_reading_on_equals_reading_at_once(kind: Any, config: Any) -> None:
    model = network(kind, config)
    kept = KeptCache(model)
    for begin in range(0, 40, 10):
        logits = kept.read(IDS[begin : begin + 10])
    torch.testing.assert_close(logits, fresh(model, IDS), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("kind", "config"), KINDS)
def test_a_change_in_the_middle_leaves_no_trace(kind: Any, config: Any) -> None:
    model = network(kind, config)
    kept, changed = KeptCache(model), [*IDS[:20], 50, *IDS[21:30]]
    kept.read(IDS)
    logits = kept.read(changed[kept.keep(changed) :])
    torch.testing.assert_close(logits, fresh(model, changed), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("kind", "config", "kept_tokens"),
    [(LlamaForCausalLM, FULL, 20), (MistralForCausalLM, SLIDING, 0), (Lfm2ForCausalLM, HYBRID, 0)],
    ids=["full", "sliding", "hybrid"],
)
def test_what_can_be_cut_is_kept(kind: Any, config: Any, kept_tokens: int) -> None:
    kept = KeptCache(network(kind, config))
    kept.read(IDS)
    assert kept.keep([*IDS[:20], 50, 51]) == kept_tokens


@pytest.mark.parametrize(("kind", "config"), KINDS)
def test_what_only_grows_is_kept_by_every_kind(kind: Any, config: Any) -> None:
    kept = KeptCache(network(kind, config))
    kept.read(IDS[:20])
    assert kept.has(IDS[:20])
    assert kept.has(IDS[:5])
    assert not kept.has(IDS)
    assert kept.keep(IDS) == 20


def test_a_sliding_window_that_is_not_full_can_be_cut() -> None:
    kept = KeptCache(network(MistralForCausalLM, SLIDING))
    kept.read(IDS[:6])
    assert kept.keep([*IDS[:4], 50]) == 4


def test_the_last_token_is_always_read() -> None:
    kept = KeptCache(network(LlamaForCausalLM, FULL))
    kept.read(IDS)
    assert kept.keep(IDS) == len(IDS) - 1
