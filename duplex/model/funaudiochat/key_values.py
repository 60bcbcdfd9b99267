"""Keys and values of many conversations, and where new elements of each go. An explicit state, never a module's.

Knows places and masks; knows nothing of layers. Rows are ragged: each has its own length; place 0 belongs to no
element and takes what padding writes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

_ALIGNED: Final = 8
"""Caches have a multiple of so many places: masked attention of a GPU wants it."""
_SEEN: Final = 64
"""A pass sees a multiple of so many places, so that passes of growing conversations share few shapes."""


def cache_places(places: int) -> int:
    """Places that a cache for `places` elements has, place 0 and what is never used included."""
    return _round_up(1 + places, _ALIGNED)


@dataclass
class KeyValues:
    """Per layer [B, heads, cache_places(places), head_dim]; `lengths [B]`: how many of its `places` a row has used."""

    keys: list[Tensor]
    values: list[Tensor]
    lengths: list[int]
    places: int

    @property
    def size(self) -> int:
        """Places there are, place 0 included."""
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
        """Leading places that a pass must see after which rows have these lengths.

        Raises:
            CacheFullError: a row has no room for its elements.
        """
        longest = max(lengths)
        if longest > self.places:
            raise CacheFullError(f"a conversation needs {longest} places and has {self.places}; give it more")
        return min(_round_up(1 + longest, _SEEN), self.size)


class CacheFullError(RuntimeError):
    """A conversation has more elements than places. The message says how many it has."""


@dataclass(frozen=True)
class CachePlaces:
    """Where n new elements of some rows lie: right-padded runs behind what the rows already have.

    Attributes:
        rows: [R] rows of the cache, or None for all of them in order.
        positions: [R, n] rotary positions.
        places: [R, n] places in the cache (0: padding).
        mask: [R, 1, n, S] bool, what each element sees of the first S places.
    """

    rows: Tensor | None
    positions: Tensor
    places: Tensor
    mask: Tensor

    @property
    def seen(self) -> int:
        """Leading places of the cache that take part."""
        return self.mask.shape[-1]

    @classmethod
    def behind(cls, cache: KeyValues, rows: Sequence[int], counts: Sequence[int]) -> "CachePlaces":
        """Room for `counts [R]` new elements of `rows`, each run behind its row's length.

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
        """One new element for each row [B] that is True in `real`, behind `starts` elements; reads no tensor's value.

        Args:
            starts: [B] elements of the rows.
            real: [B] bool.
            seen: leading places to see; more than needed are masked.
        """
        return cls._of(None, starts[:, None], real[:, None], seen)

    @classmethod
    def _of(cls, rows: Tensor | None, positions: Tensor, real: Tensor, seen: int) -> "CachePlaces":
        """Positions [R, n], of which those count that are True in `real [R, n]`; padding sees place 0."""
        positions = positions.masked_fill(~real, 0)
        places = (positions + 1).masked_fill(~real, 0)
        at = torch.arange(seen, device=positions.device)[None, None]
        last = places[..., None]
        return cls(rows, positions, places, ((at >= last.clamp(max=1)) & (at <= last))[:, None])


def _round_up(count: int, unit: int) -> int:
    return -(-count // unit) * unit
