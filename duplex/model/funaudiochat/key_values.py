"""Keys and values of many conversations, and the places of their new elements. The state is never part of a module.

Rows are ragged: each has its own length. Place 0 belongs to no element and takes what padding writes. Nothing here
depends on layers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

_ALIGNED: Final = 8
"""The number of places is a multiple of this, as masked attention on a GPU requires."""
_SEEN: Final = 64
"""A pass sees a multiple of this many places, so that growing conversations need only few different shapes."""


def cache_places(places: int) -> int:
    """Number of places in a cache for `places` elements, including place 0 and unused ones."""
    return _round_up(1 + places, _ALIGNED)


@dataclass
class KeyValues:
    """Keys and values per layer [B, heads, cache_places(places), head_dim]; `lengths [B]`: places used by each row."""

    keys: list[Tensor]
    values: list[Tensor]
    lengths: list[int]
    places: int

    @property
    def size(self) -> int:
        """Number of places, including place 0."""
        return self.keys[0].shape[2]

    def reset(self, rows: Tensor) -> None:
        """Forget the rows that are True in `rows [B]`; their stale places are never seen again."""
        for row in rows.nonzero().flatten().tolist():
            self.lengths[row] = 0

    def truncate(self, row: int, length: int) -> None:
        """Forget all but the first `length` elements of a row."""
        assert length <= self.lengths[row], f"row {row} has {self.lengths[row]} elements, not {length}"
        self.lengths[row] = length

    def count_seen_places(self, lengths: Sequence[int]) -> int:
        """Number of leading places that a pass must see if rows have these lengths after it.

        Raises:
            CacheFullError: a row has no room for its elements.
        """
        longest = max(lengths)
        if longest > self.places:
            raise CacheFullError(f"a conversation needs {longest} places and has {self.places}; give it more")
        return min(_round_up(1 + longest, _SEEN), self.size)


class CacheFullError(RuntimeError):
    """A conversation has more elements than places. The message says how many."""


@dataclass(frozen=True)
class CachePlaces:
    """Places of n new elements of some rows: right-padded runs after the elements that the rows already have.

    Attributes:
        rows: [R] rows of the cache, or None for all rows in order.
        positions: [R, n] rotary positions.
        places: [R, n] places in the cache (0: padding).
        mask: [R, 1, n, S] bool, True where an element sees one of the first S places (causal within a row).
    """

    rows: Tensor | None
    positions: Tensor
    places: Tensor
    mask: Tensor

    @property
    def seen(self) -> int:
        """Number of leading places of the cache that take part."""
        return self.mask.shape[-1]

    @classmethod
    def behind(cls, cache: KeyValues, rows: Sequence[int], counts: Sequence[int]) -> "CachePlaces":
        """Span of `counts [R]` new elements of `rows`, each run after its row's length.

        Raises:
            CacheFullError: a row has no room for its elements.
        """
        starts = [cache.lengths[row] for row in rows]
        seen = cache.count_seen_places([start + count for start, count in zip(starts, counts, strict=True)])
        table = torch.tensor([list(rows), starts, list(counts)], device=cache.keys[0].device)
        offset = torch.arange(max(counts), device=table.device)[None]
        return cls._of(table[0], table[1, :, None] + offset, offset < table[2, :, None], seen)

    @classmethod
    def single(cls, starts: Tensor, real: Tensor, seen: int) -> "CachePlaces":
        """Span of one new element for each row [B] that is True in `real`, after `starts` elements; reads no tensor
        value.

        Args:
            starts: [B] elements of the rows.
            real: [B] bool.
            seen: leading places to see; more than needed are masked.
        """
        return cls._of(None, starts[:, None], real[:, None], seen)

    @classmethod
    def _of(cls, rows: Tensor | None, positions: Tensor, real: Tensor, seen: int) -> "CachePlaces":
        """Span of positions [R, n], of which those that are True in `real [R, n]` count; padding sees place 0."""
        positions = positions.masked_fill(~real, 0)
        places = (positions + 1).masked_fill(~real, 0)
        at = torch.arange(seen, device=positions.device)[None, None]
        last = places[..., None]
        return cls(rows, positions, places, ((at >= last.clamp(max=1)) & (at <= last))[:, None])


def _round_up(count: int, unit: int) -> int:
    return -(-count // unit) * unit
