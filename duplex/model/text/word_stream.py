"""Splits text that grows piece by piece into words. It does not depend on tokens, sound or turns.

A word is the text between spaces, or one character of a script without spaces (Chinese, Japanese); marks stay with the
word before them. A word is complete when something follows that does not belong to it, or when the text ends.
"""

import re

_SIGNS = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
SIGN = re.compile(f"[{_SIGNS}]")
WORD = re.compile(rf"[{_SIGNS}][^\w\s]*|[^\s{_SIGNS}]+")


class WordStream:
    """`text` is everything so far; `words` are the complete words."""

    def __init__(self) -> None:
        self.text = ""
        self.words: list[str] = []
        self._ends: list[int] = []

    def push(self, piece: str) -> list[str]:
        """Add a piece, which may be part of a word; returns the words that it completes."""
        self.text += piece
        return self._take(over=False)

    def end(self) -> list[str]:
        """End the text; returns the last word if it was not complete."""
        return self._take(over=True)

    def until(self, count: int) -> str:
        """The text up to the end of its first `count` complete words."""
        return self.text[: self._ends[count - 1]].strip() if count else ""

    def _take(self, over: bool) -> list[str]:
        begin = self._ends[-1] if self._ends else 0
        found = [match for match in WORD.finditer(self.text, begin) if over or match.end() < len(self.text)]
        self._ends += [match.end() for match in found]
        self.words += [match.group() for match in found]
        return [match.group() for match in found]
