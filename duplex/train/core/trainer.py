"""Training of the core: dialogues teach when to speak and what to say, text rows keep and widen what it knows.

Knows batches and losses; knows nothing of where they come from. The command is `duplex train core`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from configs.core_training import AugmentConfig, CoreTrainingConfig
from configs.schedule import ScheduleConfig
from duplex.core import Core, CoreInput
from duplex.train.core.losses import IGNORED, Targets, losses, text_loss
from duplex.train.loop import Loop, cosine
from tdm.layout import TdmLayout


@dataclass
class PackedDialogues:
    """Dialogues of one length with the same prefix length: prefix [B, P], slots and targets [B, T]."""

    prefix: Tensor
    slots: CoreInput
    targets: Targets


@dataclass
class PackedText:
    """Exchanges as text only, in the same arrangement: prefix [B, P], slots [B, T] without features, text [B, T]."""

    prefix: Tensor
    slots: CoreInput
    text: Tensor


def train(
    core: Core,
    config: CoreTrainingConfig,
    schedule: ScheduleConfig,
    dialogues: Callable[[int], PackedDialogues],
    text: Callable[[int], PackedText],
    out: Path,
) -> None:
    """Train `core` in place; `dialogues(n)` and `text(n)` draw batches of n. Resumes from `out`."""
    torch.manual_seed(config.seed)
    loop = Loop(core, config.learning_rate, config.steps, out, "core")
    for _ in loop.steps(cosine(config.warmup, config.steps)):
        batch = augment(dialogues(config.dialogues), config.augment, core)
        with torch.autocast("cpu", torch.bfloat16):
            total = dialogue_loss(core, batch, config, schedule)
            if config.text_rows:
                total = total + config.losses.text * rows_loss(core, text(config.text_rows), schedule)
        loop.update(total)


def dialogue_loss(core: Core, batch: PackedDialogues, config: CoreTrainingConfig, schedule: ScheduleConfig) -> Tensor:
    """Weighted loss of one batch of dialogues, whose first slot has a random number."""
    first = int(torch.randint(0, config.augment.latest_first_slot + 1, ()))
    layout = TdmLayout(schedule, batch.prefix.shape[1])
    out = core.pack(batch.prefix, batch.slots, layout, first)
    return losses(core, out, batch.targets, config.losses).total


def rows_loss(core: Core, batch: PackedText, schedule: ScheduleConfig) -> Tensor:
    """Text loss of one batch of text rows."""
    layout = TdmLayout(schedule, batch.prefix.shape[1])
    out = core.pack(batch.prefix, batch.slots, layout)
    return text_loss(core, out.hidden, batch.text)


def augment(batch: PackedDialogues, config: AugmentConfig, core: Core) -> PackedDialogues:
    """Crop the beginning, drop feature channels and add noise, so that dialogues are not learnt by heart."""
    first = int(torch.randint(0, config.crop_slots + 1, ()))
    slots = CoreInput(**{name: _from(value, first) for name, value in vars(batch.slots).items()})
    targets = Targets(**{name: _from(value, first) for name, value in vars(batch.targets).items()})
    if slots.features is not None:
        slots.features = _disturb(slots.features.float(), config, core)
    return PackedDialogues(batch.prefix, slots, targets)


def teach_silence(targets: Targets, slots: CoreInput, silence: int, share: float) -> None:
    """In a share of the slots where the assistant is and should stay mute, the right text is silence (in place)."""
    mute = (targets.state < 0.5) & (slots.state == 0) & (targets.state_weight > 0) & (targets.text == IGNORED)
    targets.text[mute & (torch.rand(mute.shape) < share)] = silence


def _from(value: Tensor | None, first: int) -> Tensor | None:
    return None if value is None else value[:, first:]


def _disturb(features: Tensor, config: AugmentConfig, core: Core) -> Tensor:
    """features [B, T, frames, F]: channels of a dialogue replaced by their mean, and noise in units of the deviation."""
    mean, deviation = core.user.mean, core.user.deviation
    kept = torch.rand(len(features), 1, 1, features.shape[-1]) >= config.channel_dropout
    return torch.where(kept, features, mean) + config.noise * deviation * torch.randn_like(features)
