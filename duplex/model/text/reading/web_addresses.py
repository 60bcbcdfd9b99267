"""Web addresses, file names, handles and hashtags, read character by character where a character matters."""

import re
from typing import Final

from duplex.model.text.reading.abbreviations import plain_word
from duplex.model.text.reading.amounts import amount
from duplex.model.text.reading.rules import LEFT, RIGHT, Rule, Said, rule

_SIGNS: Final = {
    ".": "dot", "/": "slash", ":": "colon", "-": "dash", "_": "underscore", "@": "at", "?": "question mark",
    "=": "equals", "&": "and", "#": "hash", "%": "percent", "+": "plus", "~": "tilde", "\\": "backslash",
}  # fmt: skip
_PIECE: Final = re.compile(r"[A-Za-z]+|\d+|.", re.DOTALL)
_SPELLED: Final = frozenset({"http", "https", "ftp", "www", "html", "htm", "php", "url", "io", "uk", "ai", "py", "js"})
_TOP: Final = "com|org|net|edu|gov|io|ai|dev|app|co|uk|de|fr|eu|info|me|tv|us|ca"
_REST: Final = r"(?:[/?#:][^\s<>\"]*)?"
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_NAME_PART: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+|_")


def letters(run: str) -> str:
    """A run of letters as a word, or letter by letter if it has no vowels or is usually spelled."""
    lower = run.lower()
    is_spelled = lower in _SPELLED or (len(lower) <= 5 and not re.search("[aeiouy]", lower))
    return " ".join(lower) if is_spelled else plain_word(lower)


def _address(match: re.Match[str]) -> Said:
    """Marks at the end belong to the sentence."""
    address = match.group().rstrip(".,;:!?*_~'")
    while address.endswith((")", "]")) and address.count(")") + address.count("]") > len(re.findall(r"[(\[]", address)):
        address = address[:-1].rstrip(".,;:!?*_~'")
    return [(match.start() + len(address), spell_out(address))] if address else None


def spell_out(address: str) -> str:
    """me@example.org -> me at example dot org."""
    return " ".join(filter(None, (_piece(piece) for piece in _PIECE.findall(address.removesuffix("/")))))


def _piece(piece: str) -> str:
    if piece.isalpha():
        return letters(piece) if piece.isascii() else piece
    return amount(piece) if piece.isdecimal() else _SIGNS.get(piece, "")


def _handle(match: re.Match[str]) -> Said:
    return f"at {spell_out(match[1])}"


def _hashtag(match: re.Match[str]) -> Said:
    parts = _NAME_PART.findall(match[1])
    return "hashtag " + " ".join(filter(None, (_piece(part) if part != "_" else "underscore" for part in parts)))


_RULES: Final[tuple[Rule, ...]] = (
    rule(rf"{LEFT}(?:https?|ftp|file|wss?)://[^\s<>\"]+", _address, re.IGNORECASE),
    rule(rf"{LEFT}mailto:[^\s<>\"]+", _address, re.IGNORECASE),
    rule(rf"{LEFT}[A-Za-z0-9][A-Za-z0-9._%+-]{{0,63}}@{_LABEL}(?:\.{_LABEL}){{1,8}}", _address),
    rule(rf"{LEFT}www\.[^\s<>\"]+", _address, re.IGNORECASE),
    rule(rf"{LEFT}(?:{_LABEL}\.){{1,8}}(?:{_TOP})(?=[/?#:]|{RIGHT}(?!['-])){_REST}", _address),
)
LETTER_RULES: Final[tuple[Rule, ...]] = (
    *_RULES,
    rule(rf"{LEFT}[A-Za-z][A-Za-z0-9_-]{{0,63}}(?:\.[a-z][a-z0-9]*)+{RIGHT}(?!\.[a-zA-Z])", _address),
)
DIGIT_RULES: Final = _RULES
SIGN_RULES: Final[tuple[Rule, ...]] = (
    rule(r"(?<![\w.])@([A-Za-z_][A-Za-z0-9_]*(?:[.-][A-Za-z0-9_]+)*)", _handle),
    rule(r"(?<![\w&/])#([A-Za-z_][A-Za-z0-9_]*)", _hashtag),
    rule(r"(?<![\w.])(?:~|\.{1,2})?(?:/(?=[0-9._-]*[A-Za-z])[A-Za-z0-9._-]++){2,}/?", _address),
    rule(r"(?<![\w.])(?:~|\.{1,2})/[A-Za-z][A-Za-z0-9._-]*", _address),
)
