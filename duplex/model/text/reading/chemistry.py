"""Chemical symbols and formulas, letter by letter: the symbol for gold is Au, iron (Fe), NaCl, MoS2."""

import re
from typing import Final

from duplex.model.text.numbers import cardinal_of
from duplex.model.text.reading.rules import LEFT, RIGHT, Rule, Said, alternatives, before, rule

_ALL: Final = (
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr "
    "Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir "
    "Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh "
    "Fl Mc Lv Ts Og"
)
_ELEMENTS: Final = _ALL.split()
_ELEMENT: Final = rf"(?:{alternatives(_ELEMENTS)})"
_LONG: Final = rf"(?:{alternatives([element for element in _ELEMENTS if len(element) > 1])})"
_WORDS: Final = frozenset({"Am", "As", "At", "Be", "He", "Ho", "In", "Mt", "No", "Pa"})
"""Symbols that are words too."""
_ABOUT_SYMBOLS: Final = re.compile(r"\b(?:symbol|symbols|formula|formulas|formulae)\b[^.!?;]*$", re.IGNORECASE)
_NAMES_ONE: Final = re.compile(r"(?: is|symbol) [\"'“*]*$")
_PARTS: Final = re.compile(r"[A-Z][a-z]?|\d+")


def _spelled(written: str) -> str:
    return " ".join(
        cardinal_of(part) if part.isdecimal() else " ".join(part.lower()) for part in _PARTS.findall(written)
    )


def _symbol(match: re.Match[str]) -> Said:
    """A symbol in brackets, or where the text speaks of symbols; one that is a word too only where it is named."""
    written, left = match.group(), before(match)
    if written in _WORDS:
        is_symbol = bool(_ABOUT_SYMBOLS.search(left) and _NAMES_ONE.search(left))
    else:
        in_brackets = left.endswith("(") and match.string[match.end() : match.end() + 1] == ")"
        is_symbol = in_brackets or bool(_ABOUT_SYMBOLS.search(left))
    return _spelled(written) if is_symbol else None


LETTER_RULES: Final[tuple[Rule, ...]] = (
    rule(rf"{LEFT}{_LONG}{RIGHT}(?!')", _symbol),
    rule(
        rf"{LEFT}(?=[A-Za-z]*[a-z]\d*[A-Z]|[A-Z]\d*[A-Z][a-z])(?:{_ELEMENT}\d*){{2,}}{RIGHT}",
        lambda m: _spelled(m.group()),
    ),
    rule(rf"{LEFT}{_LONG}(?:[2-9]|1\d){RIGHT}", lambda match: _spelled(match.group())),
)
