"""Numbers that are names: telephone numbers, versions, network addresses, social security numbers."""

import re
from typing import Final

from duplex.model.text.numbers import cardinal_of, one_by_one
from duplex.model.text.reading.amounts import amount, code
from duplex.model.text.reading.rules import LEFT, Rule, Said, SaidPart, rule

_PHONES: Final = (
    r"\+\d{1,3}(?:[ .-]?\(?\d{1,4}\)?){2,6}",
    r"(?:1[ .-])?\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}",
    r"1-\d{3}-\d{3}-\d{4}",
    r"\d{3}-\d{4}",
    r"\d{3}-\d{2}-\d{4}",
)
_END: Final = r"(?![\d-]|[.,]\d)"
_NETWORK_PARTS: Final = 4


def _digits(match: re.Match[str]) -> Said:
    """Read digit by digit, each where it is written, with a pause between groups."""
    parts: list[SaidPart] = []
    for group in re.finditer(r"\+|\d+|[^\d+]+", match.group()):
        words = {"+": "plus"}.get(group.group()) or (one_by_one(group.group()) if group.group().isdecimal() else "")
        parts.append((match.start() + group.end(), words))
    return parts


def _version(match: re.Match[str]) -> Said:
    parts = match["parts"].split(".")
    if len(parts) == _NETWORK_PARTS and not match["v"]:
        return " dot ".join(code(part) for part in parts)
    return ("version " if match["v"] else "") + " point ".join(_part(part) for part in parts)


def _part(digits: str) -> str:
    return amount(digits) if digits.startswith("0") else cardinal_of(digits)


_VERSION: Final = r"(?P<parts>\d+(?:\.\d+){2,})(?!\d)"

DIGIT_RULES: Final[tuple[Rule, ...]] = (
    *(rule(rf"{LEFT}(?<![\d.]-){phone}{_END}", _digits) for phone in _PHONES[1:]),
    rule(rf"{LEFT}(?<![\d.])(?P<v>){_VERSION}", _version),
)
LETTER_RULES: Final[tuple[Rule, ...]] = (
    rule(rf"{LEFT}(?P<v>[vV])\.? ?{_VERSION}", _version),
    rule(rf"{LEFT}(?P<v>v)(?P<parts>\d+\.\d+){_END}(?![A-Za-z])", _version),
)
SIGN_RULES: Final[tuple[Rule, ...]] = (
    rule(rf"(?<![\w)]){_PHONES[0]}{_END}", _digits),
    rule(rf"(?<![\w)])\(\d{{3}}\)[ .-]?\d{{3}}[ .-]\d{{4}}{_END}", _digits),
)
