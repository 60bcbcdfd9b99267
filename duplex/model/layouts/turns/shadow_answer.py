"""What a listening model is told of another model's answer: one text id and the words to speak in every slot.

The listener takes the words as if it had written them itself: a word is due while few of its speech units are waiting,
its ids enter one slot after the other, and the end of the text has an id of its own. The other voice sets the pace: the
listener's text is never behind the word that sounds, and ends no earlier than the last word has begun. It may be ahead,
as the listener's own text would be, by as many words as the other voice has said at the listener's own pace. A voice
that turns out to be slower is followed closely, because a listener that is done before it would want to stop. This
module handles words and ids; it does not depend on tensors, models or audio.
"""

from collections import deque
from dataclasses import dataclass

from configs.model.live_turns import HeadPolicyConfig
from duplex.model.layouts.tdm.writing import TextIds
from duplex.model.layouts.turns.turn_interface import ToldAnswer
from duplex.model.text.reading.reader import MARKS
from duplex.model.text.reading.written_words import WrittenWords

_PIECES_BEHIND = 3
"""Ids that may wait for their slot; older ones are skipped, as the speech has passed them."""


@dataclass(frozen=True)
class ShadowSlot:
    """The listener's assistant side of a slot: `text_id`, the words and marks that its refined head begins to speak,
    and whether the text has ended."""

    text_id: int
    items: tuple[str, ...] = ()
    finished: bool = False


class ShadowAnswer:
    """One answer."""

    def __init__(self, ids: TextIds, lead_units: int, config: HeadPolicyConfig) -> None:
        """`lead_units`: no word is due while this many speech units are known and unspoken."""
        self._ids = ids
        self._lead_units = lead_units
        self._config = config
        self._slow = False
        self._written = WrittenWords()
        self._known = ""
        self._items: deque[tuple[int, str]] = deque()
        self._owners: list[int] = []
        self._pieces: deque[int] = deque()
        self._finished = False

    def next_slot(self, told: ToldAnswer | None, queued: int, spoken: int = 0) -> ShadowSlot:
        """The next slot.

        Args:
            told: what is known of the answer; None if nothing is.
            queued: number of speech units that are known and that the refined head has not begun.
            spoken: number of words and marks that it has begun.
        """
        if told is not None:
            self._read(told.text)
        if told is None or self._finished:
            return self._hold()
        self._slow |= spoken > 0 and self._owners[spoken - 1] - told.begun >= self._config.slow_words
        items = self._take(told, queued)
        if items:
            ids = self._ids.encode(" ".join(items))
            self._pieces = deque([*self._pieces, *ids][-max(len(ids), _PIECES_BEHIND) :])
            return self._hold(items)
        return self._end() if self._is_over(told) else self._hold()

    def _read(self, text: str) -> None:
        new, self._known = text[len(self._known) :], text
        first = len(self._written.words)
        for word, said in enumerate(self._written.read(new) if new else (), first):
            self._items.extend((word, item) for item in said.items)
            self._owners += [word] * len(said.items)

    def _take(self, told: ToldAnswer, queued: int) -> tuple[str, ...]:
        """The words that are due, with the marks after them: all that have begun to sound, else the next one."""
        taken: list[str] = []
        while self._items and self._items[0][0] < told.begun:
            taken.append(self._items.popleft()[1])
        ahead = 1 if self._slow else min(1 + told.begun, self._config.lead_words)
        if not taken and self._items and queued < self._lead_units and self._items[0][0] < told.begun + ahead:
            taken.append(self._items.popleft()[1])
        while self._items and self._items[0][1] in MARKS:
            taken.append(self._items.popleft()[1])
        return tuple(taken)

    def _is_over(self, told: ToldAnswer) -> bool:
        return told.complete and not self._items and told.begun >= len(self._written.words)

    def _end(self) -> ShadowSlot:
        self._finished = True
        self._pieces.clear()
        return ShadowSlot(self._ids.eos, finished=True)

    def _hold(self, items: tuple[str, ...] = ()) -> ShadowSlot:
        text_id = self._pieces.popleft() if self._pieces else self._ids.hold
        return ShadowSlot(text_id, items, self._finished)
