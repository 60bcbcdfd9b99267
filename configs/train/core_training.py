"""Training of the core: amounts, rates and loss weights."""

from configs.base import Config
from configs.model.language import PretrainConfig
from configs.train.simulation import DialogueDataConfig


class LossConfig(Config):
    """Weights of the losses' sum; `rows` is that of the text batches."""

    state: float = 1.0
    text: float = 1.0
    projection: float = 1.0
    rows: float = 1.0


class AugmentConfig(Config):
    """What keeps dialogues from being learnt by heart (all on encoder features or slots).

    `crop_slots`: up to so many slots are cut off the beginning. `channel_dropout`: share of feature channels replaced
    by their mean. `noise`: standard deviations of Gaussian noise. `latest_first_slot`: the first slot's number is
    drawn up to it, so that late positions are no surprise. `overlaid_text`: share of the text batches that are overlaid
    with the sound of dialogues.
    """

    crop_slots: int = 50
    channel_dropout: float = 0.15
    noise: float = 0.25
    latest_first_slot: int = 6000
    overlaid_text: float = 0.8


class RetextConfig(Config):
    """Dialogues whose words are exchanged for others, so that they are fresh each time the audio is used.

    `share` of the questions; a new one has between `least` and `most` times the letters of the old one. `stated`: share
    of the turns without a question of ours that become statements of any content, so that what is no question is not
    taken for one only because its words are new. `broken`: share of these that lack their last words, so that silence
    ends every turn in the end.
    """

    share: float = 0.7
    least: float = 0.7
    most: float = 1.4
    stated: float = 0.5
    broken: float = 0.3


class CoreTrainingConfig(Config):
    """One run on dialogues, with batches of text mixed in so that knowledge is kept.

    `steps` of `dialogues` dialogues and one batch of text each; AdamW, cosine after `warmup` steps. `text` says how
    text is drawn, as in pre-training. `statistics_dialogues`: so many give the features' mean and deviation.
    `speech_rate`: rate of the map that the user's sound enters through, against the others'; it has thousands of
    inputs and outgrows the words where it follows as fast as the rest.
    """

    seed: int = 0
    steps: int = 2000
    dialogues: int = 8
    learning_rate: float = 6e-4
    warmup: int = 60
    speech_rate: float = 1.0
    text: PretrainConfig = PretrainConfig()
    data: DialogueDataConfig = DialogueDataConfig(veto_share=0.05)
    retext: RetextConfig = RetextConfig()
    statistics_dialogues: int = 64
    losses: LossConfig = LossConfig()
    augment: AugmentConfig = AugmentConfig()
