"""A whole model: its core, ears and voice, and what a conversation with it starts from."""

from configs.base import Config
from configs.model.core import CoreConfig
from configs.model.ears import EncoderConfig, WordsConfig
from configs.model.language import TextTokenizerConfig
from configs.model.voice import VoiceConfig
from configs.schedule import ScheduleConfig


class EarsConfig(Config):
    """The ears: features of the user's speech for the state head, words for the mind."""

    encoder: EncoderConfig = EncoderConfig()
    words: WordsConfig = WordsConfig()


class AnyMindConfig(Config):
    """The mind, which decides, thinks and writes, whatever its text tokens are.

    Attributes:
        name: name of the model.
        system_prompt: used if a conversation does not bring one.
        refusal, refusal_bias: what the model says when it does not know, and a bias on the logit of its first token at
            the start of an answer; above 0 the model refuses more readily than it guesses.
        rows_per_step: how many conversations one step runs together. With 1, a conversation's output does not depend on
            who shares the engine, bit for bit (batched kernels round differently for different batch sizes); where
            packed weights keep that, four share a step (`duplex.model.layouts.tdm.packing`).
    """

    name: str
    system_prompt: str = ""
    refusal: str = ""
    refusal_bias: float = 0.0
    rows_per_step: int = 1
    schedule: ScheduleConfig = ScheduleConfig()
    core: CoreConfig = CoreConfig()


class MindConfig(AnyMindConfig):
    """A mind with text tokens of its own."""

    text: TextTokenizerConfig = TextTokenizerConfig()


class ModelConfig(Config):
    """One member of the model family; each part has a file of its own in a checkpoint folder."""

    mind: MindConfig
    ears: EarsConfig = EarsConfig()
    voice: VoiceConfig = VoiceConfig()
