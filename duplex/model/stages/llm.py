"""The shared LLM: a causal LM with rotary positions, run slot by slot or on a packed dialogue.

Llama, Qwen2 and Qwen3 are our own code (`duplex.model.stages.decoder_layers`); other families come from transformers,
which is imported only for them.

The two forms use the same weights, positions and mask; tests check that they are equal. The cache is an explicit state:
a fixed number of places per row, the prefix pinned, the slots rolling (`tdm.layout`). `VectorStack` is the same without
text, for the refined head.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from configs.model.core import LlmConfig
from duplex.model.stages.attention import Remembering
from duplex.model.stages.decoder_layers import CausalLm, Decoder, is_built_here


@dataclass
class LlmState:
    """Keys and values of B conversations: per layer [B, heads, places, head_dim]. `remembering` says where a step
    writes."""

    keys: list[Tensor]
    values: list[Tensor]

    def reset(self, rows: Tensor) -> None:
        """Zero the rows that are True in `rows [B]`; the mask hides stale places in any case."""
        for tensor in (*self.keys, *self.values):
            tensor[rows] = 0

    def remembering(self, places: Tensor, active: Tensor) -> Remembering:
        """A pass over all rows that writes to `places [B, n]` of the rows that are True in `active [B]`."""
        return Remembering(self.keys, self.values, active.nonzero()[:, 0], places[active], active)


class SharedLlm(nn.Module):
    """A causal LM over TDM elements, with its text embedding and text head."""

    def __init__(self, config: LlmConfig) -> None:
        """
        Raises:
            ConfigError: the type is unknown, or has none of the values given for it.
        """
        super().__init__()
        self.config = config
        self.lm = _causal_lm(config)

    @property
    def table(self) -> nn.Embedding:
        """Text embedding [V, D], shared by both sides and the text head."""
        table = self.lm.get_input_embeddings()
        assert isinstance(table, nn.Embedding)
        return table

    def logits(self, hidden: Tensor) -> Tensor:
        """Map [..., D] to text logits [..., V]."""
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
        return run(self.lm.model, elements, positions, mask)

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
            [B, n, D]; inactive rows have no meaningful values.
        """
        return run(self.lm.model, elements, positions, mask, state.remembering(places, active))

    def complete(self) -> None:
        """Compute what no checkpoint contains, after weights were assigned to a model on the meta device."""
        self.lm.tie_weights()
        compute_rotations(self.lm.model)


class VectorStack(nn.Module):
    """The transformer of a causal LM over vectors, without text embedding and text head. Arguments as in
    `SharedLlm`."""

    def __init__(self, config: LlmConfig) -> None:
        super().__init__()
        self.config = config
        self.stack = layers(config)

    def init_state(self, batch: int, places: int) -> LlmState:
        """Empty cache."""
        return _empty_state(self.config, batch, places, next(self.stack.parameters()))

    def pack(self, elements: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
        """Hidden states [B, T, D] of whole sequences."""
        return run(self.stack, elements, positions, mask)

    def step(
        self, elements: Tensor, positions: Tensor, places: Tensor, mask: Tensor, state: LlmState, active: Tensor
    ) -> Tensor:
        """Hidden states [B, n, D] of new elements; writes `state` for active rows."""
        return run(self.stack, elements, positions, mask, state.remembering(places, active))

    def complete(self) -> None:
        """Compute what no checkpoint contains."""
        compute_rotations(self.stack)


def layers(config: LlmConfig) -> nn.Module:
    """Build decoder layers without a text embedding, for `run`.

    Raises:
        ConfigError: the type is unknown, or has none of the values given for it.
    """
    if is_built_here(config):
        return Decoder(config, table=False)
    from duplex.model.stages import transformers_layers

    built: nn.Module = transformers_layers.build_layers(config)
    return built


def run(
    decoder: nn.Module, x: Tensor, positions: Tensor, mask: Tensor | None, remembering: Remembering | None = None
) -> Tensor:
    """Hidden vectors [P, n, D] after the final norm.

    Args:
        decoder: the result of `layers`, or the `model` of a causal LM.
        x: [P, n, D] vectors.
        positions: [P, n] or [1, n] rotary positions.
        mask: [P or 1, 1, n, S] bool, True where an element sees a place; None is causal.
        remembering: where keys and values are stored; None: nothing is remembered, and S is n.

    Raises:
        ConfigError: these layers do not support such attention.
    """
    if isinstance(decoder, Decoder):
        out: Tensor = decoder(x, positions, mask, remembering)
        return out
    from duplex.model.stages import transformers_layers

    return transformers_layers.run(decoder, x, positions, mask, remembering)


def compute_rotations(decoder: nn.Module, device: torch.device | None = None) -> None:
    """Compute a decoder's rotary frequencies (Su et al. 2021, sec. 3.2), which no checkpoint contains; they stay in
    float32."""
    if isinstance(decoder, Decoder):
        decoder.compute_rotations(device)
        return
    from duplex.model.stages import transformers_layers

    transformers_layers.compute_rotations(decoder, device)


def _causal_lm(config: LlmConfig) -> Any:
    if is_built_here(config):
        return CausalLm(config)
    from duplex.model.stages import transformers_layers

    return transformers_layers.build_causal_lm(config)


def _empty_state(config: LlmConfig, batch: int, places: int, like: Tensor) -> LlmState:
    shape = (batch, config.num_key_value_heads, places, config.head_dim)

    def empty() -> list[Tensor]:
        return [torch.zeros(shape, dtype=like.dtype, device=like.device) for _ in range(config.num_hidden_layers)]

    return LlmState(empty(), empty())
