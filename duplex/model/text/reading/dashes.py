"""Hyphens and dashes: minus (7 - 3, -5), to (5-10, May–June), a pause (yes — no), or nothing (well-known, 555-1234).

Between numbers the same sign may mean any of these; the context decides.
"""

import re
from typing import Final

from duplex.model.text.clock_words import DAYS, MONTHS
from duplex.model.text.reading.amounts import FRACTIONS, NUMBER, is_year
from duplex.model.text.reading.rules import COMMA, Rule, Said, after, alternatives, before, rule
from duplex.model.text.reading.units import FOLLOWS

_OPERATORS: Final = r"+\-*/=×÷^−–·⋅xX"
_LEFT: Final = re.compile(rf"(?P<number>{NUMBER}|[{FRACTIONS}])(?: ?%|[²³°)\]]|°[CF])*(?P<gap>\s?)$")
_RIGHT_NUMBER: Final = re.compile(rf"\s?[$£€¥(√−-]?(?P<number>\.?{NUMBER}|[{FRACTIONS}])")
_ASKED: Final = re.compile(
    r"\b(?:what is|what's|whats|how much is|how much's|calculate|compute|solve|work out|evaluate|equals)"
    rf"\s*[(\d.,\s{_OPERATORS}]*$",
    re.IGNORECASE,
)
_GOES_ON: Final = re.compile(r"[\d.,\s)]*(?:[+*=×÷^]|\bequals\b)")
_CAME_FROM: Final = re.compile(r"[+*=×÷^(]\s?[\d.,\s-]*$")
_ALONE: Final = re.compile(rf"[\d.,\s()?!{_OPERATORS}]+")
_RANGED: Final = re.compile(r"\b(?:pages?|pp\.?|ages?|aged|chapters?|lines?|verses?|from|between|rows?|days?) $", re.I)
_NAMES: Final = alternatives([name.title() for name in (*MONTHS, *DAYS)])
_NAME_BEFORE: Final = re.compile(rf"\b(?:{_NAMES})\s?$")
_NAME_AFTER: Final = re.compile(rf"\s?(?:{_NAMES})\b")
_MINUS, _TO = "minus", "to"
_LONGEST_TERM: Final = 200


def _dash(match: re.Match[str]) -> Said:
    """minus, to, a pause, or nothing."""
    left, right = before(match), after(match)
    number, other = _LEFT.search(left), _RIGHT_NUMBER.match(right)
    if other and (number or re.search(r"\b[a-z]\s$", left)) and _touches(left, right):
        return _between(match, number, other["number"])
    if re.match(r"[$£€¥]?\.?\d|[½¼¾√π]", right) and (not left or left[-1] in " \t\n([{=<>≤≥≈*+×÷/^,:;\"'"):
        return _MINUS
    if _NAME_BEFORE.search(left) and _NAME_AFTER.match(right):
        return _TO
    if match.group() == "−" or (_variable(left) and _variable_follows(right)):
        return _MINUS
    return _pause(match)


def _touches(left: str, right: str) -> bool:
    """Whether there is space on both sides or on neither; "7 -3" is a difference, too."""
    return left[-1:].isspace() or not right[:1].isspace()


def _between(match: re.Match[str], left: re.Match[str] | None, right: str) -> str:
    """Between two numbers."""
    if match.group() == "−" or left is None or _ASKED.search(before(match)):
        return _MINUS
    number = left["number"]
    is_span = is_year(number) and right.isdecimal() and (len(right) == 2 or (is_year(right) and number < right))
    if is_span or _both(r"\d:\d\d\s?(?:[ap]\.?m\.?\s?)?$", r"\s?\d{1,2}:\d\d", match):
        return _TO
    if _is_arithmetic(match):
        return _MINUS
    is_spaced = bool(left["gap"])
    if is_spaced:
        return _TO if _means_range(match, left, right) else _MINUS
    if match.group() == "-" and (re.search(r"\d-$", before(match)[: left.start()]) or _chain(match)):
        return ""
    return _TO


def _means_range(match: re.Match[str], left: re.Match[str], right: str) -> bool:
    rest = after(match).lstrip()
    follows = re.match(rf"[$£€¥]?{NUMBER}(?:{FOLLOWS})", rest) and not _rises(right, left["number"])
    money = re.search(r"[$£€¥]", rest[:1])
    return bool(_RANGED.search(before(match)[: left.start()]) or follows or money)


def _chain(match: re.Match[str]) -> bool:
    """Whether this is a row of numbers, such as 555-12-34 or 4-3-3."""
    return bool(re.match(r"\d+-\d", after(match)) or re.search(r"\d-\d+$", before(match)))


def _is_arithmetic(match: re.Match[str]) -> bool:
    left, right = before(match), after(match)
    if _GOES_ON.match(right) or _CAME_FROM.search(left):
        return True
    return not _chain(match) and match.group() != "–" and _stands_alone(match) and not _is_range_alone(match)


def _stands_alone(match: re.Match[str]) -> bool:
    text = match.string.strip()
    return len(text) <= _LONGEST_TERM and _ALONE.fullmatch(text) is not None


def _is_range_alone(match: re.Match[str]) -> bool:
    """Whether 5-10 by itself is a range: it rises and has no spaces."""
    left, right = _LEFT.search(before(match)), _RIGHT_NUMBER.match(after(match))
    return bool(left and right and not left["gap"] and _rises(left["number"], right["number"]))


def _rises(left: str, right: str) -> bool:
    """Whether two whole numbers rise."""
    return (left + right).isdecimal() and (len(left), left) < (len(right), right)


def _both(left: str, right: str, match: re.Match[str]) -> bool:
    return bool(re.search(left, before(match)) and re.match(right, after(match)))


def _variable(left: str) -> bool:
    return re.search(r"(?:\d|\b[b-hj-z])\s$", left) is not None


def _variable_follows(right: str) -> bool:
    return re.match(r"\s(?:\d|[b-hj-z]\b(?!'))", right) is not None


def _pause(match: re.Match[str]) -> str:
    is_hyphen = match.group() == "-"
    is_spaced = before(match)[-1:].isspace() and after(match)[:1].isspace()
    return COMMA if is_spaced or not is_hyphen else ""


SIGN_RULES: Final[tuple[Rule, ...]] = (rule(r"->", COMMA), rule(r"-{2,}", ""), rule(r"[-–—−]", _dash))
