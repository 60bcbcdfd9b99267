"""Numbers without units: cardinals, decimals, grouped and huge ones, ordinals, decades, fractions, powers, codes."""

import re
from typing import Final

from duplex.model.text.numbers import cardinal, cardinal_of, one_by_one, ordinal_of, year
from duplex.model.text.reading.rules import LEFT, RIGHT, Rule, Said, after, before, rule

NUMBER: Final = r"(?:\d{1,3}(?:,\d{2,3}){0,20},\d{3}(?!\d)|\d+)(?:\.\d+)?"
SCALES: Final = ("hundred", "thousand", "million", "billion", "trillion", "quadrillion")
FRACTIONS: Final = "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"
SUPERSCRIPTS: Final = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_FRACTION_VALUES: Final = (
    *("1/2", "1/3", "2/3", "1/4", "3/4", "1/5", "2/5", "3/5"),
    *("4/5", "1/6", "5/6", "1/8", "3/8", "5/8", "7/8"),
)
_FIRST_YEAR, _LAST_YEAR = 1100, 2099
_NAMED_DIGITS: Final = 9
_PARTS: Final = frozenset({*range(2, 11), 12, 16, 20, 32, 64, 100, 1000})
_VERSION: Final = re.compile(r"\b(?:version|release|python) $", re.IGNORECASE)
_CALL: Final = re.compile(r"\b(?:call|calls|called|calling|dial|dialed|dialing) $", re.IGNORECASE)
_STATE: Final = re.compile(r"\b[A-Z]{2} $")
_SET: Final = {"24/7": "twenty four seven", "9/11": "nine eleven", "50/50": "fifty fifty"}


def amount(written: str) -> str:
    """Words of an amount: 6,400 -> six thousand four hundred; 13.96 -> thirteen point nine six; 007 -> zero zero
    seven."""
    whole, _, decimals = written.partition(".")
    return f"{_whole(whole)} point {one_by_one(decimals)}" if decimals else _whole(whole)


def number(written: str) -> str:
    """Words of an amount, or of a year if it looks like one: 1989 -> nineteen eighty nine."""
    return year(int(written)) if is_year(written) else amount(written)


def is_year(written: str) -> bool:
    """Whether a number looks like a year."""
    return len(written) == 4 and written.isdecimal() and _FIRST_YEAR <= int(written) <= _LAST_YEAR


def code(digits: str) -> str:
    """Words of digits in a name: 221 -> two twenty one; 101 -> one oh one; 7700 -> seventy seven hundred; 31415 by
    digit."""
    if digits.startswith("0") or len(digits) > 4:
        return one_by_one(digits)
    if len(digits) == 3 and digits[1:] != "00":
        return f"{one_by_one(digits[0])} {'oh ' if digits[1] == '0' else ''}{cardinal(int(digits[1:]))}"
    return year(int(digits)) if len(digits) == 4 else cardinal(int(digits))


def fraction(upper: str, lower: str) -> str | None:
    """1/2 -> one half; 3/4 -> three quarters; None if a fraction is not spoken like that."""
    parts = int(lower[:5])
    if parts not in _PARTS or len(lower) > 4 or len(upper) > 3 or not 0 < int(upper) < parts:
        return None
    one = {2: "half", 4: "quarter"}.get(parts) or ordinal_of(lower)
    return f"{amount(upper)} {one if int(upper) == 1 else 'halves' if parts == 2 else one + 's'}"


def plural(words: str) -> str:
    """nineteen sixty -> nineteen sixties; one hundred -> hundreds."""
    words = words.removeprefix("one ") if words.endswith(("hundred", "thousand")) and words.count(" ") == 1 else words
    return words[:-1] + "ies" if words.endswith("y") else words + ("es" if words.endswith("x") else "s")


def _whole(written: str) -> str:
    digits = written.replace(",", "")
    if len(digits) > 1 and digits.startswith("0"):
        return one_by_one(digits)
    is_grouped = "," in written
    if len(digits) > _NAMED_DIGITS and not is_grouped and not digits.endswith("000000"):
        return one_by_one(digits)
    return cardinal_of(digits)


def _number(match: re.Match[str]) -> Said:
    written, left = match.group(), before(match)
    if written == "911" and _CALL.search(left):
        return one_by_one(written)
    if len(written) == 5 and written.isdecimal() and _STATE.search(left):
        return one_by_one(written)
    if "." in written and _VERSION.search(left):
        return " point ".join(cardinal_of(part) for part in written.split("."))
    return number(written)


def _code(match: re.Match[str]) -> Said:
    """Digits that touch letters, or follow letters and a hyphen."""
    left = before(match)
    touches = left[-1:].isalpha() or (left[-1:] == "-" and left[-2:-1].isalpha()) or after(match)[:1].isalpha()
    return code(match.group()) if touches else None


def _fraction(match: re.Match[str]) -> Said:
    known = _SET.get(match.group()) or fraction(match[1], match[2])
    return None if known is None else _mix(match, known)


def _fraction_sign(match: re.Match[str]) -> Said:
    upper, lower = _FRACTION_VALUES[FRACTIONS.index(match.group())].split("/")
    return _mix(match, fraction(upper, lower) or "")


def _mix(match: re.Match[str], words: str) -> str:
    """After a whole number: 2 1/2 -> two and a half."""
    is_mixed = re.search(r"(?<![\d/.])\d{1,3} ?$", before(match))
    return f"and {'a half' if words == 'one half' else words}" if is_mixed else words


def _power(match: re.Match[str]) -> Said:
    digits = "".join(str(SUPERSCRIPTS.index(sign)) for sign in match["digits"])
    if not re.search(r"(?:[\d)\]]|\b[A-Za-z])$", before(match)):
        return amount(digits)
    return power(digits, bool(match["minus"]))


def power(digits: str, negative: bool = False) -> str:
    """Words after a base: 2 -> squared; 3 -> cubed; 10 -> to the power of ten."""
    known = {"2": "squared", "3": "cubed"}.get(digits)
    if known and not negative:
        return known
    return f"to the power of {'minus ' if negative else ''}{amount(digits)}"


DIGIT_RULES: Final[tuple[Rule, ...]] = (
    rule(rf"{LEFT}(\d[\d,]*)(?:st|nd|rd|th){RIGHT}", lambda match: ordinal_of(match[1].replace(",", ""))),
    rule(rf"{LEFT}(\d+0|\d{{2,}}|0)'?s{RIGHT}", lambda match: plural(number(match[1]))),
    rule(rf"{LEFT}(?<![\d/.,])(\d{{1,4}})/(\d{{1,4}})(?![\d/]|[.,]\d)", _fraction),
    rule(r"\d+(?!\d|[.,]\d)", _code),
    rule(NUMBER, _number),
    rule(r"\d+", lambda match: amount(match.group())),
)
SIGN_RULES: Final[tuple[Rule, ...]] = (
    rule(rf"[{FRACTIONS}]", _fraction_sign),
    rule(rf"(?P<minus>⁻?)(?P<digits>[{SUPERSCRIPTS}]+)", _power),
    rule(r"\^ ?(-?)(\d+)(?![.,]?\d)", lambda match: power(match[2], bool(match[1]))),
    rule(r"(?<![\dA-Za-z])\.(?=\d)", "point"),
)
