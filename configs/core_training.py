"""Training of the core: amounts, rates and loss weights."""

from pydantic import Field

from configs.base import Config


class LossConfig(Config):
    """Weights of the losses' sum."""

    state: float = 1.0
    text: float = 1.0
    projection: float = 1.0


class AugmentConfig(Config):
    """What keeps dialogues from being learnt by heart (all on encoder features or slots).

    `crop_slots`: up to so many slots are cut off the beginning. `channel_dropout`: share of feature channels replaced
    by their mean. `noise`: standard deviations of Gaussian noise. `latest_first_slot`: the first slot's number is
    drawn up to it, so that late positions are no surprise.
    """

    crop_slots: int = 50
    channel_dropout: float = 0.15
    noise: float = 0.25
    latest_first_slot: int = 6000


class CoreTrainingConfig(Config):
    """One run on dialogues, with text rows mixed in so that knowledge is kept.

    `steps` of `dialogues` dialogues and `text_rows` text rows each; AdamW, cosine after `warmup` steps.
    """

    seed: int = 0
    steps: int = 2000
    dialogues: int = 8
    text_rows: int = 48
    learning_rate: float = 6e-4
    warmup: int = 60
    weight_decay: float = 0.05
    clip: float = 1.0
    average: float = Field(default=0.995, description="decay of the moving average of the weights")
    save_every_s: float = 120.0
    losses: LossConfig = LossConfig()
    augment: AugmentConfig = AugmentConfig()
