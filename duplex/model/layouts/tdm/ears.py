"""The ears as one object, and how their folder of weights is read.

Files: ears.yaml (configuration), whisper.safetensors and whisper_vocabulary.json; the encoder gives the features, and
encoder and decoder together give the words. If the source of words is `ctc`, ctc.safetensors makes them from the
features. Nothing here depends on conversations.
"""

from dataclasses import dataclass
from pathlib import Path
from string import ascii_lowercase
from typing import Final, Self

import torch

from configs.model.ears import Source
from configs.model.model import EarsConfig
from duplex.model.stages.ctc_network import CtcNetwork, load_ctc
from duplex.model.stages.ctc_words import CtcWords
from duplex.model.stages.encoder import SpeechEncoder
from duplex.model.stages.transcriber import Transcriber
from duplex.model.stages.whisper_blocks import AudioEncoder
from duplex.model.stages.whisper_decoding import Whisper, load_whisper
from duplex.model.stages.word_source import NoWords, WordSource
from duplex.model.text.whisper_vocabulary import WhisperVocabulary
from duplex.model.weights.safetensors import read_tensors

CONFIG: Final = "ears.yaml"
WEIGHTS: Final = "whisper.safetensors"
VOCABULARY: Final = "whisper_vocabulary.json"
CTC: Final = "ctc.safetensors"


@dataclass(frozen=True)
class EmbeddedEars:
    """The speech encoder and the source of words."""

    config: EarsConfig
    encoder: SpeechEncoder
    words: WordSource

    @classmethod
    def fresh(cls, config: EarsConfig) -> Self:
        """A random encoder, and random words if the source is `ctc`, otherwise none; seed torch first."""
        encoder = SpeechEncoder(config.encoder, AudioEncoder(config.encoder.shape)).eval()
        if config.words.source != "ctc":
            return cls(config, encoder, NoWords())
        words = [f"{letter} " for letter in ascii_lowercase]
        network = CtcNetwork(config.words.ctc, config.encoder.shape.dim, words).eval()
        return cls(config, encoder, CtcWords(network, config.encoder.block_frames))

    @classmethod
    def load(cls, folder: Path, source: Source | None = None, dtype: torch.dtype | None = None) -> Self:
        """Read a folder with the files.

        Args:
            source: replaces the source of words that its configuration names.
            dtype: data type of the encoder's products; None takes what suits the CPU.

        Raises:
            ConfigError: a file is missing or broken, or they do not belong together.
        """
        config = EarsConfig.from_yaml(folder / CONFIG)
        vocabulary = WhisperVocabulary.load(folder / VOCABULARY)
        transcriber = config.words.transcriber
        tensors = read_tensors(folder / WEIGHTS)
        whisper = load_whisper(tensors, vocabulary, transcriber.shape, transcriber.decoding, dtype)
        encoder = SpeechEncoder(config.encoder, whisper.encoder)
        return cls(config, encoder, _words(config, source or config.words.source, whisper, folder))


def _words(config: EarsConfig, source: Source, whisper: Whisper, folder: Path) -> WordSource:
    words, encoder = config.words, config.encoder
    if source == "transcriber":
        return Transcriber(words.transcriber, whisper)
    if source == "ctc":
        return CtcWords(load_ctc(words.ctc, encoder.shape.dim, folder / CTC), encoder.block_frames)
    return NoWords()
