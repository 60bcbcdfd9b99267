"""Runs conversations in groups that do not share a step, so that what a conversation says does not depend, bit for bit,
on the others: kernels round differently for different batch sizes. This module depends on generators, not on models.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from duplex.model.interface import ConversationOptions, Samples, SlotResult
from duplex.model.layouts.turns.generator import TurnGenerator


class GroupedGenerator:
    """`SlotGenerator` over generators of a few rows each, in order."""

    def __init__(self, groups: Sequence[TurnGenerator]) -> None:
        self._groups = groups
        self._places = [(group, row) for group in groups for row in range(group.rows)]
        self.rows = len(self._places)
        self.shares_steps = groups[0].shares_steps
        self.fingerprint, self.delay_ms, self.patterns = groups[0].fingerprint, groups[0].delay_ms, groups[0].patterns

    def open(self, row: int, options: ConversationOptions) -> None:
        """See `SlotGenerator.open`."""
        group, within = self._places[row]
        group.open(within, options)

    def tell(self, row: int, text: str) -> None:
        """See `PatternGenerator.tell`."""
        group, within = self._places[row]
        group.tell(within, text)

    def mark_unheard(self, row: int, milliseconds: float) -> None:
        """See `PatternGenerator.mark_unheard`."""
        group, within = self._places[row]
        group.mark_unheard(within, milliseconds)

    def mark_absent(self, row: int) -> None:
        """See `PresenceGenerator.mark_absent`."""
        group, within = self._places[row]
        group.mark_absent(within)

    def step(self, pcm: Samples, active: NDArray[np.bool_]) -> list[SlotResult | None]:
        """See `SlotGenerator.step`."""
        results: list[SlotResult | None] = []
        for group in self._groups:
            span = slice(len(results), len(results) + group.rows)
            results += group.step(pcm[span], active[span]) if active[span].any() else [None] * group.rows
        return results

    def close(self) -> None:
        """See `SlotGenerator.close`."""
        for group in self._groups:
            group.close()
