"""Converts text to spoken words: lower-case words of letters and apostrophes, with numbers and signs as words.

The reading itself is in `duplex.model.text.reading`; this module is for callers that do not need the written words.
"""

from collections.abc import Sequence

from duplex.model.text.reading.reader import SaidWord, read


def list_spoken_words(text: str, before: str = "") -> list[str]:
    """Words as they are spoken: "It's 2+2, Dr. O'Neill!" -> it's two plus two doctor o'neill.

    Args:
        text: what is to be said.
        before: what was said before it, if a text comes in pieces; the meaning of a sign or an abbreviation may depend
            on it ("7", then "- 3").
    """
    if not before:
        return _words(read(text))
    told, whole = read(before), read(f"{before} {text}")
    known, words = _words(told), _words(whole)
    goes_on = words[: len(known)] == known
    return words[len(known) :] if goes_on else _words(whole[len(told) :])


def _words(read_words: Sequence[SaidWord]) -> list[str]:
    return [word for said in read_words for word in said.words]
