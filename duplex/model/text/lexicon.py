"""Converts words to speech units: a lexicon file, inflection rules on top of it, letter-to-sound rules for the rest.

A word's units depend only on the word, so that it can be spoken as soon as it is complete; only "a", which may be the
article or the letter, needs its neighbours. Nothing here depends on tokens or sound.
"""

import lzma
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final, Self

from duplex.model.text.numbers import cardinal_of
from duplex.model.text.phonemes import PUNCTUATION, Unit, parse
from duplex.model.text.spelling import LETTERS, letter_to_sound

_SPELLING_WORDS: Final = frozenset({"spelled", "spelt", "spell", "letter", "letters"})
_VOICELESS: Final = frozenset("ptkfθ")
_SIBILANT: Final = frozenset("szʃʒʧʤ")
_FLAP_CONTEXT: Final = frozenset("AIOWYiuæɑəɛɪɹʊʌ")
_SHORTEST_PART: Final = 3


class LexiconError(ValueError):
    """A lexicon file cannot be used. The message says what, why and how to fix it."""


class Lexicon:
    """Pronunciations of lower-case words: `entries` maps a word to a phoneme string ("hello" -> "həlˈO").

    Names have an entry with a capital ("Los" -> "lˈɔs"). They come after all words and what is formed from these, and
    form none but a possessive or plural: "making" is from "make", whoever may be called Mak.
    """

    def __init__(self, entries: Mapping[str, str]) -> None:
        self._entries = dict(entries)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the file that `save` wrote.

        Raises:
            LexiconError: the file is missing, or is not an xz-compressed list of "word phonemes" lines.
        """
        try:
            lines = lzma.decompress(path.read_bytes()).decode().splitlines()
            return cls(dict(line.split(" ", 1) for line in lines))
        except OSError as error:
            raise LexiconError(f"{path}: cannot be read ({error.strerror}); check the path") from None
        except (lzma.LZMAError, ValueError):
            raise LexiconError(f"{path}: is not a lexicon; make it again with 'duplex train lexicon'") from None

    def save(self, path: Path) -> None:
        """Write the entries in alphabetical order, xz-compressed."""
        text = "\n".join(f"{word} {sound}" for word, sound in sorted(self._entries.items()))
        path.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, word: str) -> bool:
        """Whether a lower-case word has an entry that is no name."""
        return word in self._entries

    def add(self, word: str, phonemes: str) -> None:
        """Add or replace one entry."""
        self._entries[word] = phonemes

    def add_name(self, name: str, phonemes: str) -> None:
        """Add or replace the entry of a name, given in lower case."""
        self._entries[name.capitalize()] = phonemes

    def words(self) -> Iterable[str]:
        """All entries without names, in no particular order."""
        return (word for word in self._entries if not word[:1].isupper())

    @staticmethod
    def needs_following(word: str) -> bool:
        """Whether the word can only be read when the item after it is known."""
        return word.lower() == "a"

    def units(self, word: str, previous: str = "", following: str = "") -> tuple[Unit, ...]:
        """Units of a finished word or of a punctuation mark; `previous` is the word before it, `following` the next
        item.

        Unpronounceable text gives an empty tuple.
        """
        if len(word) == 1 and word in PUNCTUATION:
            return (Unit(word),)
        return parse(self.phonemes(word.lower(), previous, following))

    def phonemes(self, word: str, previous: str = "", following: str = "") -> str:
        """Phoneme string of a lower-case word."""
        if word == "a" and (_is_spelled(previous) or _shows_a_letter(following)):
            return LETTERS["a"]
        known = self._entries.get(word) or self._name(word)
        return known if known is not None else self.derive(word)

    def derive(self, word: str) -> str:
        """Phoneme string by rules alone, as if the word itself had no entry."""
        if word.isdecimal():
            return " ".join(self.phonemes(part) for part in cardinal_of(word).split())
        parts = [part for part in word.replace("-", " ").split() if part]
        if len(parts) > 1:
            return " ".join(self.phonemes(part) for part in parts)
        return self.inflect(word) or self._compound(word) or _by_letters(word)

    def inflect(self, word: str) -> str | None:
        """Phoneme string of a word built from an entry and an ending (-s, -ed, -ing, -ly), or None."""
        for stem, ending in _stems(word):
            sound = self._entries.get(stem)
            if sound is not None:
                return _JOIN[ending](sound)
        return None

    def _name(self, word: str) -> str | None:
        name = self._entries.get(word.capitalize())
        if name is not None or self.inflect(word) is not None:
            return name
        for stem, ending in _stems(word):
            sound = self._entries.get(stem.capitalize()) if ending in ("", "s") else None
            if sound is not None:
                return _JOIN[ending](sound)
        return None

    def _compound(self, word: str) -> str | None:
        for cut in range(len(word) - _SHORTEST_PART, _SHORTEST_PART - 1, -1):
            first, second = self._entries.get(word[:cut]), self._entries.get(word[cut:])
            if first is not None and second is not None:
                return first + second.replace("ˈ", "ˌ")
        return None


def _is_spelled(previous: str) -> bool:
    return previous in _SPELLING_WORDS or (len(previous) == 1 and previous.isalpha() and previous not in "ai")


def _shows_a_letter(following: str) -> bool:
    """Whether "a" is a letter, which a mark or another letter follows; a word follows the article."""
    return len(following) == 1 and following != "i"


def _stems(word: str) -> Iterable[tuple[str, str]]:
    if word.endswith("'s"):
        yield word[:-2], "s"
    if word.endswith("s'"):
        yield word[:-1], ""
        yield word[:-2], "s"
    if word.endswith("s") and not word.endswith("ss"):
        yield word[:-1], "s"
        yield from ((word[:-3] + "y", "s"),) if word.endswith("ies") else ()
        yield from ((word[:-2], "s"),) if word.endswith("es") else ()
    if word.endswith("ed") and len(word) > 3:
        yield word[:-1], "ed"
        yield word[:-2], "ed"
        yield from ((word[:-3] + "y", "ed"),) if word.endswith("ied") else ()
        yield from ((word[:-3], "ed"),) if word[-3] == word[-4] else ()
    if word.endswith("ing") and len(word) > 5:
        yield word[:-3], "ing"
        yield word[:-3] + "e", "ing"
        yield from ((word[:-4], "ing"),) if word[-4] == word[-5] else ()
    if word.endswith("ly") and len(word) > 4:
        yield word[:-2], "ly"
    if word.endswith("in'"):
        yield word[:-1] + "g", ""


def _plural(sound: str) -> str:
    if sound[-1:] in _SIBILANT:
        return sound + "ᵻz"
    return sound + ("s" if sound[-1:] in _VOICELESS else "z")


def _past(sound: str) -> str:
    if sound[-1:] == "t":
        return (sound[:-1] + "T" if sound[-2:-1] in _FLAP_CONTEXT else sound) + "ᵻd"
    if sound[-1:] == "d":
        return sound + "ᵻd"
    return sound + ("t" if sound[-1:] in _VOICELESS | frozenset("sʃʧ") else "d")


def _progressive(sound: str) -> str:
    flap = sound[-1:] == "t" and sound[-2:-1] in _FLAP_CONTEXT
    return (sound[:-1] + "T" if flap else sound) + "ɪŋ"


_JOIN: Final[Mapping[str, Callable[[str], str]]] = {
    "": lambda sound: sound,
    "s": _plural,
    "ed": _past,
    "ing": _progressive,
    "ly": lambda sound: sound + ("i" if sound.endswith("l") else "li"),
}


def _by_letters(word: str) -> str:
    letters = [letter for letter in word if letter in LETTERS]
    if len(letters) == 1 or not any(letter in "aeiouy" for letter in letters):
        return " ".join(LETTERS[letter] for letter in letters)
    return letter_to_sound("".join(letters))
