"""The shared LLM: any `transformers` causal LM with rotary positions, run slot by slot or on a packed dialogue.

The two forms use the same weights, positions and mask; tests hold them equal. The cache is an explicit state: a
fixed number of places per row, the prefix pinned, the slots rolling (`tdm.layout`). `VectorStack` is the same without
text, for the refined head.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, Cache, PretrainedConfig

from configs.base import ConfigError
from configs.model.core import LlmConfig


@dataclass
class LlmState:
    """Keys and values of B conversations: per layer [B, heads, places, head_dim]. `places` says where a step writes."""

    keys: list[Tensor]
    values: list[Tensor]

    def reset(self, rows: Tensor) -> None:
        """Zero the rows that are True in `rows [B]`; the mask keeps stale places unseen in any case."""
        for tensor in (*self.keys, *self.values):
            tensor[rows] = 0


class _PlaceCache(Cache):
    """Adapter: what transformers calls a cache, writing a step's keys and values to given places of the state."""

    def __init__(self, state: LlmState, places: Tensor, active: Tensor) -> None:
        super().__init__(layers=[])
        self.state, self.rows = state, active.nonzero()
        self.places = places[active]
        self.active = active

    def update(self, key_states: Tensor, value_states: Tensor, layer_idx: int, *_: object) -> tuple[Tensor, Tensor]:
        """Store [B, heads, n, head_dim] at the places of the active rows; returns the whole cache."""
        keys, values = self.state.keys[layer_idx], self.state.values[layer_idx]
        keys[self.rows, :, self.places] = key_states[self.active].transpose(1, 2).to(keys.dtype)
        values[self.rows, :, self.places] = value_states[self.active].transpose(1, 2).to(values.dtype)
        return keys, values

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """The mask is given in full, so no length is ever derived from this cache."""
        return 0


class SharedLlm(nn.Module):
    """Hidden states of a causal LM over TDM elements, and its text embedding table and head."""

    def __init__(self, config: LlmConfig) -> None:
        """
        Raises:
            ConfigError: the type is unknown, or has none of the values given for it.
        """
        super().__init__()
        self.config = config
        self.lm = AutoModelForCausalLM.from_config(transformers_config(config), attn_implementation="sdpa")

    @property
    def table(self) -> nn.Embedding:
        """Text embedding [V, D], shared by both sides and the text head."""
        table = self.lm.get_input_embeddings()
        assert isinstance(table, nn.Embedding)
        return table

    def logits(self, hidden: Tensor) -> Tensor:
        """[..., D] -> text logits [..., V]."""
        head = self.lm.get_output_embeddings()
        assert isinstance(head, nn.Module)
        logits: Tensor = head(hidden)
        return logits

    def init_state(self, batch: int, places: int) -> LlmState:
        """Empty cache for `batch` conversations with `places` elements each."""
        return _empty_state(self.config, batch, places, self.table.weight)

    def pack(self, elements: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
        """Hidden states of whole dialogues.

        Args:
            elements: [B, T, D] prefix, U_0, A_0, U_1, ...
            positions: [B, T] or [1, T].
            mask: [B, 1, T, T] or [1, 1, T, T] bool (`tdm.mask.pack_mask`).

        Returns:
            [B, T, D].
        """
        return _pack(self.lm.model, elements, positions, mask)

    def step(
        self,
        elements: Tensor,
        positions: Tensor,
        places: Tensor,
        mask: Tensor,
        state: LlmState,
        active: Tensor,
    ) -> Tensor:
        """Hidden states of n new elements per row; writes their keys and values for active rows only.

        Args:
            elements: [B, n, D].
            positions: [B, n] rotary positions.
            places: [B, n] cache places.
            mask: [B, 1, n, C] bool over the cache.
            state: changed in place.
            active: [B] bool.

        Returns:
            [B, n, D]; rows that are not active hold nothing of use.
        """
        return _step(self.lm.model, elements, positions, mask, _PlaceCache(state, places, active))

    def complete(self) -> None:
        """Make what no checkpoint holds, after weights were assigned to a model on the meta device."""
        self.lm.tie_weights()
        _compute_rotations(self.lm.model)


class VectorStack(nn.Module):
    """The transformer of a causal LM over vectors: no text table, no text head. Arguments as of `SharedLlm`."""

    def __init__(self, config: LlmConfig) -> None:
        super().__init__()
        self.config = config
        self.stack = AutoModel.from_config(transformers_config(config, vocab_size=1), attn_implementation="sdpa")
        del self.stack.embed_tokens

    def init_state(self, batch: int, places: int) -> LlmState:
        """Empty cache."""
        return _empty_state(self.config, batch, places, next(self.stack.parameters()))

    def pack(self, elements: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
        """Hidden states [B, T, D] of whole sequences."""
        return _pack(self.stack, elements, positions, mask)

    def step(
        self, elements: Tensor, positions: Tensor, places: Tensor, mask: Tensor, state: LlmState, active: Tensor
    ) -> Tensor:
        """Hidden states [B, n, D] of new elements; writes `state` for active rows."""
        return _step(self.stack, elements, positions, mask, _PlaceCache(state, places, active))

    def complete(self) -> None:
        """Make what no checkpoint holds."""
        _compute_rotations(self.stack)


def transformers_config(config: LlmConfig, **changes: int) -> PretrainedConfig:
    """The same as transformers' own object.

    Raises:
        ConfigError: the type is unknown, or has none of the values given for it.
    """
    given = config.values or {}
    values = config.model_dump(exclude={"model_type", "rope_theta", "values"})
    values |= {
        "head_dim": config.head_dim,
        "tie_word_embeddings": True,
        "rope_parameters": {"rope_type": "default", "rope_theta": config.rope_theta},
    }
    try:
        known = AutoConfig.for_model(config.model_type)
        unknown = [key for key in given if key != "head_dim" and not hasattr(known, key)]
        if unknown:
            raise ConfigError(f"a '{config.model_type}' has no value '{unknown[0]}'; check core.llm.values")
        return AutoConfig.for_model(config.model_type, **(values | given | changes))
    except ValueError as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"no LLM of type '{config.model_type}' ({' '.join(str(error).split())[:160]})") from None


def _empty_state(config: LlmConfig, batch: int, places: int, like: Tensor) -> LlmState:
    shape = (batch, config.num_key_value_heads, places, config.head_dim)

    def empty() -> list[Tensor]:
        return [torch.zeros(shape, dtype=like.dtype, device=like.device) for _ in range(config.num_hidden_layers)]

    return LlmState(empty(), empty())


def _pack(model: Any, elements: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
    out = model(inputs_embeds=elements, position_ids=positions, attention_mask=mask, use_cache=False)
    hidden: Tensor = out.last_hidden_state
    return hidden


def _step(model: Any, elements: Tensor, positions: Tensor, mask: Tensor, cache: _PlaceCache) -> Tensor:
    out = model(
        inputs_embeds=elements, position_ids=positions, attention_mask=mask, past_key_values=cache, use_cache=True
    )
    hidden: Tensor = out.last_hidden_state
    return hidden


def _compute_rotations(model: Any) -> None:
    """Rotary frequencies, which stay in float32."""
    model.rotary_emb = type(model.rotary_emb)(config=model.config)
