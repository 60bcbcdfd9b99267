"""Abbreviations in full: Dr., St., e.g., vs., Ave., No. 5, p. 12. Ambiguous ones depend on their context."""

import re
from typing import Final

from duplex.model.text.reading.rules import LEFT, STOP, Rule, Said, after, alternatives, before, rule

WORDS: Final = {"ok": "okay", "vs": "versus", "etc": "et cetera", "mr": "mister", "mrs": "missus"}
"""Whole words that are spoken differently, with or without a full stop."""
_ANYWHERE: Final = {
    "mr": "mister", "mrs": "missus", "vs": "versus", "etc": "et cetera", "e.g": "for example", "i.e": "that is",
    "o.k": "okay", "approx": "approximately", "ph.d": "p h d", "a.k.a": "also known as", "dept": "department",
    "prof": "professor", "ltd": "limited", "inc": "incorporated", "jr": "junior", "sr": "senior", "esp": "especially",
}  # fmt: skip
_BEFORE_NAMES: Final = {
    "Gen": "general", "Rep": "representative", "Rev": "reverend", "Sen": "senator", "Col": "colonel", "Fr": "father",
    "Lt": "lieutenant", "Sgt": "sergeant", "Capt": "captain", "Cpl": "corporal", "Maj": "major", "Gov": "governor",
    "Hon": "honorable", "Mt": "mount", "Ft": "fort", "Pres": "president", "Messrs": "messieurs", "Adm": "admiral",
}  # fmt: skip
_AFTER_NAMES: Final = {
    "Ave": "avenue", "Blvd": "boulevard", "Rd": "road", "Ln": "lane", "Hwy": "highway", "Co": "company",
    "Corp": "corporation", "Bros": "brothers", "Univ": "university", "Pkwy": "parkway", "Sq": "square",
}  # fmt: skip
_BEFORE_NUMBERS: Final = {
    "no": "number", "nos": "numbers", "fig": "figure", "figs": "figures", "vol": "volume", "ch": "chapter",
    "sec": "section", "p": "page", "pp": "pages", "eq": "equation", "art": "article", "ca": "circa",
    "ver": "version", "para": "paragraph",
}  # fmt: skip
_NAME_BEFORE: Final = re.compile(r"[A-Z][a-z]+ $")
_HOUSE_NUMBER: Final = re.compile(r"\d+[A-Za-z]? (?:[NSEW]\.? )?(?:[A-Z0-9][A-Za-z0-9]* ){1,3}$")
_PLACES: Final = {"st": ("saint", "street"), "dr": ("doctor", "drive")}


def plain_word(written: str) -> str:
    """A word of letters and apostrophes as it is spoken, in lower case."""
    lower = written.lower().rstrip("'")
    return WORDS.get(lower, lower)


def _with_stop(match: re.Match[str], words: str) -> str:
    """The full stop of an abbreviation also ends a sentence at the end of the text."""
    return f"{words} {STOP}" if not after(match).strip("\"')]*_") else words


def _anywhere(match: re.Match[str]) -> Said:
    return _with_stop(match, _ANYWHERE[match[1].lower()])


def _saint_or_street(match: re.Match[str]) -> Said:
    """St. Louis, Baker St.; Dr. Watson, Mulholland Dr."""
    title, place = _PLACES[match[1].lower()]
    follows_name, leads_name = _NAME_BEFORE.search(before(match)), re.match(r" [A-Z]", after(match))
    is_place = match[1][0].isupper() and (
        _HOUSE_NUMBER.search(before(match)) or (follows_name and not leads_name)
    )  # fmt: skip
    if not match[2] and not is_place and not (match[1][0].isupper() and leads_name):
        return None
    words = place if is_place else title
    return _with_stop(match, words) if match[2] else words


def _before_number(match: re.Match[str]) -> Said:
    return _BEFORE_NUMBERS[match[1].lower()]


def _initials(match: re.Match[str]) -> Said:
    letters = match.group().replace(".", " ").lower()
    return _with_stop(match, " ".join(letters.split())) if match.group().endswith(".") else " ".join(letters.split())


LETTER_RULES: Final[tuple[Rule, ...]] = (
    rule(rf"{LEFT}({alternatives([*_ANYWHERE])})\.(?![A-Za-z0-9])", _anywhere, re.IGNORECASE),
    rule(rf"{LEFT}({alternatives([*_PLACES])})\b(\.?)(?!['A-Za-z0-9])", _saint_or_street, re.IGNORECASE),
    rule(rf"{LEFT}({alternatives([*_BEFORE_NUMBERS])})\. ?(?=\d)", _before_number, re.IGNORECASE),
    rule(rf"{LEFT}({alternatives([*_BEFORE_NAMES])})\.(?= [A-Z])", lambda match: _BEFORE_NAMES[match[1]]),
    rule(
        rf"{LEFT}(?<=[A-Za-z0-9] )({alternatives([*_AFTER_NAMES])})\.(?![A-Za-z0-9])",
        lambda match: _with_stop(match, _AFTER_NAMES[match[1]]),
    ),
    rule(rf"{LEFT}(?:[A-Za-z]\.){{2,}}(?:[A-Za-z](?![A-Za-z0-9']))?", _initials),
    rule(rf"{LEFT}[A-Z]\.(?= [A-Z][a-z.])", lambda match: match.group()[0].lower()),
)
