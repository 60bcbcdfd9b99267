"""Seeded choice of a token. A conversation's draws depend only on its seed and slot, never on who shares its batch."""

from collections.abc import Sequence

import torch
from torch import Tensor

_SLOTS = 1 << 24


def slot_seed(seed: int, slot: int) -> int:
    """Seed of one slot of one conversation (below 2^63)."""
    return (seed % (1 << 38)) * _SLOTS + slot % _SLOTS


def choose(logits: Tensor, forbidden: Sequence[int], temperature: float, seed: int) -> int:
    """Choose an id from logits [V]: the likeliest at temperature 0, otherwise drawn from softmax(logits / temperature)
    (Keskar et al. 2019, "CTRL", sec. 4.1)."""
    allowed = logits.float().index_fill(0, torch.tensor(forbidden, dtype=torch.long), -torch.inf)
    if temperature <= 0:
        return int(allowed.argmax())
    draw = torch.Generator().manual_seed(seed)
    return int(torch.multinomial((allowed / temperature).softmax(0), 1, generator=draw))
