"""The written words of one answer while it grows, what is said for each, and which of them sounds.

A voice counts items, the words and marks that it says; captions and histories count written words.
"""

from collections.abc import Iterable

from duplex.model.text.reading.reader import MARKS, SaidWord, read
from duplex.model.text.sounding_word import SoundingWord


class WrittenWords:
    """One answer. `words`: the written words so far."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._text = ""
        self._owners: list[int | None] = []
        self._silent: set[int] = set()
        self._over = 0

    def read(self, text: str) -> list[SaidWord]:
        """More text, up to the end of a word; returns its written words with what is said for each.

        What stands before it decides how it is read: the line begins a list, the number is an amount of money.
        """
        self._text += text
        new = read(self._text)[len(self.words) :]
        for said in new:
            index = len(self.words)
            self.words.append(said.written)
            self._owners += [None if item in MARKS else index for item in said.items]
            if not said.words:
                self._silent.add(index)
        return new

    def join(self, parts: Iterable[SoundingWord]) -> tuple[SoundingWord, ...]:
        """Items that sound as written words ("well-known", "$5"); one without sound goes with the word before it."""
        joined: dict[int, SoundingWord] = {}
        for part in parts:
            word = self._owners[part.item]
            assert word is not None, "marks have no sound"
            items = [item for item, owner in enumerate(self._owners) if owner == word]
            done = (items.index(part.item) + part.done) / len(items)
            start = joined[word].start_ms if word in joined else part.start_ms
            joined[word] = SoundingWord(word, start, part.end_ms, done)
        return tuple(told for part in joined.values() for told in self._with_silent(part))

    def _with_silent(self, part: SoundingWord) -> Iterable[SoundingWord]:
        yield from (SoundingWord(word, part.start_ms, part.start_ms, 1.0) for word in range(self._over, part.item))
        yield part
        self._over = part.item
        if part.done >= 1:
            self._over += 1
            while self._over in self._silent:
                yield SoundingWord(self._over, part.end_ms, part.end_ms, 1.0)
                self._over += 1
