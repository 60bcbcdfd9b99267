"""Pronunciations of names and rare words that the lexicon's own dictionary lacks, from the CMU Pronouncing Dictionary.

Their notation, ARPAbet, is converted to the alphabet of `duplex.model.text.phonemes`.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from duplex.model.text.lexicon import Lexicon

_WORD: Final = re.compile(r"[a-z][a-z']*[a-z]")
_SOUNDS: Final = {
    "AA": "ɑ", "AE": "æ", "AH": "ʌ", "AO": "ɔ", "AW": "W", "AY": "I", "EH": "ɛ", "ER": "ɜɹ", "EY": "A", "IH": "ɪ",
    "IY": "i", "OW": "O", "OY": "Y", "UH": "ʊ", "UW": "u", "B": "b", "CH": "ʧ", "D": "d", "DH": "ð", "F": "f",
    "G": "ɡ", "HH": "h", "JH": "ʤ", "K": "k", "L": "l", "M": "m", "N": "n", "NG": "ŋ", "P": "p", "R": "ɹ", "S": "s",
    "SH": "ʃ", "T": "t", "TH": "θ", "V": "v", "W": "w", "Y": "j", "Z": "z", "ZH": "ʒ",
}  # fmt: skip
_UNSTRESSED: Final = {"AH": "ə", "ER": "əɹ"}
_STRESS: Final = {"0": "", "1": "ˈ", "2": "ˌ"}
_SYLLABIC: Final = frozenset({("L", ""), ("N", "")})
"""What follows a vowel that is hardly heard, up to the end of the word."""
_ALIKE: Final = str.maketrans("ɪᵻᵊʌT", "ə" * 4 + "t", "ˈˌ")
_DENTAL: Final = frozenset({"T", "D", "S"})


def add_names(lexicon: Lexicon, dictionary: Iterable[str], known: Collection[str]) -> int:
    """Add what `dictionary` has and neither `lexicon` nor `known` have; returns how many.

    Args:
        lexicon: gets the words as names (`Lexicon.add_name`).
        dictionary: lines "word PH0 PH1", as in cmudict.dict; "word(2)" is a further pronunciation and left out.
        known: words whose pronunciation follows from the lexicon's rules.
    """
    added = 0
    for word, phones in _entries(dictionary):
        sound = to_phonemes(phones)
        if word not in lexicon and word not in known and _plain(sound) != _plain(lexicon.phonemes(word)):
            lexicon.add_name(word, sound)
            added += 1
    return added


def to_phonemes(phones: Iterable[str]) -> str:
    """Phoneme string of ARPAbet phones: ["L", "AO1", "S"] -> "lˈɔs"."""
    padded = ["", *phones, "", ""]
    return "".join(_sound(*padded[at - 1 : at + 3]) for at in range(1, len(padded) - 2))


def _plain(phonemes: str) -> str:
    """What two dictionaries agree on: the sounds without stress and without degrees of reduction."""
    return phonemes.translate(_ALIKE)


def _sound(before: str, phone: str, after: str, second: str) -> str:
    """One phone between its neighbours: vowels are reduced and "t" is flapped as American speakers do."""
    sound, stress = phone.rstrip("012"), phone[-1] if _is_vowel(phone) else ""
    is_syllabic = phone == "AH0" and (after, second) in _SYLLABIC and (after == "L" or before in _DENTAL)
    if is_syllabic:
        return "ᵊ"
    follows_vowel = _is_vowel(before) or before == "R"
    if phone == "T" and follows_vowel and after.endswith("0") and (after, second) != ("AH0", "N"):
        return "T"
    reduced = _UNSTRESSED.get(sound) if stress == "0" else None
    return _STRESS.get(stress, "") + (reduced or _SOUNDS[sound])


def _is_vowel(phone: str) -> bool:
    return phone[-1:].isdecimal()


def _entries(dictionary: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    for line in dictionary:
        word, *phones = line.partition("#")[0].split() or [""]
        if _WORD.fullmatch(word) and any(_is_vowel(phone) for phone in phones) and not _is_spelled(word, phones):
            yield word, phones


def _is_spelled(word: str, phones: list[str]) -> bool:
    """Whether the word is said letter by letter, as "aol": how that is said does not depend on a dictionary."""
    return sum(_is_vowel(phone) for phone in phones) >= len(word)
