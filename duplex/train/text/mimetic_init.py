"""Initial weights of a core whose attention passes on what it sees.

The idea is that of Trockman and Kolter, "Mimetic Initialization of Self-Attention Layers" (2023): if value and output
maps start as each other's inverse, a head outputs what it attends to, so that only where to attend is left to learn.
The exact form of the product here is ours. The text embedding is tied to the text head, so the output can be a word of
the user. Nothing here depends on data.
"""

import torch
from torch import nn

from duplex.model.layouts.tdm.core import Core


@torch.no_grad()
def set_to_copy(core: Core, strength: float, table: float, seed: int) -> None:
    """Set W_o W_v = strength * I in every layer, and make the readout of U pass U on, in place (after Trockman and
    Kolter 2023).

    `table` is the standard deviation of the text embedding: attention adds vectors of the size of `strength`, so a
    word's own vector has to be large enough to remain visible.

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
