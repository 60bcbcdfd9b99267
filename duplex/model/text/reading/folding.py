"""Converts every Unicode character to plain letters, digits and the signs that the rules know.

Latin letters lose their accents (Straße -> Strasse), other scripts are transliterated (Москва -> Moskva), and a word in
which nothing can be transliterated is read by the names of its characters. Emoji and ornaments are dropped. Modifiers
without a sound of their own (a soft sign, a glottal stop) are silent inside a word. Nothing here depends on words.
"""

import unicodedata
from dataclasses import dataclass
from typing import Final

from anyascii import anyascii

from duplex.model.text.word_stream import SIGN, WORD

_KEPT: Final = frozenset("–—−×÷°…½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞²³¹⁰⁴⁵⁶⁷⁸⁹⁻£€¥₹₩₽₺₪₫₴₦฿¢≤≥≠≈±√∞→§·⋅∙′″µ‰")
_ALIKE: Final = {
    **dict.fromkeys("’‘ʼ＇", "'"),
    **dict.fromkeys("‐‑‒﹣", "-"),
    **dict.fromkeys("⁄∕", "/"),
    "―": "—",
    "μ": "µ",
    "⁺": "",
    "。": ".",
    "।": ".",
    "۔": ".",
    "、": ",",
    "،": ",",
    "؛": ";",
    "؟": "?",
    "№": "No.",
    "™": "",
    "℠": "",
}
_GREEK: Final = (
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu",
    "nu", "xi", "omicron", "pi", "rho", "sigma", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
)  # fmt: skip
_FIRST_GREEK: Final = ord("α")


@dataclass(frozen=True)
class Folded:
    """A text in plain characters.

    Attributes:
        written: its words as they are written, in order.
        text: [n] plain characters; white space is unchanged.
        owners: [n] index of the written word that a character comes from; white space belongs to the word before it,
            and has -1 before the first.
    """

    written: tuple[str, ...]
    text: str
    owners: tuple[int, ...]


def fold(text: str) -> Folded:
    """Fold a text, word by word."""
    pieces: list[str] = []
    owners: list[int] = []
    written: list[str] = []
    end = 0
    for match in WORD.finditer(text):
        for owner, piece in ((len(written) - 1, text[end : match.start()]), (len(written), _word(match.group()))):
            pieces.append(piece)
            owners += [owner] * len(piece)
        written.append(match.group())
        end = match.end()
    pieces.append(text[end:])
    owners += [len(written) - 1] * (len(text) - end)
    return Folded(tuple(written), "".join(pieces), tuple(owners))


def _word(written: str) -> str:
    if written.isascii():
        return written if written.isprintable() else "".join(filter(str.isprintable, written))
    plain = "".join(_sign(sign, written[place - 1 : place], written[place + 1 : place + 2])
                    for place, sign in enumerate(written))  # fmt: skip
    is_heard = any(sign.isalnum() for sign in plain)
    return plain if is_heard else plain + "".join(_name(sign) for sign in written if sign.isalnum())


def _sign(sign: str, before: str, after: str) -> str:
    if sign in _ALIKE:
        sign = _ALIKE[sign]
    if sign.isascii():
        return sign if sign.isprintable() else ""
    if sign in _KEPT:
        return sign if sign != "µ" or (after.isascii() and after.isalpha()) else " mu "
    match unicodedata.category(sign)[0]:
        case "L":
            return _letter(sign, before, after)
        case "N":
            return _number(sign)
        case "S" | "P":
            plain = unicodedata.normalize("NFKD", sign).replace(" ", "").replace("⁄", "/")
            return plain if all(part.isascii() or part in _KEPT for part in plain) else ""
    return ""


def _letter(sign: str, before: str, after: str) -> str:
    place = ord(sign.lower()[0]) - _FIRST_GREEK
    if 0 <= place < len(_GREEK) and not (before.isalpha() or after.isalpha()):
        return f" {_GREEK[place]} "
    plain = "".join(part for part in anyascii(sign) if part.isalnum())
    return f" {plain} " if SIGN.match(sign) else plain


def _number(sign: str) -> str:
    """A digit of any script; numerals for more than a digit (Ⅷ, ⑩, 𐄐) by their value."""
    digit = unicodedata.digit(sign, None)
    if digit is not None:
        return str(digit)
    value = unicodedata.numeric(sign, 0.5)
    if value.is_integer() and value >= 0:
        return f" {int(value)} "
    plain = "".join(part for part in unicodedata.normalize("NFKD", sign) if part.isascii() and part.isalnum())
    return plain or _name(sign)


def _name(sign: str) -> str:
    """The name of a character without plain letters; its number if it has no name."""
    return f" {unicodedata.name(sign, f'u {ord(sign):x}').lower()} "
