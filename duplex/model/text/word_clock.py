"""Estimates from their lengths when the words of an answer sound, if no head or aligner says so.

A word lasts as long as the letters of its spoken form at a usual pace; it is spoken after the word before it, and not
before it is known. The clock runs only while there is sound. When the answer has ended, all of it has been spoken.
Nothing here depends on audio.
"""

from collections.abc import Sequence

from configs.audio import AUDIO
from configs.model.live_turns import WordClockConfig
from duplex.model.text.reading.reader import SaidWord, read
from duplex.model.text.sounding_word import SoundingWord
from duplex.model.text.word_stream import SIGN


class WordClock:
    """The words of one answer."""

    def __init__(self, config: WordClockConfig) -> None:
        self._config = config
        self._lengths: list[float] = []
        self._word = 0
        self._spoken_ms = 0.0

    def add(self, words: Sequence[str]) -> None:
        """Add words that became known."""
        self._lengths += [self.milliseconds(word) for word in words]

    def milliseconds(self, word: str) -> float:
        """Estimated length of a word, from the constants of `WordClockConfig`."""
        config, spoken = self._config, _otherwise(word)
        if spoken is not None:
            letters = sum(map(len, spoken.words))
            pauses = (len(spoken.items) - len(spoken.words)) * config.mark_ms
            return len(spoken.words) * config.word_ms + letters * config.letter_ms + pauses
        signs, marks = len(SIGN.findall(word)), sum(not sign.isalnum() for sign in word)
        letters = len(word) - signs - marks
        own = config.word_ms + letters * config.letter_ms if letters else 0.0
        return max(own + signs * config.sign_ms + marks * config.mark_ms, 1.0)

    def slot(self, from_ms: float = 0.0, to_ms: float = AUDIO.slot_ms) -> tuple[SoundingWord, ...]:
        """Words that sound in a slot in which there is sound between `from_ms` and `to_ms`."""
        parts, now = [], from_ms
        while self._word < len(self._lengths) and now < to_ms:
            length = self._lengths[self._word]
            until = min(now + length - self._spoken_ms, to_ms)
            self._spoken_ms += until - now
            parts.append(SoundingWord(self._word, now, until, min(self._spoken_ms / length, 1.0)))
            if until < to_ms or self._spoken_ms >= length:
                self._word, self._spoken_ms = self._word + 1, 0.0
            now = until
        return tuple(parts)

    def end(self, to_ms: float = AUDIO.slot_ms) -> tuple[SoundingWord, ...]:
        """End the sound at `to_ms` of this slot: the remaining words were spoken by then."""
        left = range(self._word, len(self._lengths))
        share = to_ms / max(len(left), 1)
        self._word = len(self._lengths)
        return tuple(SoundingWord(word, place * share, (place + 1) * share, 1.0) for place, word in enumerate(left))


def _otherwise(word: str) -> SaidWord | None:
    """The spoken form of a word that is not spoken as it is written: 6,400, $5, km/h."""
    if SIGN.search(word) or (word.isascii() and word.isalpha()):
        return None
    said = read(word)
    letters = "".join(sign for sign in word if sign.isalnum()).lower()
    return said[0] if len(said) == 1 and "".join(said[0].words).replace("'", "") != letters else None
