"""Gives the turns of examples their speech tokens.

Answers are tokenized as whole clips, as a voice is trained; what users say as the live stream hears it, so that
training hears what a conversation does. Nothing here depends on where the tokenizer comes from.
"""

import hashlib
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from configs.audio import AUDIO
from configs.base import ConfigError
from configs.model.speech_tokens import TokenWindowConfig
from configs.train.examples import SpeechTokensInfo
from duplex.io.sound_file import SoundFileError, read_sound_file, resample_to_one
from duplex.model.stages.token_window import ClipTokenizer, TokenStream
from duplex.train.examples.example import Example, ExampleError, Role, Turn
from duplex.train.examples.example_folder import ExampleFolder


class ExampleTokenizer:
    """Tokenizes turns of `sides` with one tokenizer."""

    def __init__(
        self, tokenizer: ClipTokenizer, window: TokenWindowConfig, name: str, fingerprint: str, sides: tuple[Role, ...]
    ) -> None:
        """`window`: what the live stream hears around a slot. `name`, `fingerprint`: for `examples.yaml`."""
        self.sides = sides
        self.info = SpeechTokensInfo(
            name=name,
            vocabulary=tokenizer.vocabulary,
            rate=AUDIO.input_rate / tokenizer.token_samples,
            fingerprint=fingerprint,
        )
        self._tokenizer = tokenizer
        self._stream = TokenStream(tokenizer, window) if "user" in sides else None

    def tokenize(self, example: Example, folder: ExampleFolder) -> Example:
        """The example with the tokens of its turns that have sound.

        Raises:
            ExampleError: a sound cannot be read.
        """
        return replace(example, turns=tuple(self._turn(turn, example.id, folder) for turn in example.turns))

    def _turn(self, turn: Turn, id: str, folder: ExampleFolder) -> Turn:
        if turn.role not in self.sides or not turn.audio:
            return replace(turn, tokens=())
        try:
            samples = resample_to_one(read_sound_file(folder.sound(turn)), AUDIO.input_rate)
        except SoundFileError as error:
            raise ExampleError(f"example {id}: {error}") from None
        pcm = torch.from_numpy(samples)
        tokens = self._stream.encode(pcm) if turn.role == "user" and self._stream else self._clip(pcm)
        return replace(turn, tokens=tuple(tokens.flatten().tolist()), seconds=len(pcm) / AUDIO.input_rate)

    def _clip(self, pcm: Tensor) -> Tensor:
        """The tokens of a clip; silence stands for what the tokenizer hears beyond its end."""
        return self._tokenizer.encode(F.pad(pcm, (0, self._tokenizer.margin_samples))[None])[0]


def fingerprint_files(*files: Path) -> str:
    """First 16 hex digits of the sha256 over the content of files, and of all files of folders, in order.

    Raises:
        ConfigError: a file cannot be read.
    """
    digest = hashlib.sha256()
    try:
        for path in files:
            for file in sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]:
                with file.open("rb") as data:
                    digest.update(hashlib.file_digest(data, "sha256").digest())
    except OSError as error:
        raise ConfigError(f"{error.filename}: cannot be read ({error.strerror}); check the path") from None
    return digest.hexdigest()[:16]
