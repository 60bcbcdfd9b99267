"""Weights a core starts from: attention that passes on what it sees.

Knows the core's parts; knows nothing of data. After Trockman and Kolter, "Mimetic Initialization of Self-Attention
Layers" (2023): where value and output maps begin as each other's inverse, a head says what it looks at, so that only
where to look is left to learn. The text table is tied to the text head, so what is said can be a word of the user.
"""

import torch
from torch import nn

from duplex.model.layouts.tdm.core import Core


@torch.no_grad()
def set_to_copy(core: Core, strength: float, table: float, seed: int) -> None:
    """W_o W_v = strength * identity in every layer, and the read-out of U passes U on (in place).

    `table` is the deviation of the text table: what attention adds is as large as `strength`, so a word's own vector
    has to be large enough not to drown in it.

    Raises:
        ValueError: the model has fewer key-value heads than heads, so that the product cannot be the identity.
    """
    config = core.config.llm
    if config.num_key_value_heads != config.num_attention_heads:
        raise ValueError("copying weights need as many key-value heads as heads; change num_key_value_heads")
    generator = torch.Generator().manual_seed(seed)
    width = config.hidden_size
    core.llm.table.weight.normal_(0.0, table, generator=generator)
    for layer in core.llm.lm.model.layers:
        turn, _ = torch.linalg.qr(torch.randn(width, width, generator=generator))
        layer.self_attn.v_proj.weight.copy_(strength**0.5 * turn)
        layer.self_attn.o_proj.weight.copy_(strength**0.5 * turn.T)
    if core.readout.user is not None:
        nn.init.eye_(core.readout.user.weight)
        core.readout.user.weight.mul_(strength)
