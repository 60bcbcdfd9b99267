"""A stack of transformers' Qwen3 or Qwen3-MoE layers over vectors, with a cache that the caller keeps.

Knows transformers; knows nothing of text, speech or turns.
"""

from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AttentionInterface, AutoConfig, AutoModel, Cache

from configs.model.funaudiochat import BackboneConfig
from duplex.model.funaudiochat.key_values import KeyValues, Span, cache_places

_ATTENTION: Final = "duplex_grouped"


def _attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    **_: object,
) -> tuple[Tensor, None]:
    """Attention whose keys and values [R, heads, S, head_dim] are not copied for the query heads that share them.

    Args:
        module: of transformers, asks for it.
        query: [R, groups * heads, n, head_dim].
        key, value: [R, heads, S, head_dim].
        attention_mask: additive [R, 1, groups * n, S] (`_additive`); None is causal.
        scaling: of the scores.

    Returns:
        [R, n, groups * heads, head_dim], and no weights.
    """
    heads, count = key.shape[1], query.shape[2]
    if attention_mask is None:
        out = F.scaled_dot_product_attention(query, key, value, is_causal=True, scale=scaling, enable_gqa=True)
        return out.transpose(1, 2), None
    packed = query.unflatten(1, (heads, -1)).flatten(2, 3)
    out = F.scaled_dot_product_attention(packed, key, value, attn_mask=attention_mask, scale=scaling)
    return out.unflatten(2, (-1, count)).flatten(1, 2).transpose(1, 2), None


AttentionInterface.register(_ATTENTION, _attend)


def _additive(mask: Tensor, groups: int, dtype: torch.dtype) -> Tensor:
    """[R, 1, n, S] bool -> [R, 1, groups * n, S] of zeros and minus infinity, once for all layers."""
    values = torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill_(~mask, -torch.inf)
    return values.expand(-1, -1, groups, -1) if mask.shape[2] == 1 else values.repeat(1, 1, groups, 1)


class _SpanCache(Cache):
    """Adapter: what transformers calls a cache, writing a span's keys and values to its places."""

    def __init__(self, cache: KeyValues, span: Span) -> None:
        super().__init__(layers=[])
        self.cache, self.span = cache, span
        batch = torch.arange(len(cache.lengths), device=span.places.device) if span.rows is None else span.rows
        self.batch = batch[:, None]

    def update(self, key_states: Tensor, value_states: Tensor, layer_idx: int, *_: object) -> tuple[Tensor, Tensor]:
        """Store [R, heads, n, head_dim]; returns what the span sees, [R, heads, S, head_dim] each."""
        return self._stored(self.cache.keys[layer_idx], key_states), self._stored(
            self.cache.values[layer_idx], value_states
        )

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """The mask is given in full, so no length is ever derived from this cache."""
        return 0

    def _stored(self, tensor: Tensor, new: Tensor) -> Tensor:
        tensor[self.batch, :, self.span.places] = new.transpose(1, 2).to(tensor.dtype)
        seen = tensor[:, :, : self.span.seen]
        return seen if self.span.rows is None else seen[self.span.rows]


class Backbone(nn.Module):
    """Vectors [R, n, D] -> hidden vectors [R, n, D] after the final norm. Has no embedding table."""

    def __init__(self, config: BackboneConfig) -> None:
        super().__init__()
        self.config = config
        self.stack = AutoModel.from_config(_transformers_config(config), attn_implementation=_ATTENTION)
        del self.stack.embed_tokens
        _fuse_norms(self.stack, config.rms_norm_eps)

    def init_state(self, batch: int, places: int) -> KeyValues:
        """Empty cache for `batch` rows of at most `places` elements, in the type and place of the weights."""
        config, like = self.config, self.stack.norm.weight
        shape = (batch, config.num_key_value_heads, cache_places(places), config.head_dim)

        def empty() -> list[Tensor]:
            return [torch.zeros(shape, dtype=like.dtype, device=like.device) for _ in range(config.num_hidden_layers)]

        return KeyValues(empty(), empty(), [0] * batch, places)

    def step(self, x: Tensor, span: Span, cache: KeyValues) -> Tensor:
        """Hidden vectors [R, n, D] of the span's elements x [R, n, D]; writes the cache, leaves its lengths."""
        out = self.stack(
            inputs_embeds=x,
            position_ids=span.positions,
            attention_mask=_additive(span.mask, self._groups, x.dtype),
            past_key_values=_SpanCache(cache, span),
            use_cache=True,
        )
        hidden: Tensor = out.last_hidden_state
        return hidden

    def whole(self, x: Tensor) -> Tensor:
        """Hidden vectors of whole sequences x [B, T, D], causal, without a cache."""
        positions = torch.arange(x.shape[1], device=x.device)[None]
        hidden: Tensor = self.stack(inputs_embeds=x, position_ids=positions, use_cache=False).last_hidden_state
        return hidden

    @property
    def _groups(self) -> int:
        """Query heads that share a key head."""
        return self.config.num_attention_heads // self.config.num_key_value_heads

    def compute_buffers(self, device: torch.device) -> None:
        """Make the rotary frequencies on `device`: they are not in any checkpoint. They stay in float32."""
        self.stack.rotary_emb = type(self.stack.rotary_emb)(config=self.stack.config).to(device)


def _fuse_norms(stack: nn.Module, eps: float) -> None:
    """Give a stack torch's own norms, which are one kernel of a GPU instead of eight; the weights keep their names."""
    for owner in list(stack.modules()):
        for name, norm in list(owner.named_children()):
            if type(norm).__name__.endswith("RMSNorm"):
                setattr(owner, name, nn.RMSNorm(norm.get_parameter("weight").shape, eps=eps))


def _transformers_config(config: BackboneConfig) -> Any:
    values = config.model_dump(exclude={"rope_theta", "experts"})
    kind = "qwen3"
    if config.experts is not None:
        kind = "qwen3_moe"
        values |= {
            "num_experts": config.experts.count,
            "num_experts_per_tok": config.experts.chosen,
            "moe_intermediate_size": config.experts.width,
            "norm_topk_prob": config.experts.normalised,
            "decoder_sparse_step": config.experts.every,
        }
    rope = {"rope_type": "default", "rope_theta": config.rope_theta}
    return AutoConfig.for_model(kind, **values, vocab_size=1, rope_parameters=rope)
