"""Speech units: phonemes with their stress, word spaces, punctuation, and the marks the pointer head needs.

The alphabet is the American one of misaki and Kokoro. Nothing here depends on words.
"""

from typing import Final, NamedTuple

STRESS: Final = {"ˈ": 1, "ˌ": 2}
PUNCTUATION: Final = ",.?!"
SPACE: Final = " "

BEFORE: Final = "<before>"
"""Fills the window in front of the first unit."""
UNKNOWN: Final = "<unknown>"
"""Fills the window where the text is not known yet."""
WAIT: Final = "<wait>"
"""Silence while no text is known."""
START: Final = "<start>"
"""The short silence before speech."""
END: Final = "<end>"
"""The decay after the last word."""

_MARKS: Final = (BEFORE, UNKNOWN, WAIT, START, END, SPACE, *PUNCTUATION)
_PHONEMES: Final = "AIOTWYbdfhijklmnpstuvwzæðŋɐɑɔəɛɜɡɪɹʃʊʌʒʤʧθᵊᵻ"
_ALIASES: Final = {"ɾ": "T", "ʔ": "t", "g": "ɡ", "x": "k", "ɚ": "ə", "ɬ": "l"}

UNITS: Final = (*_MARKS, *_PHONEMES)
UNIT_IDS: Final = {unit: index for index, unit in enumerate(UNITS)}
VOWELS: Final = frozenset("AIOWYiuæɐɑɔəɛɜɪʊʌᵊᵻ")


class Unit(NamedTuple):
    """One sound or mark: its symbol (a member of `UNITS`) and stress (0 none, 1 primary, 2 secondary)."""

    symbol: str
    stress: int = 0

    @property
    def place(self) -> int:
        """Index of the symbol in `UNITS`."""
        return UNIT_IDS[self.symbol]


def parse(text: str) -> tuple[Unit, ...]:
    """Units of a phoneme string such as "həlˈO"; characters outside the alphabet are left out."""
    units: list[Unit] = []
    stress = 0
    for character in text:
        if character in STRESS:
            stress = STRESS[character]
            continue
        symbol = _ALIASES.get(character, character)
        if symbol in UNIT_IDS:
            units.append(Unit(symbol, stress))
            stress = 0
    return tuple(units)


def spell(units: tuple[Unit, ...]) -> str:
    """Phoneme string of units, the inverse of `parse` (marks other than space and punctuation give nothing)."""
    marks = {stress: mark for mark, stress in STRESS.items()}
    return "".join(marks.get(unit.stress, "") + unit.symbol for unit in units if len(unit.symbol) == 1)
