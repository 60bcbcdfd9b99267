"""Computes how much memory a model and its conversations take, before anything is loaded.

This module works on sizes only, without files or values.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch

from configs.base import ConfigError
from configs.model.funaudiochat import BackboneConfig, FunAudioChatConfig, TurnsConfig
from duplex.model.funaudiochat.key_values import cache_places
from duplex.model.funaudiochat.model import empty_network
from duplex.model.weights.free_memory import free_memory

_GB: Final = 1e9
_SPARE: Final = 0.05
"""Extra memory for a step's own tensors and the libraries, as a share of the weights."""

Free = Callable[[torch.device], int | None]


@dataclass(frozen=True)
class MemoryFootprint:
    """Bytes of the weights and of one conversation's caches."""

    weights: int
    conversation: int

    def total(self, conversations: int) -> int:
        """Bytes for a number of conversations, with a margin for a step."""
        return int(self.weights * (1 + _SPARE)) + conversations * self.conversation

    def conversations_in(self, free: int) -> int:
        """Number of conversations that fit into `free` bytes."""
        return max((free - self.total(0)) // max(self.conversation, 1), 0)


def memory_of(config: FunAudioChatConfig, turns: TurnsConfig, dtype: torch.dtype) -> MemoryFootprint:
    """Compute the memory of a configuration; nothing is loaded."""
    network = empty_network(config)
    places = _place_bytes(config.llm, dtype) * cache_places(turns.places)
    if config.refined is not None:
        places += _place_bytes(config.refined, dtype) * cache_places(config.group * turns.refined_places)
    return MemoryFootprint(sum(value.numel() for value in network.parameters()) * dtype.itemsize, places)


def read_by_step(config: FunAudioChatConfig, context: int, conversations: int, dtype: torch.dtype) -> int:
    """Bytes that a step must read when all conversations speak: the weights, and caches of `context` elements.

    The refined head is read once for each token of a group. Of n experts of which c are chosen per conversation, even
    routing reads n (1 - (1 - c/n)^B) on average for B conversations.
    """
    weights = sum(
        value.numel() * _reads(name, config, conversations) for name, value in empty_network(config).named_parameters()
    )
    places = _place_bytes(config.llm, dtype) * (1 + context)
    if config.refined is not None:
        heard = range(config.group * context + 1, config.group * (1 + context) + 1)
        places += _place_bytes(config.refined, dtype) * sum(heard)
    return int(weights * dtype.itemsize) + conversations * places


def _reads(name: str, config: FunAudioChatConfig, conversations: int) -> float:
    """How often a step reads a parameter; reading single rows of a table counts as 0."""
    if name.startswith(("encoder.", "grouping.heard_matching.")) or (name.startswith("table.") and not config.tied):
        return 0
    if name.startswith(("refined.", "grouping.table.")) and not name.startswith("refined.pre_matching."):
        return config.group if config.refined is not None else 0
    experts = config.llm.experts
    if experts is None or ".mlp.experts." not in name:
        return 1
    return 1 - (1 - experts.chosen / experts.count) ** conversations


def check_memory(
    config: FunAudioChatConfig,
    turns: TurnsConfig,
    conversations: int,
    device: torch.device,
    dtype: torch.dtype,
    free: Free = free_memory,
) -> None:
    """Refuse a configuration that does not fit.

    Raises:
        ConfigError: too little memory; the message says what is needed, what is free, and what would fit.
    """
    available = free(device)
    needed = memory_of(config, turns, dtype)
    if available is None or needed.total(conversations) <= available:
        return
    fitting = needed.conversations_in(available)
    fix = f"{fitting} would fit: take fewer, or fewer places" if fitting else "take a larger device or fewer places"
    raise ConfigError(
        f"{config.name} with {conversations} conversations of {turns.places} places needs "
        f"{needed.total(conversations) / _GB:.1f} GB on {device} ({needed.weights / _GB:.1f} GB of weights, "
        f"{needed.conversation / _GB:.2f} GB each), {available / _GB:.1f} GB are free; {fix}"
    )


def check_weights(
    config: FunAudioChatConfig, device: torch.device, dtype: torch.dtype, free: Free = free_memory
) -> None:
    """Refuse weights that do not fit even without conversations.

    Raises:
        ConfigError: too little memory; the message says what is needed and what is free.
    """
    available = free(device)
    needed = sum(value.numel() for value in empty_network(config).parameters()) * dtype.itemsize
    if available is not None and needed > available:
        raise ConfigError(
            f"the weights of {config.name} take {needed / _GB:.1f} GB in {dtype}, {available / _GB:.1f} GB are free on "
            f"{device}; free some, or take a larger machine"
        )


def _place_bytes(config: BackboneConfig, dtype: torch.dtype) -> int:
    return 2 * config.num_hidden_layers * config.num_key_value_heads * config.head_dim * dtype.itemsize
