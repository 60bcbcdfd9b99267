"""The hearing half as one object: its folder of weights, read and written.

Knows files and stages; knows nothing of conversations. Files: ears.yaml (configuration), whisper.safetensors and
whisper_vocabulary.json; the encoder serves the features, encoder and decoder together the words.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from configs.base import ConfigError
from configs.model import EarsConfig
from duplex.stages.encoder import SpeechEncoder
from duplex.stages.transcriber import Transcriber
from duplex.stages.whisper_blocks import AudioEncoder
from duplex.stages.whisper_decoding import load_whisper
from duplex.stages.words import NoWords, WordSource
from duplex.text.whisper_vocabulary import WhisperVocabulary

CONFIG: Final = "ears.yaml"
WEIGHTS: Final = "whisper.safetensors"
VOCABULARY: Final = "whisper_vocabulary.json"


@dataclass(frozen=True)
class Ears:
    """Speech encoder and source of words."""

    config: EarsConfig
    encoder: SpeechEncoder
    words: WordSource

    @classmethod
    def fresh(cls, config: EarsConfig) -> Self:
        """A random encoder and no words; seed torch before."""
        return cls(config, SpeechEncoder(config.encoder, AudioEncoder(config.encoder.shape)).eval(), NoWords())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a folder with the three files.

        Raises:
            ConfigError: a file is missing or broken, or they do not belong together.
        """
        config = EarsConfig.from_yaml(folder / CONFIG)
        vocabulary = WhisperVocabulary.load(folder / VOCABULARY)
        transcriber = config.words.transcriber
        whisper = load_whisper(_read(folder / WEIGHTS), vocabulary, transcriber.shape, transcriber.decoding)
        encoder = SpeechEncoder(config.encoder, whisper.encoder)
        return cls(config, encoder, _words(config, Transcriber(transcriber, whisper)))


def _words(config: EarsConfig, transcriber: Transcriber) -> WordSource:
    source = config.words.source
    if source == "transcriber":
        return transcriber
    if source == "none":
        return NoWords()
    raise ConfigError(f"words.source '{source}' has no weights here; choose 'transcriber' or 'none'")


def _read(path: Path) -> dict[str, Tensor]:
    try:
        with torch.inference_mode(False):
            return load_file(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror or error}); check the path") from None
    except SafetensorError as error:
        raise ConfigError(f"{path}: is not a safetensors file ({error}); fetch or export it again") from None
