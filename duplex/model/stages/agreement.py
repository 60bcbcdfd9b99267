"""Decides which words of a growing transcript are certain: those that two successive transcripts agree on, or all at a
pause.

Committed words never change: every later transcript continues from them. Nothing here depends on audio, rows or
decoding. Source: local agreement, Liu et al. 2020, "Low-latency sequence-to-sequence speech recognition", as in
whisper_streaming.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from duplex.model.stages.whisper_rules import WordPieces, same, words_of
from duplex.model.text.whisper_vocabulary import WhisperVocabulary


@dataclass
class LocalAgreement:
    """One clip's words, committed by local agreement of two transcripts (Liu et al. 2020).

    Attributes:
        opening: the timestamp token with which the clip's transcripts begin.
        committed: words that are certain, without punctuation after the last one.
        candidates: words that the newest transcript has after them.
    """

    opening: int | None = None
    committed: list[WordPieces] = field(default_factory=list)
    candidates: list[WordPieces] = field(default_factory=list)

    @property
    def beginning(self) -> tuple[int, ...]:
        """Tokens that the next transcript starts with."""
        if self.opening is None or not self.committed:
            return ()
        return (self.opening, *(token for word in self.committed for token in word))

    def update(self, tokens: Sequence[int], everything: bool, vocabulary: WhisperVocabulary) -> list[WordPieces]:
        """Take a transcript that starts with `beginning`; returns the words that became certain.

        Args:
            tokens: the transcript; empty if nothing was heard.
            everything: all words are certain, because the user pauses.
            vocabulary: vocabulary of the tokens.
        """
        given = len(self.beginning)
        words = words_of(tokens[given:], vocabulary)
        count = len(words) if everything else _count_agreed(self.candidates, words, vocabulary)
        if count and not self.committed:
            self.opening = tokens[0]
        new = words[:count]
        self.candidates = words[count:]
        self.committed += new
        if self.committed:
            self.committed[-1] = _without_signs(self.committed[-1], vocabulary)
        return new


def _count_agreed(before: Sequence[WordPieces], now: Sequence[WordPieces], vocabulary: WhisperVocabulary) -> int:
    """Length of the longest common prefix, ignoring case and punctuation."""
    count = 0
    for old, new in zip(before, now, strict=False):
        if not same([old], [new], vocabulary):
            break
        count += 1
    return count


def _without_signs(word: WordPieces, vocabulary: WhisperVocabulary) -> WordPieces:
    """The word without the punctuation after it; a word of punctuation alone is unchanged."""
    end = len(word)
    while end > 1 and not any(sign.isalnum() for sign in vocabulary.text(word[end - 1 : end])):
        end -= 1
    return word[:end]
