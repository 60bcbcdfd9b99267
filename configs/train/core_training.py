"""Training of the core: amounts, rates and loss weights."""

from configs.base import Config
from configs.model.language import PretrainConfig
from configs.train.simulation import DialogueDataConfig


class LossConfig(Config):
    """Weights of the losses in their sum; `rows` weights the text batches. The sum of text and speech loss is that of
    DrVoice (lambda = mu = 1); the papers give no weight for the state head."""

    state: float = 1.0
    text: float = 1.0
    projection: float = 1.0
    rows: float = 1.0


class AugmentConfig(Config):
    """Augmentation that keeps dialogues from being memorised (all of it on encoder features or slots).

    `crop_slots`: most slots cut off the beginning. `channel_dropout`: share of feature channels replaced by their mean.
    `noise`: standard deviation of Gaussian noise, in those of the features. `latest_first_slot`: the first slot's
    number is drawn up to this one, so that late positions are trained too. `overlaid_text`: share of the text batches
    that are overlaid with the sound of dialogues.
    """

    crop_slots: int = 50
    channel_dropout: float = 0.15
    noise: float = 0.25
    latest_first_slot: int = 6000
    overlaid_text: float = 0.8


class RetextConfig(Config):
    """Dialogues whose words are replaced by others, so that they are new each time the audio is used.

    `share`: of the questions that are replaced; a new one has between `least` and `most` times the letters of the old
    one. `stated`: share of the turns without a question of ours that become statements of any content, so that a
    statement is not taken for a question just because its words are new. `broken`: share of these that lack their last
    words, so that the model learns that silence eventually ends every turn.
    """

    share: float = 0.7
    least: float = 0.7
    most: float = 1.4
    stated: float = 0.5
    broken: float = 0.3


class CoreTrainingConfig(Config):
    """One run on dialogues, with batches of text mixed in so that knowledge is kept.

    `steps` steps of `dialogues` dialogues and one batch of text each; AdamW, cosine schedule after `warmup` steps.
    `text`: how text is drawn, as in pre-training. `statistics_dialogues`: number of dialogues that give the features'
    mean and deviation. `speech_rate`: learning rate of the map through which the user's sound enters, relative to the
    others; it has thousands of inputs and would overwhelm the words if it learned as fast as the rest.
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
