"""How much of a text that grows can be spoken: whole clauses where it comes slowly, words where it outruns speech.

Knows text and the times at which it came; knows nothing of voices.
"""

import re
from collections.abc import Sequence
from typing import Final

from duplex.model.interface import Came
from duplex.model.language_models.interface import AnswerPiece

_CLAUSE: Final = re.compile(r"[,;:.!?…—](?=[\"')\]]*\s)[\"')\]]*\s+|\n+")
_WORD_END: Final = re.compile(r"\s+(?=\S)")
_SENTENCE: Final = re.compile(r"[.!?…][\"')\]]*\s+|\n+")
FAST: Final = 6.0
"""Words a second at which text outruns speech for certain: the voice speaks about 3.9."""
_TELLING: Final = 6
"""Words from which on the pace of a text is known."""
_AHEAD: Final = 3
"""Words behind the newest released one: they may change how it is read ("$1.5" before "million")."""
_PLAIN: Final = re.compile(r"(?:[A-Za-z][a-z]+(?:['’][a-z]+)?|I|[Aa])[,;:]?")
"""Words that are read in one way, whatever follows: a word behind them only shows that they have ended."""
_LONGEST: Final = 14
"""Words after which a clause without a mark is released all the same, up to its last word but `_AHEAD`."""


class PhraseGate:
    """Holds the text of one answer back until it can be spoken."""

    def __init__(self, quick: bool = False) -> None:
        """`quick`: the answer before outran speech, so that this one may begin with its first word."""
        self._least = 2 if quick else _AHEAD
        self._text = ""
        self._released = 0
        self._first_ms = 0.0
        self._last_ms = 0.0

    @property
    def text(self) -> str:
        """All text so far, also what is held back."""
        return self._text

    def pass_on(self, pieces: Sequence[AnswerPiece]) -> Came | None:
        """What the newest pieces make speakable; None where they change nothing."""
        for piece in pieces:
            if piece.text and not self._text.strip():
                self._first_ms = piece.at_ms
            self._last_ms = piece.at_ms
            self._text += piece.text
        finish = next((piece for piece in pieces if piece.finish), None)
        end = len(self._text) if finish else self._find_end()
        text, self._released = self._text[self._released : end], max(end, self._released)
        if finish is None and not text:
            return None
        return Came(text, finish is not None, finish.error if finish else "")

    @property
    def quick(self) -> bool | None:
        """Whether the text has outrun speech; None while there is too little of it to know."""
        words, seconds = self._pace
        return words - 1 >= FAST * seconds if words >= _TELLING else None

    @property
    def _pace(self) -> tuple[int, float]:
        """Number of words, and the seconds between the first and the last of them."""
        return len(self._text.split()), (self._last_ms - self._first_ms) / 1000

    @property
    def _fast(self) -> bool:
        """The text has come faster than it can be spoken."""
        words, seconds = self._pace
        return words >= (self._least if seconds else self._least + 1) and words - 1 >= FAST * seconds

    def _find_end(self) -> int:
        """End of what can be spoken."""
        rest = self._text[self._released :]
        if self._fast:
            sentence = _end_of_last(_SENTENCE, rest)
            return self._released + sentence + _end_of_certain(rest[sentence:])
        clause = _end_of_last(_CLAUSE, rest)
        long = len(rest[clause:].split()) > _LONGEST
        return self._released + (clause + _words_but(rest[clause:], _AHEAD) if long else clause)


def _end_of_last(pattern: re.Pattern[str], text: str) -> int:
    return max((match.end() for match in pattern.finditer(text)), default=0)


def _words_but(text: str, count: int) -> int:
    """End of the text without its last `count` words."""
    ends = [match.end() for match in _WORD_END.finditer(text)]
    return ends[-count] if len(ends) >= count else 0


def _end_of_certain(text: str) -> int:
    """End of the words that enough others follow."""
    ends = [match.end() for match in _WORD_END.finditer(text)]
    begin = 0
    for behind, end in zip(range(len(ends), 0, -1), ends, strict=True):
        if behind < _AHEAD and not _PLAIN.fullmatch(text[begin:end].strip()):
            break
        begin = end
    return begin
