"""The losses of the core on dialogues: the assistant's state, its words, and the projection of the user's voice.

The text loss is L_LM of OmniDRCA and DrVoice; the state head is OmniDRCA's (Appendix A, which gives no loss weight);
the projection is that of Ekstedt and Skantze 2022. `LossConfig` has the weights, which are ours."""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from configs.train.core_training import LossConfig
from duplex.model.layouts.tdm.core import Core, CoreOutput

IGNORE_INDEX = -100
"""Text target of a slot without a target."""


@dataclass
class Targets:
    """The targets of each slot of [B, T], about slot t + 1.

    Attributes:
        state: [B, T] 1 where the assistant should speak.
        state_weight: [B, T] weight of that target.
        text: [B, T] ids, `IGNORE_INDEX` where there is no target.
        voice: [B, T, windows] 1 where the user's voice is in a future window.
        ends: [B, T] class of the time to the end of the user's turn.
        known: [B, T] bool, slots for which the projection targets are known.
    """

    state: Tensor
    state_weight: Tensor
    text: Tensor
    voice: Tensor
    ends: Tensor
    known: Tensor


@dataclass
class Losses:
    """Scalars; `total` is their weighted sum."""

    total: Tensor
    state: Tensor
    text: Tensor
    projection: Tensor

    def values(self) -> dict[str, float]:
        """Plain numbers for logs."""
        return {name: float(value.detach()) for name, value in vars(self).items()}


def text_loss(core: Core, hidden: Tensor, text: Tensor) -> Tensor:
    """Mean cross-entropy (L_LM of OmniDRCA) over the slots with a target: hidden [B, T, D], text [B, T]."""
    taught = text != IGNORE_INDEX
    if not taught.any():
        return hidden.sum() * 0.0
    return F.cross_entropy(core.text_logits(hidden[taught]).float(), text[taught])


def projection_loss(core: Core, user: Tensor, targets: Targets) -> Tensor:
    """Mean cross-entropy of voice windows and of the time to the end, from U_t alone (voice activity projection,
    Ekstedt and Skantze 2022, with independent windows; the time to the end is ours)."""
    voice, ends = core.projection(user[targets.known])
    windows = F.binary_cross_entropy_with_logits(voice.float(), targets.voice[targets.known])
    return windows + 0.5 * F.cross_entropy(ends.float(), targets.ends[targets.known])


def losses(core: Core, out: CoreOutput, targets: Targets, config: LossConfig) -> Losses:
    """All losses of one batch of dialogues, and their sum weighted by `config`."""
    each = F.binary_cross_entropy_with_logits(out.state.float(), targets.state, reduction="none")
    state = (each * targets.state_weight).sum() / targets.state_weight.sum().clamp(min=1.0)
    text = text_loss(core, out.hidden, targets.text)
    projection = projection_loss(core, out.user, targets)
    total = config.state * state + config.text * text + config.projection * projection
    return Losses(total, state, text, projection)
