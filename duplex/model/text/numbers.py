"""Cardinal numbers in English words. Knows integers below one billion."""

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
_SCALES: Final = ((1_000_000, "million"), (1_000, "thousand"), (100, "hundred"))
LARGEST: Final = 999_999_999


def cardinal(number: int) -> str:
    """Words of a non-negative integer, without hyphens: 42 -> "forty two"; above `LARGEST` digit by digit."""
    if number > LARGEST:
        return " ".join(_ONES[int(digit)] for digit in str(number))
    for scale, name in _SCALES:
        if number >= scale:
            rest = number % scale
            return f"{cardinal(number // scale)} {name}" + (f" {cardinal(rest)}" if rest else "")
    if number < len(_ONES):
        return _ONES[number]
    return _TENS[number // 10] + (f" {_ONES[number % 10]}" if number % 10 else "")
