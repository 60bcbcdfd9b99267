"""Packs text dialogues into tensors, with or without their empty elements.

Leaving out the empty U of an answer and the empty A of a question halves the elements and keeps every position.
Therefore most of the pre-training runs on the short form, and its end on the full form, which is used live.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from configs.schedule import SEGMENTS_PER_SLOT
from duplex.model.layouts.tdm.core import Core, CoreInput
from duplex.model.stages.fusion import pad
from duplex.train.core.losses import IGNORE_INDEX, text_loss
from duplex.train.text.slotted_text import TextDialogue

PREFIX, PADDING = -1, 1 << 30
"""Slot numbers of elements that belong to no slot."""


@dataclass
class TextBatch:
    """B dialogues of at most T slots, with at most E kept elements.

    Attributes:
        prefix: [B, P] ids, padded with 0.
        slots: leading shape [B, T], without features and speech tokens.
        target: [B, T] ids, `IGNORE_INDEX` where there is no target.
        kept: [B, E] places of the kept elements in (prefix, U_0, A_0, U_1, ...); padding points at 0.
        slot: [B, E] slot of each kept element, `PREFIX` or `PADDING`.
        position: [B, E] rotary positions.
    """

    prefix: Tensor
    slots: CoreInput
    target: Tensor
    kept: Tensor
    slot: Tensor
    position: Tensor

    def mask(self, window: int) -> Tensor:
        """[B, 1, E, E] bool: the slot mask of `tdm.mask.pack_mask` (OmniDRCA, Appendix A) for the kept elements."""
        query, key = self.slot[:, :, None], self.slot[:, None, :]
        index = torch.arange(self.slot.shape[1])
        earlier = (key >= 0) & (key < query) & (key > query - window)
        causal_prefix = (key == PREFIX) & ((query >= 0) | (index[None, :] <= index[:, None]))
        return (earlier | causal_prefix | (index[None, :] == index[:, None])).unsqueeze(1)


def pack(dialogues: Sequence[TextDialogue], places: int, full: bool, first_slot: int = 0) -> TextBatch:
    """Pack dialogues with `places` user words per slot; `first_slot` moves the slots away from the prefix."""
    prefix_length = max(len(dialogue.prefix) for dialogue in dialogues)
    slots = max(len(dialogue.slots) for dialogue in dialogues)
    rows = [_keep(dialogue, prefix_length, full) for dialogue in dialogues]
    longest = max(len(row) for row in rows)
    kept = torch.tensor([[place for place, _ in row] + [0] * (longest - len(row)) for row in rows])
    slot = torch.tensor([[number for _, number in row] + [PADDING] * (longest - len(row)) for row in rows])
    lengths = torch.tensor([[len(dialogue.prefix)] for dialogue in dialogues])
    position = torch.where(slot == PREFIX, kept, torch.where(slot == PADDING, 0, slot + lengths + first_slot))
    prefix = torch.tensor([d.prefix + [0] * (prefix_length - len(d.prefix)) for d in dialogues], dtype=torch.long)
    return TextBatch(prefix, _inputs(dialogues, slots, places), _targets(dialogues, slots), kept, slot, position)


def batch_loss(core: Core, batch: TextBatch, window: int) -> Tensor:
    """Text loss (cross-entropy, L_LM of OmniDRCA) of a batch; with all elements kept it equals that of `Core.pack`."""
    return text_loss(core, compute_hidden(core, batch, window), batch.target)


def compute_hidden(core: Core, batch: TextBatch, window: int) -> Tensor:
    """Input of the text head, [B, T, D]; an element that was left out counts as zero."""
    elements = core.elements(batch.slots)
    everything = torch.cat([core.llm.table(batch.prefix), elements.flatten(1, 2)], dim=1)
    places = batch.kept.unsqueeze(-1).expand(-1, -1, everything.shape[-1])
    hidden = core.llm.pack(everything.gather(1, places), batch.position, batch.mask(window))
    hidden = hidden * (batch.slot != PADDING).unsqueeze(-1)
    spread = torch.zeros(everything.shape, dtype=hidden.dtype, device=hidden.device)
    spread = spread.scatter_add(1, places, hidden)[:, batch.prefix.shape[1] :]
    return core.read(spread.unflatten(1, (elements.shape[1], SEGMENTS_PER_SLOT))).hidden


def _keep(dialogue: TextDialogue, prefix_length: int, full: bool) -> list[tuple[int, int]]:
    """(place, slot) of the kept elements."""
    kept = [(place, PREFIX) for place in range(len(dialogue.prefix))]
    for number, slot in enumerate(dialogue.slots):
        place = prefix_length + SEGMENTS_PER_SLOT * number
        if full or slot.words:
            kept.append((place, number))
        if full or slot.state or slot.target != IGNORE_INDEX:
            kept.append((place + 1, number))
    return kept


def _inputs(dialogues: Sequence[TextDialogue], slots: int, places: int) -> CoreInput:
    def pad_rows(values: list[list[int]]) -> Tensor:
        return torch.tensor([row + [0] * (slots - len(row)) for row in values])

    absent = pad((), places)
    words = [
        [pad(slot.words, places) for slot in dialogue.slots] + [absent] * (slots - len(dialogue.slots))
        for dialogue in dialogues
    ]
    return CoreInput(
        features=None,
        words=torch.tensor(words),
        text=pad_rows([[slot.text for slot in dialogue.slots] for dialogue in dialogues]),
        tokens=None,
        state=pad_rows([[slot.state for slot in dialogue.slots] for dialogue in dialogues]),
        since=pad_rows([[slot.since for slot in dialogue.slots] for dialogue in dialogues]),
    )


def _targets(dialogues: Sequence[TextDialogue], slots: int) -> Tensor:
    return torch.tensor(
        [[slot.target for slot in d.slots] + [IGNORE_INDEX] * (slots - len(d.slots)) for d in dialogues]
    )
