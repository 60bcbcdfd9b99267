"""The weights a core starts from: it says what its attention sees."""

import pytest
import torch

from configs.model.core import CoreConfig, LlmConfig
from duplex.model.layouts.tdm.core import Core
from duplex.train.text.mimetic_init import set_to_copy

SMALL = LlmConfig(
    hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2
)


def test_value_and_output_undo_each_other() -> None:
    core = Core(CoreConfig(llm=SMALL))
    set_to_copy(core, 0.5, 0.1, seed=0)
    for layer in core.llm.lm.model.layers:
        product = layer.self_attn.o_proj.weight @ layer.self_attn.v_proj.weight
        torch.testing.assert_close(product, 0.5 * torch.eye(32), atol=1e-5, rtol=0.0)
    assert float(core.llm.table.weight.detach().std()) == pytest.approx(0.1, rel=0.05)
    assert core.readout.user is not None
    torch.testing.assert_close(core.readout.user.weight, 0.5 * torch.eye(32))


def test_shared_heads_are_refused() -> None:
    core = Core(CoreConfig(llm=SMALL.model_copy(update={"num_key_value_heads": 1})))
    with pytest.raises(ValueError, match="num_key_value_heads"):
        set_to_copy(core, 0.5, 0.1, seed=0)
