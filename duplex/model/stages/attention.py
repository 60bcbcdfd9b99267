"""Attention of a decoder over keys and values that its caller stores.

This module handles places of a cache; it does not depend on slots, turns or the layers that call it.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass
class Remembering:
    """One pass over n new elements of P rows: where their keys and values are stored, and what they see.

    Attributes:
        keys, values: the cache, per layer [B, heads, places, head_dim]; changed in place.
        rows: [R] rows of the cache that are written.
        places: [R, n] places that are written.
        taken: [P] bool, which R of the P rows of the pass are written; None: all.
        seen: number of leading places that the pass sees; None: all.
        gathered: the pass sees only `rows`; otherwise all rows of the cache, in order.
        stored: number of layers that have written.
    """

    keys: list[Tensor]
    values: list[Tensor]
    rows: Tensor
    places: Tensor
    taken: Tensor | None = None
    seen: int | None = None
    gathered: bool = False
    stored: set[int] = field(default_factory=set)

    def store(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Write keys and values [P, heads, n, head_dim]; returns those that the pass sees, [P, heads, seen, head_dim]
        each."""
        self.stored.add(layer)
        return self._store(self.keys[layer], keys), self._store(self.values[layer], values)

    def _store(self, cache: Tensor, new: Tensor) -> Tensor:
        new = (new if self.taken is None else new[self.taken]).to(cache.dtype)
        if len(cache) == len(new) == 1:
            cache.index_copy_(2, self.places[0], new)
        else:
            cache[self.rows[:, None], :, self.places] = new.transpose(1, 2)
        seen = cache[:, :, : self.seen]
        return seen[self.rows] if self.gathered else seen


def additive(mask: Tensor, groups: int, dtype: torch.dtype) -> Tensor:
    """Additive mask, made once for all layers: [P, 1, n, S] bool -> [P, 1, groups * n, S] of zeros and minus infinity.

    Args:
        mask: True where an element sees a place.
        groups: number of query heads that share a key head.
        dtype: data type of the queries.
    """
    values = torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill_(~mask, -torch.inf)
    return values.expand(-1, -1, groups, -1) if mask.shape[2] == 1 else values.repeat(1, 1, groups, 1)


def attend(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scale: float | None = None, dropout: float = 0.0
) -> Tensor:
    """Scaled dot-product attention (Vaswani et al. 2017, eq. 1) with shared key heads (Ainslie et al. 2023).

    Returns [P, n, groups * heads, head_dim]; keys and values are not copied for the query heads that share them.

    Args:
        query: [P, groups * heads, n, head_dim].
        key, value: [P, heads, S, head_dim].
        mask: as returned by `additive`; None is causal.
        scale: factor of the scores; None: 1 / sqrt(head_dim).
        dropout: dropout of the attention weights.
    """
    if mask is None:
        out = F.scaled_dot_product_attention(
            query, key, value, dropout_p=dropout, is_causal=True, scale=scale, enable_gqa=True
        )
        return out.transpose(1, 2)
    heads, count = key.shape[1], query.shape[2]
    packed = query.unflatten(1, (heads, -1)).flatten(2, 3)
    out = F.scaled_dot_product_attention(packed, key, value, attn_mask=mask, dropout_p=dropout, scale=scale)
    return out.unflatten(2, (-1, count)).flatten(1, 2).transpose(1, 2)
