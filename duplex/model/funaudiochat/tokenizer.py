"""Text ids of Fun-Audio-Chat and the ChatML pieces of a conversation.

Text never becomes a special token: if a user types "<|im_end|>", it is read as those letters. Pieces are cut where no
token can cross, so that a turn put together from pieces has the ids of the whole. Nothing here depends on audio or on
the network.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Final, Self

from tokenizers import AddedToken, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE

from configs.base import ConfigError
from configs.model.funaudiochat import FunAudioChatConfig, TextIdsConfig

FILE: Final = "tokenizer.json"
_IM_START: Final = "<|im_start|>"
_IM_END: Final = "<|im_end|>"
_BYTES: Final = 256


class ChatTokenizer:
    """Converts text to ids and back, with the special ids of a checkpoint."""

    def __init__(self, tokenizer: Tokenizer, config: FunAudioChatConfig, source: str) -> None:
        """`source` names the tokenizer in errors.

        Raises:
            ConfigError: a special token is missing, or its id differs from the configuration.
        """
        for token, wanted in _audio_tokens(config.ids).items():
            found = _find(tokenizer, token, source)
            if found != wanted:
                raise ConfigError(f"{source}: {token} is {found}, the configuration says {wanted}; fetch both again")
        if tokenizer.get_vocab_size() > config.vocabulary:
            raise ConfigError(
                f"{source}: has {tokenizer.get_vocab_size()} ids, the model {config.vocabulary}; fetch both again"
            )
        self._tokenizer = tokenizer
        self._tokenizer.encode_special_tokens = True
        self.ids = config.ids
        self.im_start = _find(tokenizer, _IM_START, source)
        self.im_end = _find(tokenizer, _IM_END, source)

    @classmethod
    def from_folder(cls, folder: Path, config: FunAudioChatConfig) -> Self:
        """Read `tokenizer.json`.

        Raises:
            ConfigError: the file is missing or broken, or does not belong to `config`.
        """
        path = folder / FILE
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises bare Exception for every fault
            raise ConfigError(f"{path}: is not a tokenizer file ({' '.join(str(error).split())}); fetch it") from None
        return cls(tokenizer, config, str(path))

    @classmethod
    def of_bytes(cls, config: FunAudioChatConfig) -> Self:
        """A tokenizer for models with random weights: bytes as ids 0..255, special tokens, and made-up words for the
        rest."""
        given = {_IM_START: _BYTES, _IM_END: _BYTES + 1, **_audio_tokens(config.ids)}
        by_id = {number: token for token, number in given.items()}
        last = max(by_id)
        special = [by_id.get(number, f"<|unused_{number}|>") for number in range(_BYTES, last + 1)]
        words = [word for word, _ in zip(_make_words(), range(last + 1, config.vocabulary), strict=False)]
        tokens = [*_byte_signs(), *special, *words]
        tokenizer = Tokenizer(BPE(vocab={token: number for number, token in enumerate(tokens)}, merges=[]))
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        tokenizer.add_special_tokens([AddedToken(token, special=True) for token in special])
        return cls(tokenizer, config, "tokenizer of bytes")

    def save(self, folder: Path) -> None:
        """Write `tokenizer.json`."""
        self._tokenizer.save(str(folder / FILE))

    def encode(self, text: str) -> list[int]:
        """Ids of plain text."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids without special tokens."""
        text: str = self._tokenizer.decode(list(ids), skip_special_tokens=True)
        return text

    def message(self, role: str, text: str) -> list[int]:
        """Ids of a complete written turn."""
        return [self.im_start, *self.encode(f"{role}\n{text}"), *self.end()]

    def user_audio(self) -> list[int]:
        """Ids that precede a user's groups."""
        return [self.im_start, *self.encode("user\n"), self.ids.audio_bos]

    def user_audio_end(self, text: str = "") -> list[int]:
        """Ids that follow a user's groups; `text` is what the user adds in writing."""
        return [self.ids.audio_eos, *self.encode(text), *self.end()]

    def assistant(self) -> list[int]:
        """Ids that precede an answer."""
        return [self.im_start, *self.encode("assistant\n")]

    def end(self) -> list[int]:
        """Ids that end a turn."""
        return [self.im_end, *self.encode("\n")]


def _audio_tokens(ids: TextIdsConfig) -> dict[str, int]:
    return {"<|AUDIO|>": ids.audio, "<|audio_bos|>": ids.audio_bos, "<|audio_eos|>": ids.audio_eos, "<|sil|>": ids.sil}


def _find(tokenizer: Tokenizer, token: str, source: str) -> int:
    found = tokenizer.token_to_id(token)
    if found is None:
        raise ConfigError(f"{source}: has no token {token}; take the tokenizer of the same checkpoint")
    return found


def _make_words() -> Iterator[str]:
    """Words with a space before each, as byte-level tokenizers write it: " ban", " bar", ..."""
    return (f"Ġ{first}{vowel}{last}" for first, vowel, last in product("bdfgklmnprstvz", "aeiou", "nrslm"))


def _byte_signs() -> list[str]:
    """The character that byte-level tokenizers write for each byte (GPT-2's table)."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAC + 1), *range(0xAE, 0xFF + 1)]
    spare = iter(range(_BYTES, 2 * _BYTES))
    return [chr(byte) if byte in printable else chr(next(spare)) for byte in range(_BYTES)]
