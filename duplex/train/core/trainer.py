"""Training of the core: dialogues teach when to speak and what to say; text maintains and widens its knowledge.

This module uses batches and losses; how they are made is decided elsewhere.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from configs.schedule import ScheduleConfig
from configs.train.core_training import AugmentConfig, CoreTrainingConfig
from duplex.model.layouts.tdm.core import Core, CoreInput
from duplex.train.core.losses import Targets, losses
from duplex.train.dialogue.dataset import DialogueBatch
from duplex.train.text.packing import TextBatch, batch_loss
from duplex.train.text.pretrain import WORD_MAPS
from duplex.train.training_loop import Loop, Optimization, cosine
from tdm.layout import TdmLayout

SPEECH_MAP: Final = "user.speech.weight"


def train(
    core: Core,
    config: CoreTrainingConfig,
    schedule: ScheduleConfig,
    dialogues: Iterator[DialogueBatch],
    text: Iterator[TextBatch],
    out: Path,
) -> None:
    """Train `core` in place, with a batch of `dialogues` and one of `text` per step. Resumes from `out`."""
    torch.manual_seed(config.seed)
    shares = {WORD_MAPS: config.text.word_maps_rate, SPEECH_MAP: config.speech_rate}
    how = Optimization(config.learning_rate, shares=shares)
    loop = Loop(core, how, config.steps, out, "core")
    for _ in loop.steps(cosine(config.warmup, config.steps)):
        slots, targets, prefix = augment_batch(next(dialogues), config.augment, core)
        with torch.autocast("cpu", torch.bfloat16):
            total = dialogue_loss(core, prefix, slots, targets, config, schedule)
            if config.losses.rows:
                rows = next(text)
                rows.slots = overlay(rows.slots, slots) if loud(config.augment) else rows.slots
                total = total + config.losses.rows * batch_loss(core, rows, schedule.window_slots)
        loop.update(total)


def dialogue_loss(
    core: Core, prefix: Tensor, slots: CoreInput, targets: Targets, config: CoreTrainingConfig, schedule: ScheduleConfig
) -> Tensor:
    """Weighted loss (see `losses`) of one batch of dialogues, whose first slot has a random number."""
    first = int(torch.randint(0, config.augment.latest_first_slot + 1, ()))
    out = core.pack(prefix, slots, TdmLayout(schedule, prefix.shape[1]), first)
    return losses(core, out, targets, config.losses).total


def loud(config: AugmentConfig) -> bool:
    """Whether the next batch of text is overlaid with sound."""
    return bool(torch.rand(()) < config.overlaid_text)


def overlay(text: CoreInput, sound: CoreInput) -> CoreInput:
    """Text slots [R, S] with the sound of dialogues [B, T], so that answers do not depend on how anything sounds.

    A row hears one dialogue from a random slot on, continuing at its start after its end; in SPEAK slots the assistant
    has played speech tokens of any of the dialogues' SPEAK slots, otherwise those of silence.
    """
    assert sound.features is not None
    assert sound.tokens is not None
    rows, length = text.text.shape
    dialogues, slots = sound.text.shape
    who = torch.randint(0, dialogues, (rows, 1))
    when = (torch.randint(0, slots, (rows, 1)) + torch.arange(length)) % slots
    spoken, silent = sound.tokens[sound.state == 1], sound.tokens[sound.state == 0]
    tokens = silent[torch.zeros(rows, length, dtype=torch.long)]
    if len(spoken):
        drawn = spoken[torch.randint(0, len(spoken), (rows, length))]
        tokens = torch.where((text.state == 1)[..., None, None], drawn, tokens)
    return replace(text, features=sound.features[who, when], tokens=tokens)


def unpack(batch: DialogueBatch, first: int = 0) -> tuple[CoreInput, Targets]:
    """Inputs and targets of the core from slot `first` on, [B, T - first]."""
    slots = CoreInput(batch.features, batch.user_words, batch.text, batch.tokens, batch.state, batch.since)
    targets = Targets(batch.target_state, batch.state_weight, batch.target_text, batch.voice, batch.ends, batch.known)
    return (
        CoreInput(**{name: value[:, first:] for name, value in vars(slots).items()}),
        Targets(**{name: value[:, first:] for name, value in vars(targets).items()}),
    )


def augment_batch(batch: DialogueBatch, config: AugmentConfig, core: Core) -> tuple[CoreInput, Targets, Tensor]:
    """Slots, targets and prefix with the beginning cropped, channels dropped and noise added.

    Without augmentation, dialogues are memorised.
    """
    slots, targets = unpack(batch, int(torch.randint(0, config.crop_slots + 1, ())))
    assert slots.features is not None
    slots.features = _disturb(slots.features.float(), config, core)
    return slots, targets, batch.prefix


def _disturb(features: Tensor, config: AugmentConfig, core: Core) -> Tensor:
    """Replace channels of features [B, T, frames, F] by their mean, and add noise in units of the deviation."""
    mean, deviation = core.user.mean, core.user.deviation
    kept = torch.rand(len(features), 1, 1, features.shape[-1]) >= config.channel_dropout
    return torch.where(kept, features, mean) + config.noise * deviation * torch.randn_like(features)
