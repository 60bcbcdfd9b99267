"""Keys and values of one conversation, kept from one request to the next, and a network's call over them.

The one seam to transformers' caches, whose names change from version to version. Knows ids; knows no text.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Final

import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

_CACHE_NAMES: Final = ("cache", "past_key_values", "cache_params")


class Network:
    """A causal LM as a function of new tokens and a cache."""

    def __init__(self, module: Any, prepare: Callable[[], None] | None = None) -> None:
        """`module`: transformers' model, on its device. `prepare`: what is left to do before it runs."""
        self._prepare = prepare
        names = inspect.signature(module.forward).parameters
        self.module = module
        self.device: torch.device = module.device
        self._cache_name = next((name for name in _CACHE_NAMES if name in names), _CACHE_NAMES[0])
        self._few_logits = {"logits_to_keep": 1} if "logits_to_keep" in names else {}

    @property
    def parameters(self) -> int:
        """How many there are."""
        return sum(value.numel() for value in self.module.parameters())

    def prepare(self) -> None:
        """Do what is left to do before the first `run`, which otherwise does it. It takes a second at most."""
        prepare, self._prepare = self._prepare, None
        if prepare is not None:
            prepare()

    @torch.inference_mode()
    def run(self, ids: Sequence[int], cache: Any) -> tuple[Tensor, Any]:
        """Logits [V] behind the last of `ids`, and the cache with their keys and values; it may be None at first."""
        self.prepare()
        tokens = torch.tensor([ids], device=self.device)
        cache = self._new_cache() if cache is None else cache
        out = self.module(input_ids=tokens, use_cache=True, **{self._cache_name: cache}, **self._few_logits)
        return out.logits[0, -1], getattr(out, self._cache_name)

    def _new_cache(self) -> Any:
        """None where the network makes one of a kind of its own."""
        if self._cache_name == _CACHE_NAMES[-1]:
            return None
        return DynamicCache(config=self.module.config)


class KeptCache:
    """What a network has read of one conversation."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._cache: Any = None
        self._ids: list[int] = []

    def has(self, ids: Sequence[int]) -> bool:
        """Whether all of `ids` were read, from the begin on."""
        return len(ids) <= len(self._ids) and _common(self._ids, ids) == len(ids)

    def keep(self, ids: Sequence[int]) -> int:
        """Forget all but what `ids` begin with; says how many tokens that are. The last of `ids` is never kept, because
        it must be read for what follows it. Caches that cannot be cut are forgotten, unless they lack only new tokens.
        """
        common = _common(self._ids, ids[:-1])
        surplus = len(self._ids) - common
        if surplus and common and _can_cut(self._cache):
            self._cache.crop(-surplus)
        elif surplus:
            self._cache, common = None, 0
        del self._ids[common:]
        return common

    def read(self, ids: Sequence[int]) -> Tensor:
        """Read tokens that follow; logits [V] behind the last one."""
        logits, self._cache = self._network.run(ids, self._cache)
        self._ids.extend(ids)
        return logits


def _can_cut(cache: Any) -> bool:
    """Whether the last tokens can be taken from a cache as if they had never been there."""
    return all(_can_cut_layer(layer) for layer in getattr(cache, "layers", [None]))


def _can_cut_layer(layer: Any) -> bool:
    if type(layer) is DynamicSlidingWindowLayer:
        return layer.get_seq_length() < layer.sliding_window
    return type(layer) is DynamicLayer


def _common(left: Sequence[int], right: Sequence[int]) -> int:
    """Length of what both begin with."""
    length = min(len(left), len(right))
    return next((index for index in range(length) if left[index] != right[index]), length)
