"""The core: the shared LLM with its two inputs and its heads, slot by slot or on packed dialogues.

Positions and masks come from `tdm`. Nothing here depends on audio, words or the decisions made from the heads' output.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from configs.model.core import CoreConfig
from configs.schedule import SEGMENTS_PER_SLOT
from duplex.model.stages.fusion import AssistantFusion, UserFusion
from duplex.model.stages.heads import ProjectionHead, Readout, StateHead
from duplex.model.stages.llm import LlmState, SharedLlm
from tdm.layout import Element, SlotPlan, TdmLayout
from tdm.mask import pack_mask, pack_positions, plan_mask


@dataclass
class CoreInput:
    """Both sides of slots; the leading shape is [B] live and [B, T] packed.

    Attributes:
        features: [..., frames, feature_dim] of the user's audio, or None (text pre-training).
        words: [..., K] ids of user words that became known; ABSENT where there is none.
        text: [...] id of the assistant's text token.
        tokens: [..., k, digits] speech tokens that were played, or None.
        state: [...] 0 MUTE, 1 SPEAK.
        since: [...] slots since the state changed.
    """

    features: Tensor | None
    words: Tensor
    text: Tensor
    tokens: Tensor | None
    state: Tensor
    since: Tensor


@dataclass
class CoreOutput:
    """Outputs of slot t about slot t + 1; the leading shape is that of the input.

    Attributes:
        state: [...] logit of p(speak).
        hidden: [..., D] input of the text head and the refined head.
        user: [..., D] hidden vector of U_t, for the projection head.
    """

    state: Tensor
    hidden: Tensor
    user: Tensor


class Core(nn.Module):
    """Shared LLM, fusions and heads: grouping as in OmniDRCA, eq. 3, fusion c_t = E_speech(s_t) + E_text(t_t) as in
    DrVoice, two elements per slot and a state head as in OmniDRCA, Appendix A."""

    def __init__(self, config: CoreConfig) -> None:
        super().__init__()
        self.config = config
        width = config.llm.hidden_size
        self.llm = SharedLlm(config.llm)
        self.user = UserFusion(config.user, width)
        self.assistant = AssistantFusion(config.assistant, width)
        self.state_head = StateHead(width)
        self.projection = ProjectionHead(config.heads, width)
        self.readout = Readout(config.heads, width)

    def elements(self, slots: CoreInput) -> Tensor:
        """Embeddings of U and A, [..., 2, D] (the fusion of text and speech, DrVoice)."""
        table = self.llm.table
        user = self.user(slots.features, slots.words, table)
        assistant = self.assistant(slots.text, slots.tokens, slots.state, slots.since, table)
        return torch.stack([user, assistant], dim=-2)

    def read(self, hidden: Tensor) -> CoreOutput:
        """Outputs for hidden vectors [..., 2, D] of U and A."""
        user, assistant = hidden.unbind(dim=-2)
        return CoreOutput(self.state_head(user, assistant), self.readout(user, assistant), user)

    def text_logits(self, hidden: Tensor) -> Tensor:
        """Text logits: [..., D] -> [..., V]."""
        return self.llm.logits(hidden)

    def pack(self, prefix: Tensor, slots: CoreInput, layout: TdmLayout, first_slot: int = 0) -> CoreOutput:
        """Run whole dialogues at once (training).

        Args:
            prefix: [B, P] ids of the system prompt.
            slots: leading shape [B, T].
            layout: layout for a prefix of P tokens.
            first_slot: number of the first slot, so that training also sees late positions.
        """
        length = slots.text.shape[1]
        elements = torch.cat([self.llm.table(prefix), self.elements(slots).flatten(1, 2)], dim=1)
        positions = pack_positions(layout, length, first_slot).to(elements.device)
        mask = pack_mask(layout, length).to(elements.device)
        hidden = self.llm.pack(elements, positions[None], mask[None, None])[:, layout.prefix :]
        return self.read(hidden.unflatten(1, (length, SEGMENTS_PER_SLOT)))

    def init_state(self, batch: int, layout: TdmLayout) -> LlmState:
        """Empty cache for `batch` conversations."""
        return self.llm.init_state(batch, layout.config.cache_places)

    def prefill(self, prefix: Tensor, layout: TdmLayout, state: LlmState, active: Tensor) -> None:
        """Write the system prompt of the active rows: prefix [B, P], state changed in place."""
        length = layout.prefix
        if not length:
            return
        order = [Element.prefix(index) for index in range(length)]
        index = torch.tensor([[layout.place(element) for element in order]]).expand(len(prefix), -1)
        positions = torch.tensor([[layout.position(element) for element in order]]).expand(len(prefix), -1)
        mask = torch.zeros(len(prefix), 1, length, layout.config.cache_places, dtype=torch.bool)
        mask[..., :length] = torch.ones(length, length, dtype=torch.bool).tril()
        self.llm.step(self.llm.table(prefix), positions, index, mask, state, active)

    def step(
        self, slots: CoreInput, plans: Sequence[SlotPlan], layout: TdmLayout, state: LlmState, active: Tensor
    ) -> CoreOutput:
        """Run one slot per row: leading shape [B], one plan per row; state changed in place for active rows."""
        device = slots.text.device
        positions = torch.tensor([[plan.position] * SEGMENTS_PER_SLOT for plan in plans], device=device)
        places = torch.tensor([plan.places for plan in plans], device=device)
        mask = plan_mask(plans, layout).to(device)
        return self.read(self.llm.step(self.elements(slots), positions, places, mask, state, active))
