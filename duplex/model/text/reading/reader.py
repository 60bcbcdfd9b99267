"""The entry point of this package: written words with what is said for them.

    >>> [said.items for said in read("$1.5 million, please!")]
    [('one', 'point', 'five'), ('million', 'dollars', ','), ('please', '!')]

Items are lower-case words of letters and apostrophes, and the marks `,` `.` `?` `!` at which a voice pauses. The items
of a written word may depend on its context ("St." before or after a name); the order never changes.
"""

from dataclasses import dataclass
from typing import Final

from duplex.model.text.reading import (
    abbreviations,
    amounts,
    chemistry,
    codes,
    dashes,
    markup,
    money,
    signs,
    units,
    words,
)
from duplex.model.text.reading import times_of_day as clock
from duplex.model.text.reading import web_addresses as addresses
from duplex.model.text.reading.folding import fold
from duplex.model.text.reading.rules import COMMA, STOP, Rule, read_parts, rule

MARKS: Final = frozenset({COMMA, STOP, "?", "!"})
_RULES: Final[dict[str, tuple[Rule, ...]]] = {
    "letter": (
        *chemistry.LETTER_RULES,
        words.QUICK,
        *addresses.LETTER_RULES[:-1],
        *codes.LETTER_RULES,
        *clock.LETTER_RULES,
        *units.LETTER_RULES,
        *money.LETTER_RULES,
        *abbreviations.LETTER_RULES,
        *addresses.LETTER_RULES[-1:],
        *signs.LETTER_RULES,
        *words.LETTER_RULES,
    ),
    "digit": (
        *addresses.DIGIT_RULES,
        *clock.DIGIT_RULES,
        *codes.DIGIT_RULES,
        *money.DIGIT_RULES,
        *units.DIGIT_RULES,
        *amounts.DIGIT_RULES,
    ),
    "sign": (
        *markup.SIGN_RULES,
        *addresses.SIGN_RULES,
        *codes.SIGN_RULES,
        *units.SIGN_RULES,
        *money.SIGN_RULES,
        *amounts.SIGN_RULES,
        *dashes.SIGN_RULES,
        *signs.SIGN_RULES,
        rule(r"[^\w\s]|_|.", ""),
    ),
}


@dataclass(frozen=True)
class SaidWord:
    """A written word, as separated by WordStream, and the words and marks that are said for it, in order.

    `items` is empty if nothing is said, as for an emoji or a dash.
    """

    written: str
    items: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """The items without marks."""
        return tuple(item for item in self.items if item not in MARKS)


def read(text: str) -> list[SaidWord]:
    """Every written word of a text with what is said for it. This never fails, and loses no letter and no digit."""
    folded = fold(text)
    items: list[list[str]] = [[] for _ in folded.written]
    newest, pause = -1, ""
    for begin, said in read_parts(folded.text, _RULES):
        for item in said.split():
            is_derived = item in (COMMA, STOP) and folded.text[begin] != item
            if is_derived:
                pause = pause or item
                continue
            if pause and item not in MARKS and newest >= 0 and items[newest][-1] not in MARKS:
                items[newest].append(pause)
            newest, pause = folded.owners[begin], ""
            items[newest].append(item)
    if pause == STOP and newest >= 0 and items[newest][-1] not in MARKS:
        items[newest].append(STOP)
    return [SaidWord(written, tuple(found)) for written, found in zip(folded.written, items, strict=True)]
