"""A decoder over vectors with the layers of Llama, Qwen2 or Qwen3; its cache is an argument.

Weights and values have transformers' names, so that any checkpoint of these families fits. A layer has RMS norms (Zhang
and Sennrich 2019), rotary attention (Su et al. 2021) and a SwiGLU feed-forward (Shazeer 2020). Other families are left
to `duplex.model.stages.transformers_layers`. Nothing here depends on text, speech or slots.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from configs.model.core import LlmConfig
from duplex.model.stages.attention import Remembering, additive, attend
from duplex.model.stages.rotary import frequencies, is_known, rotate

_DEVIATION: Final = 0.02
"""Standard deviation of fresh matrices, as in transformers."""


@dataclass(frozen=True)
class _Family:
    """What distinguishes a family: whether queries, keys and values have a bias; whether queries and keys have
    norms."""

    biased: bool = False
    normed: bool = False
    own_values: frozenset[str] = frozenset()


_WINDOWS: Final = {"sliding_window", "use_sliding_window", "max_window_layers", "layer_types"}
_FAMILIES: Final = {
    "llama": _Family(own_values=frozenset({"attention_bias", "mlp_bias", "pretraining_tp"})),
    "qwen2": _Family(biased=True, own_values=frozenset(_WINDOWS)),
    "qwen3": _Family(normed=True, own_values=frozenset({"attention_bias", *_WINDOWS})),
}
_NUMBER: Final = (int, float)
_VALUES: Final[dict[str, type | tuple[type, ...]]] = {
    **dict.fromkeys(("initializer_range", "rms_norm_eps", "attention_dropout"), _NUMBER),
    **dict.fromkeys(("head_dim", "max_position_embeddings", "pretraining_tp", "max_window_layers"), int),
    **dict.fromkeys(("attention_bias", "mlp_bias", "tie_word_embeddings", "use_sliding_window"), bool),
    "hidden_act": str,
    "rope_parameters": dict,
    "sliding_window": (int, type(None)),
    "layer_types": list,
}
"""Allowed values. Those of a single family are in `_FAMILIES`."""
_SHARED: Final = _VALUES.keys() - {name for family in _FAMILIES.values() for name in family.own_values}


def is_built_here(config: LlmConfig) -> bool:
    """Whether `Decoder` supports this configuration."""
    family, values = _FAMILIES.get(config.model_type), config.values or {}
    return (
        family is not None
        and values.keys() <= _SHARED | family.own_values
        and all(isinstance(value, _VALUES[name]) for name, value in values.items())
        and is_known(config.rope)
        and values.get("hidden_act", "silu") == "silu"
        and not values.get("attention_dropout")
        and not values.get("use_sliding_window")
        and set(values.get("layer_types") or []) <= {"full_attention"}
    )


class Decoder(nn.Module):
    """Maps vectors [P, n, D] to hidden vectors [P, n, D] after the final norm."""

    frequencies: Tensor

    def __init__(self, config: LlmConfig, table: bool = True) -> None:
        """`table`: whether it has the text embedding, which it does not read itself."""
        super().__init__()
        self.config = config
        self._groups = config.num_attention_heads // config.num_key_value_heads
        if table:
            self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(_Layer(config, index) for index in range(config.num_hidden_layers))
        self.norm = _norm(config, config.hidden_size)
        self.compute_rotations()
        draw(self, config)

    def forward(
        self, x: Tensor, positions: Tensor, mask: Tensor | None, remembering: Remembering | None = None
    ) -> Tensor:
        """Run the layers; arguments and result as in `duplex.model.stages.llm.run`."""
        mask = None if mask is None else additive(mask, self._groups, x.dtype)
        angles = positions[..., None].float() * self.frequencies
        angles = torch.cat((angles, angles), dim=-1)[:, None]
        cos, sin = ((part * self._sharpness).to(x.dtype) for part in (angles.cos(), angles.sin()))
        for layer in self.layers:
            x = layer(x, cos, sin, mask, remembering)
        hidden: Tensor = self.norm(x)
        return hidden

    def compute_rotations(self, device: torch.device | None = None) -> None:
        """Compute the rotary frequencies (Su et al. 2021, sec. 3.2), which no checkpoint contains; they stay in
        float32."""
        values, self._sharpness = frequencies(self.config.rope, self.config.head_dim)
        self.register_buffer("frequencies", values.to(device), persistent=False)


class CausalLm(nn.Module):
    """A decoder with a text embedding and a text head, which may share weights; the names are transformers'."""

    def __init__(self, config: LlmConfig) -> None:
        super().__init__()
        self.model = Decoder(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self._tied = config.tied
        draw(self.lm_head, config)
        self.tie_weights()

    def get_input_embeddings(self) -> nn.Embedding:
        """The text embedding."""
        return self.model.embed_tokens

    def get_output_embeddings(self) -> nn.Module:
        """The text head."""
        return self.lm_head

    def tie_weights(self) -> None:
        """Tie the head to the embedding if the configuration says so; repeat this after weights were assigned."""
        if self._tied:
            self.lm_head.weight = self.model.embed_tokens.weight


def draw(module: nn.Module, config: LlmConfig) -> None:
    """Draw random matrices and set biases to zero."""
    deviation = (config.values or {}).get("initializer_range", _DEVIATION)
    for part in module.modules():
        if isinstance(part, nn.Linear | nn.Embedding):
            nn.init.normal_(part.weight, std=deviation)
        if isinstance(part, nn.Linear) and part.bias is not None:
            nn.init.zeros_(part.bias)


class _Layer(nn.Module):
    def __init__(self, config: LlmConfig, index: int) -> None:
        super().__init__()
        self.self_attn = _Attention(config, index)
        self.mlp = _FeedForward(config)
        self.input_layernorm = _norm(config, config.hidden_size)
        self.post_attention_layernorm = _norm(config, config.hidden_size)

    def forward(
        self, x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor | None, remembering: Remembering | None
    ) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, mask, remembering)
        out: Tensor = x + self.mlp(self.post_attention_layernorm(x))
        return out


class _Attention(nn.Module):
    def __init__(self, config: LlmConfig, index: int) -> None:
        super().__init__()
        family, width, head = _FAMILIES[config.model_type], config.hidden_size, config.head_dim
        biased = bool((config.values or {}).get("attention_bias"))
        self._index, self._head = index, head
        self.q_proj = nn.Linear(width, config.num_attention_heads * head, bias=biased or family.biased)
        self.k_proj = nn.Linear(width, config.num_key_value_heads * head, bias=biased or family.biased)
        self.v_proj = nn.Linear(width, config.num_key_value_heads * head, bias=biased or family.biased)
        self.o_proj = nn.Linear(config.num_attention_heads * head, width, bias=biased)
        build: Callable[[], nn.Module] = (lambda: _norm(config, head)) if family.normed else nn.Identity
        self.q_norm, self.k_norm = build(), build()

    def forward(
        self, x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor | None, remembering: Remembering | None
    ) -> Tensor:
        query = rotate(self.q_norm(self._heads(self.q_proj(x))).transpose(1, 2), cos, sin)
        key = rotate(self.k_norm(self._heads(self.k_proj(x))).transpose(1, 2), cos, sin)
        value = self._heads(self.v_proj(x)).transpose(1, 2)
        if remembering is not None:
            key, value = remembering.store(self._index, key, value)
        out: Tensor = self.o_proj(attend(query, key, value, mask).flatten(2))
        return out

    def _heads(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (-1, self._head))


class _FeedForward(nn.Module):
    def __init__(self, config: LlmConfig) -> None:
        super().__init__()
        width, inner, biased = config.hidden_size, config.intermediate_size, bool((config.values or {}).get("mlp_bias"))
        self.gate_proj = nn.Linear(width, inner, bias=biased)
        self.up_proj = nn.Linear(width, inner, bias=biased)
        self.down_proj = nn.Linear(inner, width, bias=biased)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))
        return out


def _norm(config: LlmConfig, width: int) -> nn.RMSNorm:
    values: dict[str, Any] = config.values or {}
    return nn.RMSNorm(width, eps=values.get("rms_norm_eps", 1e-6))
