"""Tracks the position of speech in the text: the queue of known units and a clock that walks over it.

This is plain Python for one conversation. Durations are given from outside (by a network, or by a teacher in training),
so training and speaking share every rule. Times are milliseconds since the answer began. The method is ours; nothing
here depends on networks, tokens or sound.

    known units   START h ə l O ' ' w ɜ ...          the window around the cursor goes to the network
    cursor                  ^                        walks on when the current unit's time is over
    dry queue     ... l d WAIT                       silence until enough text is known to resume
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Final

from configs.audio import AUDIO
from configs.model.voice import SrhConfig
from duplex.model.text.phonemes import BEFORE, END, PUNCTUATION, SPACE, START, UNIT_IDS, UNKNOWN, WAIT, Unit
from duplex.model.text.sounding_word import SoundingWord

SCALARS: Final = 15
DURATION_SCALARS: Final = 10

_WAIT, _END, _BEFORE, _UNKNOWN = (UNIT_IDS[mark] for mark in (WAIT, END, BEFORE, UNKNOWN))
_PAUSES: Final = {UNIT_IDS[mark]: place for place, mark in enumerate(PUNCTUATION)}
_PUNCTUATION_REACH: Final = 40
_LONGEST: Final = 3.0
_NOBODY: Final = -1


@dataclass
class Pointer:
    """Units known so far (`units`, `stress`, `owners`), their durations, and the cursor, for one answer.

    `last_word` and `deferred` (a word that cannot be read before the next item is known) are kept for the reader.
    """

    config: SrhConfig
    units: list[int] = field(default_factory=lambda: [_WAIT])
    stress: list[int] = field(default_factory=lambda: [0])
    owners: list[int] = field(default_factory=lambda: [_NOBODY])
    milliseconds: list[float] = field(default_factory=lambda: [0.0])
    cursor: int = 0
    entered_ms: float = 0.0
    ends_ms: float = inf
    slot_ms: float = 0.0
    items: int = 0
    last_word: str = ""
    deferred: str = ""
    finished: bool = False
    sounded: list[tuple[int, float, float]] = field(default_factory=list)

    @property
    def begun(self) -> bool:
        """Whether speech has started in this answer."""
        return self.cursor > 0

    @property
    def waiting(self) -> bool:
        """Whether no unit is being spoken."""
        return self.units[self.cursor] == _WAIT

    @property
    def queued(self) -> int:
        """Number of units that are known and not yet begun."""
        return len(self.units) - 1 - self.cursor

    @property
    def exhausted(self) -> bool:
        """Whether the text has ended and everything has been spoken."""
        return self.finished and self.waiting and self.queued == 0

    def push(self, units: Sequence[Unit], punctuation: bool) -> None:
        """Add the units of the next item: a word (a space is put before it) or a punctuation mark."""
        if self.items == 0:
            self._append(Unit(START), _NOBODY)
        elif units and not punctuation:
            self._append(Unit(SPACE), _NOBODY)
        for unit in units:
            self._append(unit, _NOBODY if punctuation or unit.symbol == SPACE else self.items)
        self.items += 1

    def close(self) -> None:
        """Say that no more text comes in this answer."""
        if not self.finished and self.items:
            self._append(Unit(END), _NOBODY)
        self.finished = True

    def open_slot(self) -> None:
        """Begin a slot; a wait ends if enough is known."""
        self.sounded.clear()
        if self.waiting and self.queued and self._enough():
            self.milliseconds[self.cursor] = self.slot_ms - self.entered_ms
            self.ends_ms = self.slot_ms
        self._note_sound()

    def close_slot(self) -> tuple[SoundingWord, ...]:
        """End a slot; returns the words that sounded in it."""
        self.slot_ms += AUDIO.slot_ms
        begin = self.slot_ms - AUDIO.slot_ms
        merged: dict[int, tuple[float, float]] = {}
        for owner, start, end in self.sounded:
            first = merged.get(owner, (start, end))[0]
            merged[owner] = (first, end)
        return tuple(
            SoundingWord(owner, max(start - begin, 0.0), min(end, self.slot_ms) - begin, self._measure_done(owner))
            for owner, (start, end) in merged.items()
            if min(end, self.slot_ms) > max(start, begin)
        )

    def enter_next(self, centre_ms: float) -> bool:
        """Step to the next unit if the current one is over by `centre_ms`; True if it needs a duration."""
        if self.ends_ms > centre_ms:
            return False
        self.entered_ms = self.ends_ms
        self.cursor += 1
        self.ends_ms = inf
        if self.cursor == len(self.units):
            self._append(Unit(WAIT), _NOBODY)
        return not self.waiting

    def set_durations(self, current: float, following: float) -> None:
        """Set the duration (ms) of the unit just entered and an estimate for the one after it."""
        self.milliseconds[self.cursor] = current
        self.ends_ms = self.entered_ms + current
        if self.cursor + 1 < len(self.units):
            self.milliseconds[self.cursor + 1] = following
        self._note_sound()

    def window(self) -> tuple[list[int], list[int]]:
        """Units and stresses around the cursor, `behind + 1 + ahead` of each."""
        first, known = self.cursor - self.config.behind, self._count_known()
        last = self.cursor + 1 + self.config.ahead
        before, beyond = max(-first, 0), max(last - known, 0)
        inner = slice(max(first, 0), min(last, known))
        units = [_BEFORE] * before + self.units[inner] + [_UNKNOWN] * beyond
        return units, [0] * before + self.stress[inner] + [0] * beyond

    def scalars(self, centre_ms: float, pace: float) -> list[float]:
        """`SCALARS` numbers for the token at `centre_ms`: time in the unit, time left, durations, and how much is
        known."""
        token = AUDIO.token_ms
        elapsed, current = centre_ms - self.entered_ms, self.milliseconds[self.cursor]
        left = self.ends_ms - centre_ms
        if self.waiting:
            current = left = 0.0
        previous = self.milliseconds[self.cursor - 1] if self.cursor else 0.0
        following = self.milliseconds[self.cursor + 1] if self._ahead() else 0.0
        share = min(elapsed / max(current, self.config.duration_ms), 1.0) if current else 0.0
        return [
            _bound(elapsed),
            float(elapsed < token),
            _bound(left),
            float(left < token),
            _bound(previous),
            _bound(current),
            _bound(following),
            share,
            self._ahead() / 10,
            *self._punctuation(),
            pace,
        ]

    def duration_scalars(self, pace: float) -> list[float]:
        """`DURATION_SCALARS` numbers for the unit at the cursor: the three durations before it, and how much is
        known."""
        return [*(self._duration_before(back) for back in (1, 2, 3)), self._ahead() / 10, *self._punctuation(), pace]

    def _append(self, unit: Unit, owner: int) -> None:
        self.units.append(unit.place)
        self.stress.append(unit.stress)
        self.owners.append(owner)
        self.milliseconds.append(0.0)

    def _enough(self) -> bool:
        """Whether there is enough text to resume: some units, a complete phrase, or all there is."""
        coming = self.units[self.cursor + 1 :]
        return self.finished or self.queued >= self.config.start_units or any(unit in _PAUSES for unit in coming)

    def _count_known(self) -> int:
        """Number of units that may be looked at; after a wait there are none."""
        return self.cursor + 1 if self.waiting else len(self.units)

    def _ahead(self) -> int:
        return min(self._count_known() - self.cursor - 1, self.config.ahead)

    def _punctuation(self) -> list[float]:
        """One-hot kind of the nearest known punctuation mark ahead, and its closeness."""
        kinds = [0.0] * (len(_PAUSES) + 1)
        last = min(self._count_known(), self.cursor + 1 + _PUNCTUATION_REACH)
        for distance, unit in enumerate(self.units[self.cursor + 1 : last]):
            if unit in _PAUSES:
                kinds[_PAUSES[unit]] = 1.0
                kinds[-1] = 1 / (1 + distance / 4)
                break
        return kinds

    def _duration_before(self, back: int) -> float:
        place = self.cursor - back
        if place < 0 or self.units[place] == _WAIT:
            return 0.0
        return _bound(self.milliseconds[place])

    def _note_sound(self) -> None:
        owner = self.owners[self.cursor]
        if owner != _NOBODY:
            self.sounded.append((owner, self.entered_ms, self.ends_ms))

    def _measure_done(self, owner: int) -> float:
        """Share of a word's units that have been spoken by the end of the slot just closed."""
        first = self.owners.index(owner)
        count = self.owners.count(owner)
        if self.owners[self.cursor] != owner:
            return 1.0
        length = self.milliseconds[self.cursor]
        inside = min((self.slot_ms - self.entered_ms) / length, 1.0) if length else 1.0
        return (self.cursor - first + inside) / count


def _bound(milliseconds: float) -> float:
    return min(max(milliseconds / 100, 0.0), _LONGEST)
