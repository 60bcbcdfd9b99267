"""Our decoder equals transformers' on the same weights in every form that it claims to build, and builds no other."""

import subprocess
import sys
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from configs.model.core import LlmConfig
from duplex.model.stages.decoder_layers import is_built_here
from duplex.model.stages.llm import SharedLlm
from duplex.model.stages.transformers_layers import transformers_config

IDS = torch.tensor([[3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7], [2, 7, 1, 8, 2, 8, 1, 8, 2, 8, 4, 5, 9, 0]])
FIRST = 900
"""Position of the first id: rotary positions of all kinds differ clearly by then."""
LLAMA3 = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64}
YARN = {"factor": 4.0, "original_max_position_embeddings": 64}
SHARPER = YARN | {"beta_fast": 16.0, "beta_slow": 2.0, "mscale": 0.7, "mscale_all_dim": 1.3, "truncate": False}


def make_config(kind: str, **values: Any) -> LlmConfig:
    return LlmConfig(
        model_type=kind,
        vocab_size=20,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        rope_theta=5e3,
        values=values or None,
    )


def rope(kind: str, **parameters: Any) -> LlmConfig:
    return make_config("llama", rope_parameters={"rope_type": kind, "rope_theta": 5e3, **parameters})


@pytest.mark.parametrize(
    "config",
    [
        make_config("llama"),
        make_config("llama").model_copy(update={"num_key_value_heads": 4}),
        make_config("llama", attention_bias=True, mlp_bias=True, rms_norm_eps=1e-3),
        make_config("llama", head_dim=12, tie_word_embeddings=False),
        make_config("qwen2", tie_word_embeddings=False),
        make_config("qwen2", use_sliding_window=False, sliding_window=8, layer_types=["full_attention"] * 2),
        make_config("qwen3", head_dim=16),
        make_config("qwen3", attention_bias=True),
        rope("linear", factor=4.0),
        rope("llama3", **LLAMA3),
        rope("yarn", **YARN),
        rope("yarn", **YARN, attention_factor=1.2),
        rope("yarn", **SHARPER),
    ],
    ids=lambda config: f"{config.model_type} {config.num_key_value_heads} {config.values}",
)
@torch.inference_mode()
def test_the_same_weights_give_transformers_own_logits(config: LlmConfig) -> None:
    assert is_built_here(config)
    theirs = AutoModelForCausalLM.from_config(transformers_config(config)).eval()
    draw = torch.Generator().manual_seed(0)
    for parameter in theirs.parameters():
        parameter.normal_(0.5 if parameter.ndim == 1 else 0.0, 0.2, generator=draw)
    ours = SharedLlm(config).eval()
    ours.lm.load_state_dict(theirs.state_dict())
    length = IDS.shape[1]
    positions = torch.arange(FIRST, FIRST + length)[None]
    mask = torch.ones(length, length, dtype=torch.bool).tril()[None, None]
    logits = ours.logits(ours.pack(ours.table(IDS), positions, mask))
    torch.testing.assert_close(logits, theirs(IDS, position_ids=positions).logits, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    "config",
    [
        make_config("mistral"),
        make_config("llama", hidden_act="gelu"),
        make_config("llama", attention_dropout=0.1),
        make_config("llama", unheard_of=1),
        make_config("llama", rms_norm_eps="small"),
        make_config("qwen2", attention_bias=True),
        make_config("qwen2", use_sliding_window=True),
        make_config("qwen3", layer_types=["full_attention", "sliding_attention"]),
        rope("dynamic", factor=2.0),
        rope("yarn", factor=2.0),
        rope("linear", factor="two"),
        rope("linear", factor=2.0, partial_rotary_factor=0.5),
    ],
    ids=lambda config: f"{config.model_type} {config.values}",
)
def test_what_it_does_not_compute_it_does_not_claim(config: LlmConfig) -> None:
    assert not is_built_here(config)


def test_a_model_whose_layers_are_ours_does_not_import_transformers() -> None:
    """It takes seconds, 150 MB and 200,000 objects."""
    code = (
        "import sys; from configs.model.tiny import TINY; "
        "from duplex.model.families.checkpoint import random_tdm_model; "
        "random_tdm_model(TINY); sys.exit('transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
