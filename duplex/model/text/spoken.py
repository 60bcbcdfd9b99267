"""Text as it is spoken: lower-case words of letters and apostrophes, numbers and signs as words.

The reading itself is `duplex.model.text.reading`; this is what callers need that know no written words.
"""

from collections.abc import Sequence

from duplex.model.text.reading.reader import SaidWord, read


def list_spoken_words(text: str, before: str = "") -> list[str]:
    """Words as they are said: "It's 2+2, Dr. O'Neill!" -> it's two plus two doctor o'neill.

    Args:
        text: what is to be said.
        before: what was said before it, where a text comes in pieces: what a sign or a short form means may depend
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
