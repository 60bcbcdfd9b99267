"""Signs between numbers and words: arithmetic, comparison, punctuation. Dashes have a file of their own."""

import re
from typing import Final

from duplex.model.text.reading.amounts import NUMBER
from duplex.model.text.reading.rules import COMMA, STOP, Rule, Said, after, alternatives, before, rule
from duplex.model.text.reading.units import FOLLOWS, UNIT

_LEFT_OPERAND: Final = re.compile(r"(?:[\d²³%°)π½⅓¼¾]|\bpi|\b[A-Za-z])\s*$")
_RIGHT_OPERAND: Final = re.compile(r"\s?(?:[-−(√$£€]{0,2}[\d½⅓¼¾.]|[A-Za-z](?![A-Za-z'])|pi\b)")


def _times(match: re.Match[str]) -> Said:
    left, right = before(match), after(match)
    has_number = re.search(r"[\d)²³½]\s?$", left) or re.match(r"\s?[-−(√]?\.?\d", right)
    fits = has_number and _LEFT_OPERAND.search(left) and _RIGHT_OPERAND.match(right)
    if not fits or left[-1:].isspace() != right[:1].isspace():
        return ""
    return "to the power of" if match.group() == "**" else "times"


def _cross(match: re.Match[str]) -> Said:
    """x between numbers; "by" between the sides of an area or a space."""
    left, right = before(match), after(match)
    number, other = re.search(rf"({NUMBER})(?: ?(?:{UNIT}))?\s?$", left), re.match(rf"\s?[-−]?({NUMBER})", right)
    if not number or not other or left[-1:].isspace() != right[:1].isspace():
        return None
    is_size = re.match(rf"\s?{NUMBER}(?: ?[x×] ?{NUMBER})?{FOLLOWS}", right) is not None
    is_size = is_size or re.search(rf"{NUMBER} ?(?:{UNIT}) $", left) is not None
    is_screen = not left[-1:].isspace() and min(len(number[1]), len(other[1])) >= 3
    return "by" if is_size or is_screen else "times"


def _as_often(match: re.Match[str]) -> Said:
    """10x faster."""
    return "times" if re.search(r"\d$", before(match)) and re.match(r"(?: [a-z]|[.!?]?$)", after(match)) else None


def _slash(match: re.Match[str]) -> Said:
    left, right = before(match), after(match)
    if _LEFT_OPERAND.search(left) and _RIGHT_OPERAND.match(right) and re.search(r"[\d)²³½¼¾]\s?$", left):
        number = re.search(r"(?<![\d.,])\d+$", left)
        if number and re.match(rf"{number.group()}(?![\d.,])", right):
            return "out of"
        return "divided by" if re.match(r"\s?[-−($]?[\d.½¼¾]", right) or left[-1:].isspace() else "per"
    if re.search(r"\d[%\"]?$", left) or re.search(r"[$£€¥]\s?[\d.,]+(?: [a-z]+)?$", left):
        return "per" if re.match(r"[a-z]", right) else ""
    return ""


def _less(match: re.Match[str]) -> Said:
    """< and > are read only between numbers or spaces, so that tags and arrows stay silent."""
    fits = re.match(r"\s?[-−$£€]?\.?\d|\s[a-zA-Z]", after(match))
    if not fits or not re.search(r"(?:^|[\s\d(])$", before(match)):
        return None
    return {"<": "less than", ">": "greater than"}[match.group()]


def _equals(match: re.Match[str]) -> Said:
    return "" if len(match.group()) > 3 else "equals"


def _about(match: re.Match[str]) -> Said:
    is_between = _LEFT_OPERAND.search(before(match)) is not None
    return "is approximately" if is_between else "about"


def _tilde(match: re.Match[str]) -> Said:
    return "about" if re.match(r"[$£€]?\d", after(match)) and not before(match)[-1:].isalnum() else ""


def _number_sign(match: re.Match[str]) -> Said:
    left = before(match)
    if re.search(r"\b[A-GJ]$", left):
        return "sharp"
    return "number" if after(match)[:1].isdecimal() else ""


def _stop(match: re.Match[str]) -> Said:
    """A full stop is punctuation unless it is within a word."""
    inside = before(match)[-1:].isalnum() and re.match(r"[a-z\d]", after(match))
    return "" if inside else match.group()


_WORDS: Final = {
    "+": "plus", "&": "and", "%": "percent", "×": "times", "÷": "divided by", "@": "at", "±": "plus or minus",
    "√": "the square root of", "∞": "infinity", "≠": "does not equal", "≤": "less than or equal to",
    "≥": "greater than or equal to", "<=": "less than or equal to", ">=": "greater than or equal to",
    "!=": "does not equal", "&&": "and", "‰": "per thousand", "§": "section", "µ": "mu", "^": "to the power of",
}  # fmt: skip

SIGN_RULES: Final[tuple[Rule, ...]] = (
    rule(r"(?:->|=>|<-|→)", COMMA),
    rule(alternatives([sign for sign in _WORDS if len(sign) > 1 and sign != "^"]), lambda match: _WORDS[match.group()]),
    rule(r"_{2,}|~{2,}|`+|\|+", ""),
    rule(r"\*\*?|[·⋅∙]", _times),
    rule(r"×", lambda match: _cross(match) or "times"),
    rule(r"/", _slash),
    rule(r"[<>]", _less),
    rule(r"=+", _equals),
    rule(r"≈", _about),
    rule(r"~", _tilde),
    rule(r"#", _number_sign),
    rule(r"\^(?=\s*[A-Za-z(])", "to the power of"),
    rule(
        alternatives([sign for sign in _WORDS if len(sign) == 1 and sign != "^"]), lambda match: _WORDS[match.group()]
    ),
    rule(r"[?!,]", lambda match: match.group()),
    rule(r"\.{2,}|…", STOP),
    rule(r"\.", _stop),
    rule(r"[:;](?=\s|$)|[()]", COMMA),
)
LETTER_RULES: Final[tuple[Rule, ...]] = (rule(r"[xX](?=\s?[-−]?\d)", _cross), rule(r"[xX](?![A-Za-z0-9])", _as_often))
