"""What is kept of a session outside its engine, so that another engine can go on with it.

Slots, turns and answers have numbers that count from the session's beginning. An engine that is given the last slots
only counts from these, so its numbers are moved. Nothing here depends on processes.
"""

from collections import deque
from dataclasses import dataclass, field, replace

from duplex.model.interface import ConversationOptions, SlotResult
from runtime.records import Past, SlotDone, UserSlot


@dataclass(frozen=True)
class _Numbers:
    """Slots, turns of the user and answers of the assistant before a slot."""

    slot: int = 0
    turn: int = 0
    answer: int = 0


@dataclass(frozen=True)
class HeardSlot:
    """A slot that was answered.

    Attributes:
        slot: as the engine would be given it again, with what came from the language model.
        turn: number and caption of the user's turn of which words became known; None if none did.
        event, kept: as in `SlotResult`.
    """

    slot: UserSlot
    turn: tuple[int, str] | None = None
    event: str = ""
    kept: str | None = None


@dataclass
class KeptSession:
    """A session: its newest slots, and the history before them.

    Attributes:
        options: with which it was opened. longest: number of slots that are kept.
        inner: its id in the present engine; "" where it has none.
        waiting: slots that have no result yet, of which the first `given` are with the engine.
        behind: another engine goes on with the session, and has not caught up yet.
    """

    options: ConversationOptions
    longest: int
    inner: str = ""
    waiting: deque[UserSlot] = field(default_factory=deque)
    given: int = 0
    behind: bool = False
    _heard: deque[tuple[HeardSlot, _Numbers]] = field(default_factory=deque)
    _numbers: _Numbers = _Numbers()
    _moved: _Numbers = _Numbers()
    _restarted: bool = False
    _asked: dict[int, str] = field(default_factory=dict)
    _turns: list[tuple[str, str]] = field(default_factory=list)

    def take(self, done: SlotDone) -> SlotDone:
        """The engine answered the oldest slot that waits; returns the result with the session's numbers."""
        slot = self.waiting.popleft()
        self.given -= 1
        self.behind = self.behind and len(self.waiting) > 1
        result = self._renumber(done.result)
        turn = (result.user.turn, result.user.caption) if result.user else None
        given = replace(slot, came=result.came, words_late=result.words_late, recognition=result.recognition)
        self.note(HeardSlot(given, turn, result.event, result.kept))
        done = replace(done, result=result, restarted=self._restarted, forgot=self._restarted and self._moved.slot > 0)
        self._restarted = False
        return done

    def note(self, heard: HeardSlot) -> None:
        """A slot was answered, here or in another process."""
        before, turn = self._numbers, heard.turn
        self._heard.append((heard, before))
        newest = max(before.turn, turn[0] + 1) if turn else before.turn
        self._numbers = _Numbers(heard.slot.index + 1, newest, before.answer + (heard.event == "start"))
        while len(self._heard) > self.longest:
            self._forget(self._heard.popleft()[0])

    def begin_again(self, inner: str) -> None:
        """Another engine goes on with the session, under the id `inner`; it has been given `past`."""
        self.inner, self.given, self.behind, self._restarted = inner, 0, True, True
        self._moved = self._heard[0][1] if self._heard else self._numbers

    @property
    def past(self) -> Past:
        """What another engine needs to go on."""
        return Past(tuple(heard.slot for heard, _ in self._heard), (*self._turns, *self._question()))

    def _renumber(self, result: SlotResult) -> SlotResult:
        moved = self._moved
        if moved == _Numbers():
            return result
        user = result.user and replace(result.user, turn=result.user.turn + moved.turn)
        spoken = tuple(replace(word, answer=word.answer + moved.answer) for word in result.spoken)
        return replace(result, slot=result.slot + moved.slot, user=user, spoken=spoken)

    def _forget(self, old: HeardSlot) -> None:
        """A slot is too old to be given again; what was said in it becomes a turn of the history."""
        if old.turn is not None:
            self._asked[old.turn[0]] = old.turn[1]
        if old.kept:
            self._turns += [*self._question(), ("assistant", old.kept)]
            self._asked = {}

    def _question(self) -> list[tuple[str, str]]:
        """What the user said that has no answer in the history."""
        asked = " ".join(filter(None, self._asked.values()))
        return [("user", asked)] if asked else []
