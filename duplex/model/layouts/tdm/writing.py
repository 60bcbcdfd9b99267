"""How the text ids of an answer become words, one object an answer; and the words of the embedded model.

Knows ids, words and captions; knows nothing of slots or of who decides what is said.
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from duplex.model.text.clock_words import fill_in_words
from duplex.model.text.tokenizer import TextTokenizer
from duplex.model.text.truecase import Truecase

Moment = Callable[[], datetime]
"""The user's time of day."""

_WORD = re.compile(r"[\w']+|[^\w\s]")


class TextIds(Protocol):
    """Text ids with a meaning of their own, and ids of a text."""

    sil: int
    """A slot without text, while the assistant is mute."""
    hold: int
    """The same while it speaks."""
    eos: int
    """The text of an answer is over."""

    @property
    def size(self) -> int:
        """Number of ids."""
        ...

    def encode(self, text: str) -> list[int]:
        """Ids of a text."""
        ...


class Writing(Protocol):
    """One answer while it is written."""

    def push(self, text_id: int) -> list[str]:
        """Words and marks that are complete with this id."""
        ...

    def end(self) -> list[str]:
        """The text is over: what was not complete becomes words."""
        ...

    def caption(self, word: str, before: Sequence[str]) -> str:
        """A word as captions show it, behind the words `before`."""
        ...


class PieceWriting:
    """Lower-case pieces that know whether they end a word, tokens that stand for words of the clock, true case."""

    def __init__(self, tokenizer: TextTokenizer, truecase: Truecase, moment: Moment) -> None:
        self._tokenizer = tokenizer
        self._truecase = truecase
        self._moment = moment
        self._piece = ""

    def push(self, text_id: int) -> list[str]:
        """Words and marks that are complete with this id."""
        name = self._tokenizer.fill_in(text_id)
        if name is not None:
            return fill_in_words(name, self._moment())
        self._piece += self._tokenizer.piece(text_id)
        return self.end() if self._tokenizer.ends_word(text_id) else []

    def end(self) -> list[str]:
        """A piece that no token has finished becomes a word."""
        words, self._piece = _WORD.findall(self._piece), ""
        return words

    def caption(self, word: str, before: Sequence[str]) -> str:
        """True case."""
        return self._truecase.next_word(word, before)
