"""Text ids of a published LLM (a byte-level `tokenizer.json`), and how they become words.

This module handles text and special tokens; it does not depend on slots or networks. Text never becomes a special
token: if a user types "<|im_end|>", it is read as those letters. Case and punctuation are the model's own.
"""

import codecs
from collections.abc import Sequence
from pathlib import Path
from string import ascii_lowercase
from typing import Final, Self

from tokenizers import AddedToken, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import BPE

from configs.base import ConfigError
from configs.model.family import ByteTextConfig
from duplex.model.text.word_stream import WordStream

_PRINTABLE: Final = (*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAC + 1), *range(0xAE, 0xFF + 1))
_BYTES: Final = 256
_SPACE: Final = "Ġ"
_MARKS: Final = ",.?!'"


class ByteTokenizer:
    """Converts text to ids and back. `sil` is also used while speech continues after the end of the text."""

    def __init__(self, tokenizer: Tokenizer, config: ByteTextConfig, source: str) -> None:
        """`source` names the tokenizer in errors.

        Raises:
            ConfigError: the tokenizer is not byte-level, or a token of `config` is missing.
        """
        self._tokenizer = tokenizer
        self._tokenizer.encode_special_tokens = False
        self._before, self._after = self.encode(config.before), self.encode(config.after)
        self._tokenizer.encode_special_tokens = True
        self.sil = self.hold = _find(tokenizer, config.sil, source)
        self.eos = _find(tokenizer, config.eos, source)
        self._special = tuple(tokenizer.get_added_tokens_decoder())
        self._pieces = _pieces(tokenizer, source)

    @classmethod
    def from_file(cls, path: Path, config: ByteTextConfig) -> Self:
        """Read `tokenizer.json`.

        Raises:
            ConfigError: the file is missing or broken, is not byte-level, or lacks a token of `config`.
        """
        return cls(read_tokenizer(path), config, str(path))

    @classmethod
    def of_letters(cls, config: ByteTextConfig) -> Self:
        """A vocabulary of letters, with and without a space before them, and punctuation, for models with random
        weights."""
        signs = [_SPACE, *ascii_lowercase, *_MARKS, *(_SPACE + letter for letter in ascii_lowercase)]
        merges = [(_SPACE, letter) for letter in ascii_lowercase]
        tokenizer = Tokenizer(BPE(vocab={sign: number for number, sign in enumerate(signs)}, merges=merges))
        tokenizer.normalizer = normalizers.Lowercase()
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        add_special(tokenizer, ["<|im_start|>", "<|im_end|>", config.eos, config.sil])
        return cls(tokenizer, config, "the tokenizer of letters")

    def save(self, path: Path) -> None:
        """Write `tokenizer.json`."""
        self._tokenizer.save(str(path))

    @property
    def size(self) -> int:
        """Number of ids."""
        return len(self._pieces)

    @property
    def never(self) -> tuple[int, ...]:
        """Ids that no answer contains."""
        return tuple(index for index in self._special if index != self.eos)

    def encode(self, text: str) -> list[int]:
        """Ids of plain text."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def prompt(self, text: str) -> list[int]:
        """Ids of a system prompt with the text around it; none if there is no prompt."""
        return [*self._before, *self.encode(text), *self._after] if text else []

    def piece(self, index: int) -> bytes:
        """The bytes of an id; none for special tokens."""
        return self._pieces[index]


class StreamWriting:
    """Collects bytes; a word is complete when something follows that does not belong to it."""

    def __init__(self, tokenizer: ByteTokenizer) -> None:
        self._tokenizer = tokenizer
        self._text = codecs.getincrementaldecoder("utf-8")("replace")
        self._words = WordStream()

    def push(self, text_id: int) -> list[str]:
        """Add an id; returns the words that are now complete."""
        return self._words.push(self._text.decode(self._tokenizer.piece(text_id)))

    def end(self) -> list[str]:
        """End the text; returns the last word."""
        return [*self._words.push(self._text.decode(b"", final=True)), *self._words.end()]

    def caption(self, word: str, before: Sequence[str]) -> str:
        """The word as it was written."""
        return word


def read_tokenizer(path: Path) -> Tokenizer:
    """Read `tokenizer.json`.

    Raises:
        ConfigError: the file is missing or broken.
    """
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exception for every fault
        raise ConfigError(f"{path}: is not a tokenizer file ({' '.join(str(error).split())}); fetch it again") from None


def add_special(tokenizer: Tokenizer, tokens: Sequence[str]) -> None:
    """Add the special tokens that are missing."""
    absent = [token for token in dict.fromkeys(tokens) if tokenizer.token_to_id(token) is None]
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in absent])


def _pieces(tokenizer: Tokenizer, source: str) -> list[bytes]:
    """Bytes of every id."""
    value = {sign: number for number, sign in enumerate(_signs())}
    special = tokenizer.get_added_tokens_decoder()
    pieces = []
    for index in range(max(tokenizer.get_vocab().values()) + 1):
        token = "" if index in special else tokenizer.id_to_token(index) or ""
        try:
            pieces.append(bytes(value[sign] for sign in token))
        except KeyError:
            raise ConfigError(
                f"{source}: is not a byte-level tokenizer ('{token}'); take an LLM with one, such as Qwen or Llama 3"
            ) from None
    return pieces


def _find(tokenizer: Tokenizer, token: str, source: str) -> int:
    found = tokenizer.token_to_id(token)
    if found is None:
        raise ConfigError(f"{source}: has no token {token}; take the tokenizer of the same checkpoint")
    return int(found)


def _signs() -> list[str]:
    """The character that byte-level tokenizers write for each byte (GPT-2's table)."""
    spare = iter(range(_BYTES, 2 * _BYTES))
    return [chr(byte) if byte in _PRINTABLE else chr(next(spare)) for byte in range(_BYTES)]
