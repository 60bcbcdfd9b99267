"""Plans and packed dialogues as tensors for attention. No other module of this package uses torch."""

from collections.abc import Sequence

import torch
from torch import Tensor

from configs.schedule import SEGMENTS_PER_SLOT
from tdm.layout import SlotPlan, TdmLayout


def plan_mask(plans: Sequence[SlotPlan], layout: TdmLayout) -> Tensor:
    """Mask of one slot over the whole cache (OmniDRCA, Appendix A).

    Args:
        plans: one plan per row; the rows may be at different slots and have different prefixes.
        layout: gives the cache geometry.

    Returns:
        [B, 1, 2, C] bool, True where U_t (row 0 of dim 2) or A_t (row 1) attends to a cache place.
    """
    config = layout.config
    mask = torch.zeros(len(plans), 1, SEGMENTS_PER_SLOT, config.cache_places, dtype=torch.bool)
    for row, plan in enumerate(plans):
        mask[row, :, :, : plan.prefix] = True
        for first, last in _ring_spans(plan.visible_slots, config.window_slots):
            start, end = (config.prefix_places + SEGMENTS_PER_SLOT * ring for ring in (first, last))
            mask[row, :, :, start:end] = True
        for element, place in enumerate(plan.places):
            mask[row, 0, element, place] = True
    return mask


def pack_positions(layout: TdmLayout, slots: int, first_slot: int = 0) -> Tensor:
    """Rotary positions (OmniDRCA, Appendix A) of a packed dialogue of `slots` slots that begins with slot `first_slot`,
    [P + 2 * slots]."""
    prefix = torch.arange(layout.prefix)
    steps = torch.arange(first_slot, first_slot + slots) + layout.prefix
    return torch.cat([prefix, steps.repeat_interleave(SEGMENTS_PER_SLOT)])


def pack_mask(layout: TdmLayout, slots: int) -> Tensor:
    """Mask of a packed dialogue (OmniDRCA, Appendix A), [T, T] bool with T = P + 2 * slots, True where the row's
    element sees the column's."""
    prefix = layout.prefix
    slot = torch.cat([torch.full((prefix,), -1), torch.arange(slots).repeat_interleave(SEGMENTS_PER_SLOT)])
    index = torch.arange(len(slot))
    query, key = slot[:, None], slot[None, :]
    earlier = (key < query) & (key > query - layout.config.window_slots)
    causal_prefix = (key < 0) & (index[None, :] <= index[:, None])
    return causal_prefix | ((key >= 0) & earlier) | (index[:, None] == index[None, :])


def _ring_spans(slots: range, window: int) -> list[tuple[int, int]]:
    """Spans [first, last) of the ring that contain the consecutive `slots`."""
    if not slots:
        return []
    first, last = slots.start % window, (slots.stop - 1) % window + 1
    return [(first, last)] if first < last else [(first, window), (0, last)]
