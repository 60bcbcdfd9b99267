"""Numbers in English words, without hyphens and without "and". The text around a number is handled elsewhere."""

from typing import Final

_ONES: Final = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS: Final = ["zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SCALE_NAMES: Final = (
    "thousand", "million", "billion", "trillion", "quadrillion", "quintillion", "sextillion", "septillion",
    "octillion", "nonillion", "decillion", "undecillion", "duodecillion", "tredecillion", "quattuordecillion",
    "quindecillion", "sexdecillion", "septendecillion", "octodecillion", "novemdecillion", "vigintillion",
)  # fmt: skip
_SCALES: Final = (
    *((10 ** (3 * power), name) for power, name in reversed([*enumerate(_SCALE_NAMES, start=1)])),
    (100, "hundred"),
)
_IRREGULAR_ORDINALS: Final = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_LONGEST: Final = 66
LARGEST: Final = 10**_LONGEST - 1
"""The largest number that has a name here."""


def cardinal(number: int) -> str:
    """Words of a non-negative integer, without hyphens: 42 -> "forty two"; above `LARGEST` digit by digit."""
    if number > LARGEST:
        return one_by_one(str(number))
    for scale, name in _SCALES:
        if number >= scale:
            rest = number % scale
            return f"{cardinal(number // scale)} {name}" + (f" {cardinal(rest)}" if rest else "")
    if number < len(_ONES):
        return _ONES[number]
    return _TENS[number // 10] + (f" {_ONES[number % 10]}" if number % 10 else "")


def cardinal_of(digits: str) -> str:
    """Words of a string of decimal digits of any length, without leading zeros: "0042" -> "forty two"."""
    return cardinal(int(digits)) if len(digits) <= _LONGEST else one_by_one(digits)


def one_by_one(digits: str) -> str:
    """Digit by digit: "007" -> "zero zero seven"."""
    return " ".join(_ONES[int(digit)] for digit in digits)


def ordinal_of(digits: str) -> str:
    """Ordinal number: "21" -> "twenty first"."""
    *before, last = cardinal_of(digits).split()
    regular = last[:-1] + "ieth" if last.endswith("y") else last + "th"
    return " ".join([*before, _IRREGULAR_ORDINALS.get(last, regular)])


def year(number: int) -> str:
    """1989 -> nineteen eighty nine; 1900 -> nineteen hundred; 1905 -> nineteen oh five; 2005 -> two thousand five."""
    century, rest = divmod(number, 100)
    if century % 10 == 0 and rest < 10:
        return cardinal(number)
    return f"{cardinal(century)} {minutes(rest) if rest else 'hundred'}"


def minutes(number: int) -> str:
    """Two digits after an hour or a century: 5 -> oh five; 15 -> fifteen."""
    return f"oh {cardinal(number)}" if number < 10 else cardinal(number)
