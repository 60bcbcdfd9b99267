"""Defines rules, and tries them from left to right.

A rule is a pattern and a function from a match to what is said for it. At every place the first rule whose pattern
matches and whose function does not decline reads the text, up to the end of the match. Nothing here is specific to
English.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

COMMA, STOP = ",", "."
"""A short and a long pause; written marks are kept."""
LEFT: Final = r"(?<![A-Za-z0-9])"
"""Matches if nothing of the same word precedes."""
RIGHT: Final = r"(?![A-Za-z0-9])"
"""Matches if nothing of the same word follows."""
_NEAR: Final = 60

SaidPart = tuple[int, str]
"""Where a part of the text ends, and the words and marks that are said for it, separated by spaces."""
Said = str | Sequence[SaidPart] | None
"""What a rule says for the whole match or part by part; None if it declines."""


@dataclass(frozen=True)
class Rule:
    """A pattern, and what is said if it matches."""

    pattern: re.Pattern[str]
    say: Callable[[re.Match[str]], Said]


def rule(pattern: str, say: Callable[[re.Match[str]], Said] | str, flags: int = 0) -> Rule:
    """Make a rule; `say` may be constant words."""
    return Rule(re.compile(pattern, flags), (lambda _: say) if isinstance(say, str) else say)


def read_parts(text: str, rules: Mapping[str, Sequence[Rule]]) -> Iterator[tuple[int, str]]:
    """(begin, words) of every part of a text, in order.

    `rules` are given by the kind of the current character, "letter", "digit" or "sign"; at least one rule of each kind
    never declines.
    """
    place = 0
    while place < len(text):
        for begin, end, words in _first(text, place, rules[_kind(text[place])]):
            yield begin, words
            place = end


def before(match: re.Match[str]) -> str:
    """The text shortly before a match."""
    return match.string[max(match.start() - _NEAR, 0) : match.start()]


def after(match: re.Match[str]) -> str:
    """The text shortly after a match."""
    return match.string[match.end() : match.end() + _NEAR]


def alternatives(words: Sequence[str]) -> str:
    """A pattern for any of `words`, longest first."""
    return "|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word)))


def _kind(sign: str) -> str:
    return "letter" if sign.isalpha() else "digit" if sign.isdecimal() else "sign"


def _first(text: str, place: int, rules: Sequence[Rule]) -> Iterator[tuple[int, int, str]]:
    """(begin, end, words) of the parts that the first fitting rule reads."""
    for one in rules:
        match = one.pattern.match(text, place)
        said = one.say(match) if match and match.end() > place else None
        if match is None or said is None:
            continue
        begin = place
        for end, words in [(match.end(), said)] if isinstance(said, str) else said:
            while begin < end - 1 and text[begin].isspace():
                begin += 1
            yield begin, end, words
            begin = end
        return
    raise AssertionError(f"no rule reads {text[place]!r}")
