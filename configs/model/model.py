"""A whole model: its core, ears and voice, and what a conversation with it starts from."""

from configs.base import Config
from configs.model.core import CoreConfig
from configs.model.ears import EncoderConfig, WordsConfig
from configs.model.language import TextTokenizerConfig
from configs.model.voice import VoiceConfig
from configs.schedule import ScheduleConfig


class EarsConfig(Config):
    """What hears: features of the user's speech for the state head, words for the mind."""

    encoder: EncoderConfig = EncoderConfig()
    words: WordsConfig = WordsConfig()


class AnyMindConfig(Config):
    """What decides, thinks and writes, whatever its text tokens are.

    Attributes:
        name: of the model.
        system_prompt: taken where a conversation brings none.
        refusal, refusal_bias: what the model says when it does not know, and what is added to the logit of its first
            token where an answer begins; above 0 it would rather refuse than guess.
        rows_per_step: conversations that one step runs together. 1 makes a conversation's output independent, bit for
            bit, of who shares the engine (batched kernels round differently for different batch sizes).
    """

    name: str
    system_prompt: str = ""
    refusal: str = ""
    refusal_bias: float = 0.0
    rows_per_step: int = 1
    schedule: ScheduleConfig = ScheduleConfig()
    core: CoreConfig = CoreConfig()


class MindConfig(AnyMindConfig):
    """With text tokens of its own."""

    text: TextTokenizerConfig = TextTokenizerConfig()


class ModelConfig(Config):
    """One member of the model family; each part has a file of its own in a checkpoint folder."""

    mind: MindConfig
    ears: EarsConfig = EarsConfig()
    voice: VoiceConfig = VoiceConfig()
