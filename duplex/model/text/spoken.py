"""Text as it is spoken: lower-case words of letters and apostrophes, numbers and signs as words.

Every written word is turned by itself, so the words of a sentence do not depend on where it was cut. Knows English
writing; knows nothing of audio or models.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import Final

from duplex.model.text.numbers import cardinal

_SIGNS: Final = {
    "+": "plus",
    "=": "equals",
    "&": "and",
    "%": "percent",
    "×": "times",
    "÷": "divided by",
    "@": "at",
    "°": "degrees",
}
_MONEY: Final = {"$": "dollar", "£": "pound", "€": "euro"}
_SHORT: Final = {
    "mr.": "mister",
    "mrs.": "missus",
    "dr.": "doctor",
    "st.": "saint",
    "ok": "okay",
    "o.k.": "okay",
    "vs.": "versus",
    "etc.": "et cetera",
}
_IRREGULAR: Final = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_FIRST_YEAR, _LAST_YEAR = 1100, 2099
_TOKEN: Final = re.compile(
    r"(?P<money>[$£€]\d[\d,]*(?:\.\d\d)?)"
    r"|(?P<clock>\d{1,2}:\d\d)"
    r"|(?P<ordinal>\d[\d,]*(?:st|nd|rd|th)\b)"
    r"|(?P<decade>\d*0s\b)"
    r"|(?P<number>\d[\d,]*(?:\.\d+)?)"
    r"|(?P<letters>(?:[a-z]\.){2,})"
    r"|(?P<word>[a-z]+(?:'[a-z]+)*'?)"
    r"|(?P<sign>[+=&%×÷@°])"
)


def spoken_words(text: str) -> list[str]:
    """Words as they are said: "It's 2+2, Dr. O'Neill!" -> it's two plus two doctor o'neill."""
    return [word for written in _plain(text).split() for word in _written_word(written)]


def _plain(text: str) -> str:
    """Lower case, straight apostrophes, letters without accents."""
    text = text.replace("’", "'").replace("‘", "'").lower()
    return "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))


def _written_word(written: str) -> list[str]:
    bare = written.strip("\"'()[],!?;:…")
    short = _SHORT.get(bare) or _SHORT.get(bare.rstrip("."))
    if short is not None:
        return short.split()
    return [word for match in _TOKEN.finditer(bare) for word in _READERS[str(match.lastgroup)](match.group())]


def _number(digits: str) -> list[str]:
    whole, _, decimals = digits.partition(".")
    if not decimals:
        return _whole(whole)
    return [*_whole(whole), "point", *(cardinal(int(digit)) for digit in decimals)]


def _whole(digits: str) -> list[str]:
    number = int(digits.replace(",", ""))
    if len(digits) > 1 and digits.startswith("0"):
        return [cardinal(int(digit)) for digit in digits if digit != ","]
    is_year = "," not in digits and _FIRST_YEAR <= number <= _LAST_YEAR
    return _year(number) if is_year else cardinal(number).split()


def _year(year: int) -> list[str]:
    """1989 -> nineteen eighty nine; 1900 -> nineteen hundred; 2005 -> two thousand five; 2024 -> twenty twenty four."""
    century, rest = divmod(year, 100)
    if century == 20 and rest < 10:
        return cardinal(year).split()
    tail = ["hundred"] if rest == 0 else (["oh"] if rest < 10 else []) + cardinal(rest).split()
    return [*cardinal(century).split(), *tail]


def _ordinal(written: str) -> list[str]:
    words = cardinal(int(written[:-2].replace(",", ""))).split()
    last = words[-1]
    regular = last[:-1] + "ieth" if last.endswith("y") else last + "th"
    return [*words[:-1], _IRREGULAR.get(last, regular)]


def _decade(written: str) -> list[str]:
    words = _whole(written[:-1])
    last = words[-1]
    return [*words[:-1], last[:-1] + "ies" if last.endswith("y") else last + "s"]


def _money(written: str) -> list[str]:
    unit = _MONEY[written[0]]
    whole, _, cents = written[1:].partition(".")
    amount = int(whole.replace(",", ""))
    words = [*cardinal(amount).split(), unit if amount == 1 else unit + "s"]
    if int(cents or 0):
        words += ["and", *cardinal(int(cents)).split(), "cents"]
    return words


def _clock(written: str) -> list[str]:
    hour, minute = (int(part) for part in written.split(":"))
    if minute == 0:
        return [*cardinal(hour).split(), "o'clock"]
    return [*cardinal(hour).split(), *(["oh"] if minute < 10 else []), *cardinal(minute).split()]


_READERS: Final[dict[str, Callable[[str], list[str]]]] = {
    "money": _money,
    "clock": _clock,
    "ordinal": _ordinal,
    "decade": _decade,
    "number": _number,
    "letters": lambda letters: letters.replace(".", " ").split(),
    "word": lambda word: [word.rstrip("'")],
    "sign": lambda sign: _SIGNS[sign].split(),
}
