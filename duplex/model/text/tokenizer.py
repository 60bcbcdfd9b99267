"""Text tokens: lower-case byte-pair pieces that mark word ends, punctuation marks, special tokens.

Byte pairs follow Sennrich et al. 2016, "Neural Machine Translation of Rare Words with Subword Units", sec. 3.2, with
its end-of-word mark. Nothing here depends on audio or on when a token is spoken.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self

from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer

from configs.base import ConfigError
from configs.model.language import TextTokenizerConfig


class TextTokenizer:
    """Converts words to ids and back. Everything outside the alphabet is dropped; numbers are expected as words."""

    def __init__(self, tokenizer: Tokenizer, config: TextTokenizerConfig) -> None:
        """`tokenizer` must hold the special tokens of `config` at the first ids.

        Raises:
            ConfigError: a special token is missing or at another id.
        """
        for expected, token in enumerate(config.specials):
            if tokenizer.token_to_id(token) != expected:
                raise ConfigError(
                    f"the vocabulary has no {token} at id {expected}; train it with the same configuration"
                )
        self._tokenizer = tokenizer
        self._config = config
        self._pieces = [tokenizer.id_to_token(index) or "" for index in range(tokenizer.get_vocab_size())]
        self._first_piece = len(config.specials)
        self.sil, self.hold, self.eos, self.bos = range(len(config.control))

    @classmethod
    def from_file(cls, path: Path, config: TextTokenizerConfig | None = None) -> Self:
        """Read `tokenizer.json`.

        Raises:
            ConfigError: the file is missing or broken, or its special tokens differ from `config`.
        """
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises bare Exception for every fault
            raise ConfigError(f"{path}: is not a tokenizer file ({error}); check the path") from None
        return cls(tokenizer, config or TextTokenizerConfig())

    @classmethod
    def train(cls, config: TextTokenizerConfig, counts: Mapping[str, int]) -> Self:
        """Learn byte pairs from words and their counts (Sennrich et al. 2016, sec. 3.2); ties have no fixed order."""
        tokenizer = Tokenizer(BPE(end_of_word_suffix=config.end_of_word))
        tokenizer.normalizer = _normalizer(config)
        tokenizer.pre_tokenizer = _pre_tokenizer(config)
        trainer = BpeTrainer(
            vocab_size=config.vocab_size,
            min_frequency=config.min_frequency,
            special_tokens=list(config.specials),
            initial_alphabet=list(config.alphabet),
            end_of_word_suffix=config.end_of_word,
            show_progress=False,
        )
        single = dict.fromkeys(config.alphabet + config.punctuation, config.min_frequency)
        words = (word for word, count in sorted((single | dict(counts)).items()) for _ in range(count))
        tokenizer.train_from_iterator(words, trainer)
        return cls(tokenizer, config)

    @classmethod
    def of_letters(cls, config: TextTokenizerConfig) -> Self:
        """A vocabulary of only letters and marks, always the same."""
        signs = [*config.alphabet, *(sign + config.end_of_word for sign in config.alphabet + config.punctuation)]
        vocabulary = {token: index for index, token in enumerate([*config.specials, *signs])}
        tokenizer = Tokenizer(BPE(vocab=vocabulary, merges=[], end_of_word_suffix=config.end_of_word))
        tokenizer.normalizer = _normalizer(config)
        tokenizer.pre_tokenizer = _pre_tokenizer(config)
        tokenizer.add_special_tokens(list(config.specials))
        return cls(tokenizer, config)

    def save(self, path: Path) -> None:
        """Write `tokenizer.json`."""
        self._tokenizer.save(str(path), pretty=False)

    @property
    def size(self) -> int:
        """Number of ids."""
        return len(self._pieces)

    def encode(self, text: str) -> list[int]:
        """Ids of a text; case, accents and unknown characters are dropped, `<|time|>` and the like are one id."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def piece(self, index: int) -> str:
        """Letters or punctuation of an id, without the end-of-word mark; '' for special tokens."""
        return "" if index < self._first_piece else self._pieces[index].removesuffix(self._config.end_of_word)

    def ends_word(self, index: int) -> bool:
        """Whether a word is complete with this id; punctuation and special tokens are always complete."""
        return index < self._first_piece or self._pieces[index].endswith(self._config.end_of_word)

    def fill_in(self, index: int) -> str | None:
        """Name of a fill-in token ('time'); None for every other id."""
        is_fill_in = len(self._config.control) <= index < self._first_piece
        return self._pieces[index].strip("<|>") if is_fill_in else None

    def words(self, ids: Iterable[int]) -> list[str]:
        """Words, marks and fill-in tokens of ids in order; control tokens are left out, an unfinished word is kept."""
        words: list[str] = []
        piece = ""
        for index in ids:
            if self.fill_in(index):
                words.append(self._pieces[index])
                continue
            piece += self.piece(index)
            if piece and self.ends_word(index):
                words.append(piece)
                piece = ""
        return [*words, piece] if piece else words

    def decode(self, ids: Iterable[int]) -> str:
        """Lower-case text, marks attached to the word before: 'the capital of france is paris.'"""
        text = ""
        for word in self.words(ids):
            text += word if not text or word in tuple(self._config.punctuation) else f" {word}"
        return text


def _normalizer(config: TextTokenizerConfig) -> normalizers.Normalizer:
    kept = config.alphabet + config.punctuation
    return normalizers.Sequence(
        [
            normalizers.Lowercase(),
            normalizers.NFKD(),
            normalizers.StripAccents(),
            normalizers.Replace("’", "'"),
            normalizers.Replace(Regex(f"[^{kept} ]"), " "),
        ]
    )


def _pre_tokenizer(config: TextTokenizerConfig) -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Split(Regex(f"[{config.punctuation}]"), behavior="isolated"),
        ]
    )
