"""Letter-to-sound rules for English words that no lexicon has: simple, deterministic, good enough to be understood.

This module handles letters and phonemes; it has no list of words.
"""

import re
from typing import Final

from duplex.model.text.phonemes import VOWELS

# fmt: off
LETTERS: Final = {
    "a": "ˈA", "b": "bˈi", "c": "sˈi", "d": "dˈi", "e": "ˈi", "f": "ˈɛf", "g": "ʤˈi",
    "h": "ˈAʧ", "i": "ˈI", "j": "ʤˈA", "k": "kˈA", "l": "ˈɛl", "m": "ˈɛm", "n": "ˈɛn",
    "o": "ˈO", "p": "pˈi", "q": "kjˈu", "r": "ˈɑɹ", "s": "ˈɛs", "t": "tˈi", "u": "jˈu",
    "v": "vˈi", "w": "dˈʌbᵊlju", "x": "ˈɛks", "y": "wˈI", "z": "zˈi",
}
# fmt: on
"""Names of the letters."""

_RULES: Final = [
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"tion\b|sion\b|cian\b", "ʃᵊn"),
        (r"ture\b", "ʧəɹ"),
        (r"(?<=[a-z])ious\b|(?<=[a-z])eous\b", "iəs"),
        (r"ous\b", "əs"),
        (r"ing\b", "ɪŋ"),
        (r"(?<=[a-z])le\b", "ᵊl"),
        (r"(?<=[aeiouy][a-z])er\b|(?<=[a-z]{2})er\b|(?<=[a-z]{2})or\b", "əɹ"),
        (r"(?<=[a-z]{2})ed\b", "d"),
        (r"\bkn|\bgn|\bpn", "n"),
        (r"\bwr", "ɹ"),
        (r"\bps", "s"),
        (r"\bx", "z"),
        (r"eigh", "A"),
        (r"igh", "I"),
        (r"ough", "O"),
        (r"augh", "ɔ"),
        (r"tch|ch", "ʧ"),
        (r"sch", "sk"),
        (r"sh", "ʃ"),
        (r"th", "θ"),
        (r"ph", "f"),
        (r"ck|cc(?=[^eiy])|cq", "k"),
        (r"dge|dg", "ʤ"),
        (r"qu", "kw"),
        (r"ng\b|ng(?=[^aeiouy])", "ŋ"),
        (r"nk", "ŋk"),
        (r"n(?=c[^eiyh]|x|q)", "ŋ"),
        (r"wh", "w"),
        (r"gh\b|gh(?=t)", ""),
        (r"gh", "ɡ"),
        (r"ai|ay|ei|ey(?=[a-z])", "A"),
        (r"ee|ea|ie(?=[a-z])", "i"),
        (r"oa|oe", "O"),
        (r"oo|ou(?=[lr])", "u"),
        (r"ou|ow(?=[a-z])", "W"),
        (r"ow\b", "O"),
        (r"oi|oy", "Y"),
        (r"au|aw", "ɔ"),
        (r"eu|ew|ue", "u"),
        (r"ar", "ɑɹ"),
        (r"or", "ɔɹ"),
        (r"er|ir|ur|yr", "ɜɹ"),
        (r"a(?=[bcdfgklmnpstvz]e\b)", "A"),
        (r"i(?=[bcdfgklmnpstvz]e\b)|y(?=[bcdfgklmnpstvz]e\b)", "I"),
        (r"o(?=[bcdfgklmnpstvz]e\b)", "O"),
        (r"u(?=[bcdfgklmnpstvz]e\b)", "u"),
        (r"(?<=[aeiouy])e\b|(?<=[bcdfghjklmnpqrstvwxz])e\b", ""),
        (r"a\b", "ə"),
        (r"o\b", "O"),
        (r"i\b", "i"),
        (r"u\b", "u"),
        (r"(?<=[a-z][bcdfghjklmnpqrstvwxz])y\b", "i"),
        (r"y\b", "I"),
        (r"y(?=[aeiou])", "j"),
        (r"c(?=[eiy])", "s"),
        (r"g(?=[eiy])", "ʤ"),
        (r"([bdfglmnprstzk])\1", r"\1"),
        (r"s(?<=[aeiou]s)(?=[aeiou])", "z"),
        (r"j", "ʤ"),
        (r"x", "ks"),
        (r"[cq]", "k"),
    )
]
_SINGLE: Final = dict(zip("abdefghiklmnoprstuvwyz", "æbdɛfɡhɪklmnɑpɹstʌvwɪz", strict=True))


def letter_to_sound(word: str) -> str:
    """Phoneme string of a lower-case word, with primary stress on its first full vowel."""
    sounds, at = [], 0
    while at < len(word):
        sound, at = _next_sound(word, at)
        sounds.append(sound)
    return _stress("".join(sounds))


def _next_sound(word: str, at: int) -> tuple[str, int]:
    for pattern, sound in _RULES:
        if match := pattern.match(word, at):
            plain = "".join(_SINGLE[letter] for letter in match.expand(sound)) if "\\" in sound else sound
            return plain, match.end()
    return _SINGLE.get(word[at], ""), at + 1


def _stress(sounds: str) -> str:
    full = [index for index, sound in enumerate(sounds) if sound in VOWELS and sound not in "əᵊᵻ"]
    place = full[0] if full else next((i for i, sound in enumerate(sounds) if sound in VOWELS), None)
    return sounds if place is None else f"{sounds[:place]}ˈ{sounds[place:]}"
