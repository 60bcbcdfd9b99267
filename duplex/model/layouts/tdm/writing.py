"""Converts the text ids of an answer to words, with one object per answer; implemented here for the embedded model.

This module handles ids, words and captions; it does not depend on slots or on what decides the text.
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
    """Converts text to ids, and names the special ids."""

    sil: int
    """Id of a slot without text while the assistant is mute."""
    hold: int
    """Id of a slot without text while the assistant speaks."""
    eos: int
    """Id that ends the text of an answer."""

    @property
    def size(self) -> int:
        """Number of ids."""
        ...

    def encode(self, text: str) -> list[int]:
        """Ids of a text."""
        ...


class Writing(Protocol):
    """The text of one answer while it is generated."""

    def push(self, text_id: int) -> list[str]:
        """Words and marks that are complete with this id."""
        ...

    def end(self) -> list[str]:
        """End the text; what was incomplete becomes words."""
        ...

    def caption(self, word: str, before: Sequence[str]) -> str:
        """A word as captions show it after the words `before`."""
        ...


class PieceWriting:
    """Text made of lower-case pieces that mark word ends, with tokens for time and date words, and truecasing."""

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
        """End the text; a piece that no token has completed becomes a word."""
        words, self._piece = _WORD.findall(self._piece), ""
        return words

    def caption(self, word: str, before: Sequence[str]) -> str:
        """The word in true case."""
        return self._truecase.next_word(word, before)
