"""The small text grammar of the data files: alternatives, articles, agreement, marked keys.

This module handles strings; it does not depend on kinds, splits or files.
"""

import re
from collections.abc import Iterable, Sequence

_ALTERNATIVES = re.compile(r"\[([^\[\]]*)\]")
_KEY = re.compile(r"\*([^*]+)\*")
_QUESTION_WORDS = ("what", "which", "who", "whose", "how", "where", "when", "why", "in what", "in which", "on wh")
_SOUNDS_LIKE_CONSONANT = ("uni", "eu", "one", "use", "ewe")
_SOUNDS_LIKE_VOWEL = ("hour", "honest", "heir")


def expand(pattern: str) -> list[str]:
    """All readings of `[a|b|]` alternatives; an empty alternative leaves the words out."""
    match = _ALTERNATIVES.search(pattern)
    if not match:
        return [" ".join(pattern.split())]
    head, tail = pattern[: match.start()], pattern[match.end() :]
    return [text for choice in match[1].split("|") for text in expand(head + choice + tail)]


def with_article(noun: str) -> str:
    """'a dog', 'an owl'; plurals and names with their own article are left as they are."""
    lower = noun.lower()
    if lower.startswith(("a ", "an ", "the ", "no ")) or is_plural(lower) or lower in ("water", "meat"):
        return noun
    vowel = lower[0] in "aeiou" and not lower.startswith(_SOUNDS_LIKE_CONSONANT)
    return f"an {noun}" if vowel or lower.startswith(_SOUNDS_LIKE_VOWEL) else f"a {noun}"


def is_plural(noun: str) -> bool:
    """Whether a noun of the data files takes 'are': its head ('deck' of 'deck of cards') ends in a plural s."""
    head = noun.split(" of ")[0]
    return head.endswith("s") and not head.endswith(("ss", "us", "is"))


def agreement(noun: str) -> dict[str, str]:
    """Slots `is` and `does` that agree with a noun."""
    return {"is": "are", "does": "do"} if is_plural(noun) else {"is": "is", "does": "does"}


def sentence(text: str) -> str:
    """First letter of the text in upper case."""
    return text[:1].upper() + text[1:]


def split_mark(answer: str) -> tuple[str, str]:
    """An answer without its asterisks, and the key between them ('' if nothing is marked)."""
    return _KEY.sub(r"\1", answer), "|".join(_KEY.findall(answer))


def plain_words(text: str) -> list[str]:
    """Lower-case words without punctuation; hyphens separate words."""
    return re.sub(r"[^a-z'<|> ]", " ", text.lower().replace("-", " ")).split()


def as_heard(text: str) -> str:
    """What the user says as the model reads it: lower case, no punctuation."""
    return " ".join(plain_words(text))


def asks(core: str) -> bool:
    """Whether a phrasing begins with a question word, so that 'do you know' may precede it."""
    return core.startswith(_QUESTION_WORDS)


def lines(block: str | Iterable[str]) -> list[str]:
    """Non-empty lines of a block, stripped."""
    parts = block.splitlines() if isinstance(block, str) else block
    return [line.strip() for line in parts if line.strip()]


def distinct(items: Iterable[str]) -> tuple[str, ...]:
    """The distinct items, in order."""
    return tuple(dict.fromkeys(items))


def hold_out(items: Sequence[str], every: int) -> tuple[list[str], list[str]]:
    """(shown, held out): every n-th item is held out."""
    shown = [item for i, item in enumerate(items) if i % every != every - 1]
    return shown, list(items[every - 1 :: every])
