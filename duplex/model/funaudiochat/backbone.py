"""A stack of Qwen3 or Qwen3-MoE layers over vectors, with a cache that the caller keeps.

This module handles places and layers; it does not depend on text, speech or turns.
"""

from typing import Any

import torch
from torch import Tensor, nn

from configs.model.core import LlmConfig
from configs.model.funaudiochat import BackboneConfig
from duplex.model.funaudiochat.key_values import CachePlaces, KeyValues, cache_places
from duplex.model.stages.attention import Remembering
from duplex.model.stages.llm import compute_rotations, layers, run


class Backbone(nn.Module):
    """Maps vectors [R, n, D] to hidden vectors [R, n, D] after the final norm. It has no embedding table."""

    def __init__(self, config: BackboneConfig) -> None:
        super().__init__()
        self.config = config
        self.stack = layers(_llm_config(config))
        _fuse_norms(self.stack, config.rms_norm_eps)

    def init_state(self, batch: int, places: int) -> KeyValues:
        """Empty cache for `batch` rows of at most `places` elements, with the weights' data type and device."""
        config, like = self.config, next(self.stack.parameters())
        shape = (batch, config.num_key_value_heads, cache_places(places), config.head_dim)

        def empty() -> list[Tensor]:
            return [torch.zeros(shape, dtype=like.dtype, device=like.device) for _ in range(config.num_hidden_layers)]

        return KeyValues(empty(), empty(), [0] * batch, places)

    def step(self, x: Tensor, span: CachePlaces, cache: KeyValues) -> Tensor:
        """Hidden vectors [R, n, D] of the span's elements x [R, n, D]; writes the cache but not its lengths."""
        return run(self.stack, x, span.positions, span.mask, _remembering(cache, span))

    def whole(self, x: Tensor) -> Tensor:
        """Hidden vectors of whole sequences x [B, T, D], causal, without a cache."""
        positions = torch.arange(x.shape[1], device=x.device)[None]
        return run(self.stack, x, positions, None)

    def compute_buffers(self, device: torch.device) -> None:
        """Compute the rotary frequencies (Su et al. 2021) on `device`."""
        compute_rotations(self.stack, device)


def _remembering(cache: KeyValues, span: CachePlaces) -> Remembering:
    rows = torch.arange(len(cache.lengths), device=span.places.device) if span.rows is None else span.rows
    return Remembering(cache.keys, cache.values, rows, span.places, seen=span.seen, gathered=span.rows is not None)


def _fuse_norms(stack: nn.Module, eps: float) -> None:
    """Give a stack torch's own RMS norms, which are one GPU kernel instead of eight; the weights keep their names."""
    for owner in list(stack.modules()):
        for name, norm in list(owner.named_children()):
            if type(norm).__name__.endswith("RMSNorm") and not isinstance(norm, nn.RMSNorm):
                setattr(owner, name, nn.RMSNorm(norm.get_parameter("weight").shape, eps=eps))


def _llm_config(config: BackboneConfig) -> LlmConfig:
    """The configuration by transformers' names for Qwen3 and Qwen3-MoE; the text embedding is elsewhere."""
    values: dict[str, Any] = {"head_dim": config.head_dim, "rms_norm_eps": config.rms_norm_eps}
    if config.experts is not None:
        values |= {
            "num_experts": config.experts.count,
            "num_experts_per_tok": config.experts.chosen,
            "moe_intermediate_size": config.experts.width,
            "norm_topk_prob": config.experts.normalised,
            "decoder_sparse_step": config.experts.every,
        }
    sizes = config.model_dump(include=LlmConfig.model_fields.keys() & BackboneConfig.model_fields.keys())
    return LlmConfig(model_type="qwen3" if config.experts is None else "qwen3_moe", values=values, **sizes)
