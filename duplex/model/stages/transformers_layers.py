"""The only interface to transformers' decoder layers, for families that `duplex.model.stages.decoder_layers` lacks.

transformers' own caches change from version to version, so the layers get none. They attend with a function of ours,
which is registered in the public `AttentionInterface`; the cache is passed to that function as a keyword argument,
which the layers pass on.
"""

from typing import Any, Final

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AutoConfig, AutoModel, AutoModelForCausalLM, PretrainedConfig

from configs.base import ConfigError
from configs.model.core import LlmConfig
from duplex.model.stages.attention import Remembering, additive, attend
from duplex.model.stages.quiet import refusals

_ATTENTION: Final = "duplex"
_OTHERWISE: Final = ("softcap", "s_aux", "position_bias")
"""Arguments with which some families request another kind of attention."""
_SUITED: Final = "take a Llama or a Qwen"


def build_causal_lm(config: LlmConfig) -> Any:
    """Build a causal LM: `model`, text embedding and head.

    Raises:
        ConfigError: the type is unknown, does not consist of such layers, or lacks one of the values given for it.
    """
    lm = _build(AutoModelForCausalLM, config)
    _check_rotations(getattr(lm, "model", None), config)
    return lm


def build_layers(config: LlmConfig) -> Any:
    """Build the same without text embedding and head.

    Raises:
        ConfigError: as for `build_causal_lm`.
    """
    layers = _build(AutoModel, config.model_copy(update={"vocab_size": 1}))
    _check_rotations(layers, config)
    del layers.embed_tokens
    return layers


def run(
    layers: nn.Module, x: Tensor, positions: Tensor, mask: Tensor | None, remembering: Remembering | None = None
) -> Tensor:
    """Arguments and result as of `duplex.model.stages.llm.run`.

    Raises:
        ConfigError: these layers do not support the requested attention.
    """
    config: Any = layers.config
    if mask is not None:
        heads = config.num_attention_heads
        mask = additive(mask, heads // (getattr(config, "num_key_value_heads", None) or heads), x.dtype)
    out = layers(inputs_embeds=x, position_ids=positions, attention_mask=mask, use_cache=False, remembering=remembering)
    if remembering is not None and len(remembering.stored) != len(remembering.keys):
        raise _make_unsuited_error(config.model_type)
    hidden: Tensor = out.last_hidden_state
    return hidden


def compute_rotations(layers: Any, device: torch.device | None = None) -> None:
    """Compute the rotary frequencies, which no checkpoint contains; they stay in float32."""
    layers.rotary_emb = type(layers.rotary_emb)(config=layers.config).to(device)


def transformers_config(config: LlmConfig) -> PretrainedConfig:
    """Convert the configuration to transformers' own object.

    Raises:
        ConfigError: the type is unknown, or has none of the values given for it.
    """
    given = config.values or {}
    values = config.model_dump(exclude={"model_type", "rope_theta", "values"})
    values |= {"head_dim": config.head_dim, "tie_word_embeddings": True, "rope_parameters": config.rope}
    try:
        known = AutoConfig.for_model(config.model_type)
        unknown = [key for key in given if key != "head_dim" and not hasattr(known, key)]
        if unknown:
            raise ConfigError(f"a '{config.model_type}' has no value '{unknown[0]}'; check core.llm.values")
        return AutoConfig.for_model(config.model_type, **(values | given))
    except refusals() as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"no LLM of type '{config.model_type}' ({' '.join(str(error).split())[:160]})") from None


def _build(kind: Any, config: LlmConfig) -> Any:
    try:
        return kind.from_config(transformers_config(config), attn_implementation=_ATTENTION)
    except refusals() as error:
        if isinstance(error, ConfigError):
            raise
        raise _make_unsuited_error(config.model_type) from error


def _check_rotations(layers: object, config: LlmConfig) -> None:
    if not isinstance(getattr(layers, "rotary_emb", None), nn.Module):
        raise _make_unsuited_error(config.model_type)


def _make_unsuited_error(kind: str) -> ConfigError:
    return ConfigError(f"a '{kind}' is not built here and cannot be run as transformers builds it; {_SUITED}")


def _attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    remembering: Remembering | None = None,
    **others: object,
) -> tuple[Tensor, None]:
    """`attend` with transformers' signature: the layer comes first, and no weights are returned.

    Raises:
        ConfigError: the layer requests another kind of attention, as `others` says.
    """
    asked = [name for name in _OTHERWISE if others.get(name) is not None]
    if asked:
        raise ConfigError(f"attention with '{asked[0]}' is not built here; {_SUITED}")
    if remembering is not None:
        assert isinstance(module.layer_idx, int)
        if module.layer_idx in remembering.stored:
            raise ConfigError(f"a layer that attends twice is not built here; {_SUITED}")
        key, value = remembering.store(module.layer_idx, key, value)
    return attend(query, key, value, attention_mask, scaling, dropout), None


AttentionInterface.register(_ATTENTION, _attend)
