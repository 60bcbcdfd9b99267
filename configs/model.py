"""A whole model: its core, ears and mouth, and what a conversation with it starts from."""

from configs.base import Config
from configs.core import CoreConfig
from configs.listening import EncoderConfig, VoiceActivityConfig, WordsConfig
from configs.schedule import ScheduleConfig
from configs.voice import VoiceConfig


class ModelConfig(Config):
    """One member of the model family, as `config.yaml` of a checkpoint folder holds it.

    Attributes:
        name: of the configuration.
        system_prompt: taken where a conversation brings none.
        rows_per_step: conversations that one step runs together. 1 makes a conversation's output independent, bit for bit, of who
            shares the engine (batched kernels round differently for different batch sizes).
    """

    name: str
    system_prompt: str = ""
    rows_per_step: int = 1
    schedule: ScheduleConfig = ScheduleConfig()
    core: CoreConfig = CoreConfig()
    encoder: EncoderConfig = EncoderConfig()
    activity: VoiceActivityConfig = VoiceActivityConfig()
    words: WordsConfig = WordsConfig()
    voice: VoiceConfig = VoiceConfig()
