"""Words of letters: acronyms that are spelled, Roman numerals, letters next to digits, and plain words."""

import re
from typing import Final

from duplex.model.text.numbers import cardinal, ordinal_of
from duplex.model.text.reading.abbreviations import plain_word
from duplex.model.text.reading.rules import LEFT, RIGHT, Rule, Said, after, before, rule
from duplex.model.text.reading.times_of_day import SHORT_DAYS, SHORT_MONTHS
from duplex.model.text.reading.units import UNITS

_SPELLED: Final = frozenset(
    {
        "ABC", "AC", "ADHD", "AI", "API", "ATM", "AWS", "BBC", "BCE", "CEO", "CFO", "CIA", "CIO", "CLI", "CPU", "CTO",
        "DIY", "DNA", "DOI", "DVD", "ECB", "ECG", "EEG", "EKG", "EU", "FAQ", "FBI", "FM", "GPA", "GPU", "GUI",
        "IBM", "ID", "IDE", "IEEE", "IMF", "IOU", "IP", "IPA", "IPO", "IQ", "IRS", "ISO", "IVF", "JFK", "KPI",
        "MIT", "MRI", "NBA", "NFL", "NGO", "NHL", "NYC", "OCR", "OECD", "OS", "PHP", "PM", "RNA", "ROI", "SEO",
        "SQL", "SUV", "TV", "UAE", "UFO", "UI", "UK", "UN", "URL", "USA", "USB", "USD", "USSR", "UV", "UX",
        "VIP", "VPN"
    }
)  # fmt: skip
_NOT_QUICK: Final = frozenset({*UNITS, *SHORT_MONTHS, *SHORT_DAYS, "sq", "cu", "in", "st", "St", "dr", "Dr"})
_LONGEST_SPELLED: Final = 6
_WINDOW: Final = 40
_UNSPEAKABLE: Final = re.compile(
    r"[AEIOU](?!CE|CH|CK|CT|DD|DS|FF|FT|GG|GH|GS|LB|LD|LF|LK|LL|LM|LP|LS|LT|MB|MP|MS|ND|NG|NK|NN|NS|NT|PE|PS|PT|"
    r"R.|SH|SK|SM|SP|SS|ST|TH|TS|W.|XT|ZZ)[BCDFGHJKLMNPQRSTVWXZ]{2,3}"
)
"""A vowel and consonants with which no syllable ends."""
_ERAS: Final = frozenset({"AD", "CE"})
_ROMAN: Final = re.compile(r"M{0,3}(CM|CD|D?C{0,3})(XC|XL|L?X{0,3})(IX|IV|V?I{0,3})")
_ROMAN_VALUES: Final = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
_PARTS: Final = (
    "War|Part|Chapter|Volume|Act|Scene|Book|Section|Type|Phase|Title|Article|Class|Level|Stage|Bowl|Appendix|Unit|Grade|"
    "Episode|Season|Mark|Apollo|Rocky|Category|Group|Series|Figure|Table"
)
_RULERS: Final = (
    "Henry|Louis|Charles|Elizabeth|George|Edward|James|William|Richard|Philip|Francis|Frederick|Napoleon|Pius|Benedict|"
    "Paul|John|Leo|Gregory|Clement|Innocent|Urban|Alexander|Nicholas|Peter|Catherine|Mary|Ramses|Ramesses|Ptolemy|"
    "Christian|Gustav|Karl|Felipe|Carlos|Juan|Wilhelm|Otto|Ivan|Umberto|Constantine|Theodosius|Cleopatra|Victor|Harald"
)
_AFTER_PART: Final = re.compile(rf"\b(?:{_PARTS}) $")
_AFTER_RULER: Final = re.compile(rf"\b(?:{_RULERS})(?: [A-Z][a-z]+)? $")
_AFTER_NAME: Final = re.compile(r"\b[A-Z][a-z]+ $")


def _acronym(match: re.Match[str]) -> Said:
    """Letter by letter if hardly a syllable (PDF, ICN), usually spelled (AI) or an era (AD 476), but not in a text that
    is all in capitals."""
    letters, ending = match[1], match[2]
    has_vowel = re.search("[AEIOUY]", letters)
    is_era = letters in _ERAS and (re.match(r" \d", after(match)) or re.search(r"(?:\d|\bcentury) $", before(match)))
    is_strange = (not has_vowel and len(letters) <= _LONGEST_SPELLED) or _UNSPEAKABLE.fullmatch(letters)
    is_spelled = letters in _SPELLED or is_era or is_strange
    if not is_spelled or _is_shouted(match):
        return None
    spelled = " ".join(letters.lower())
    return f"{spelled}'s" if ending else spelled


def _is_shouted(match: re.Match[str]) -> bool:
    text = match.string
    around = text[max(match.start() - _WINDOW, 0) : match.end() + _WINDOW]
    return not re.search("[a-z0-9]", around) and len(re.findall("[A-Z]{2,}", around)) > 1


def _roman(match: re.Match[str]) -> Said:
    """World War II, Henry VIII, Chapter IV; after other names only numerals made of I, V and X."""
    numeral, left = match.group(), before(match)
    if not _ROMAN.fullmatch(numeral):
        return None
    value = str(_roman_value(numeral))
    if _AFTER_RULER.search(left) and (numeral != "I" or after(match).startswith(" of ")):
        return f"the {ordinal_of(value)}"
    is_plain = len(numeral) > 1 and set(numeral) <= set("IVX") and set(numeral) != {"X"} and _AFTER_NAME.search(left)
    if _AFTER_PART.search(left) and (numeral != "I" or not re.match(r" [a-z']|'", after(match))):
        return cardinal(int(value))
    return cardinal(int(value)) if is_plain else None


def _roman_value(numeral: str) -> int:
    values = [_ROMAN_VALUES[sign] for sign in numeral]
    following = [*values[1:], 0]
    return sum(-value if value < after else value for value, after in zip(values, following, strict=True))


def _is_beside_digits(match: re.Match[str]) -> Said:
    """Letters of a name with digits: MP3, H2O; words stay words (COVID-19)."""
    letters = match.group()
    touches = before(match)[-1:].isdecimal() or after(match)[:1].isdecimal() or re.match(r"-\d", after(match))
    has_vowel = re.search("[aeiouyAEIOUY]", letters)
    is_short = len(letters) <= 3 and letters.isupper()
    return " ".join(letters.lower()) if touches and (is_short or (not has_vowel and len(letters) <= 4)) else None


def _quick(match: re.Match[str]) -> Said:
    """Most words need no rule: they are neither units nor abbreviations, and a space or a mark follows."""
    word = match.group()
    if word in _NOT_QUICK or any(sign.isdecimal() for sign in before(match)[-2:]):
        return None
    return plain_word(word)


QUICK: Final = rule(rf"{LEFT}[A-Za-z][a-z']*[a-z](?=[\s,?!]|$)", _quick)
LETTER_RULES: Final[tuple[Rule, ...]] = (
    rule(rf"{LEFT}[IVXLCDM]+(?![A-Za-z0-9'.]\w|[A-Za-z0-9])", _roman),
    rule(rf"{LEFT}([A-Z]{{2,}})(s|'s)?{RIGHT}(?!')", _acronym),
    rule(r"[A-Za-z]+(?!['A-Za-z])", _is_beside_digits),
    rule(r"µ", "micro"),
    rule(r"[A-Za-z]+(?:'[A-Za-z]+)*'?", lambda match: plain_word(match.group())),
)
