"""Keys and values of many conversations, and where new elements of each go. An explicit state, never a module's.

Knows places and masks; knows nothing of layers. Rows are ragged: each has its own length; place 0 belongs to no
element and takes what padding writes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class KeyValues:
    """Per layer [B, heads, 1 + places, head_dim]; `lengths [B]` says how many elements of a row count."""

    keys: list[Tensor]
    values: list[Tensor]
    lengths: list[int]

    @property
    def places(self) -> int:
        """Elements a row has room for."""
        return self.keys[0].shape[2] - 1

    def reset(self, rows: Tensor) -> None:
        """Forget the rows that are True in `rows [B]`; their stale places are never seen again."""
        for row in rows.nonzero().flatten().tolist():
            self.lengths[row] = 0

    def truncate(self, row: int, length: int) -> None:
        """Forget all but the first `length` elements of a row."""
        assert length <= self.lengths[row], f"row {row} has {self.lengths[row]} elements, not {length}"
        self.lengths[row] = length


class CacheFullError(RuntimeError):
    """A conversation has more elements than places. The message says how many it has."""


@dataclass(frozen=True)
class Span:
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
    def behind(cls, cache: KeyValues, rows: Sequence[int] | None, counts: Sequence[int]) -> "Span":
        """Room for `counts [R]` new elements of `rows`, each run behind its row's length.

        Raises:
            CacheFullError: a row has no room for its elements.
        """
        starts = [cache.lengths[row] for row in (range(len(cache.lengths)) if rows is None else rows)]
        longest = max(start + count for start, count in zip(starts, counts, strict=True))
        if longest > cache.places:
            raise CacheFullError(f"a conversation needs {longest} places and has {cache.places}; give it more")
        device = cache.keys[0].device
        start, count = torch.tensor([starts, list(counts)], device=device)[..., None]
        offset = torch.arange(max(counts), device=device)[None]
        real = offset < count
        places = torch.where(real, 1 + start + offset, 0)
        seen = torch.arange(1 + longest, device=device)[None, None]
        mask = torch.where(real[..., None], (seen >= 1) & (seen <= places[..., None]), seen == 0)
        return cls(
            rows=None if rows is None else torch.tensor(list(rows), device=device),
            positions=torch.where(real, start + offset, 0),
            places=places,
            mask=mask[:, None],
        )
