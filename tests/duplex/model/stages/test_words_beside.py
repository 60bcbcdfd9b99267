"""Words beside the steps: what is late becomes known a slot later, and a replay can repeat that."""

from collections.abc import Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from duplex.model.interface import UserWords
from duplex.model.stages.word_source import WordsInput, WordsRequest
from duplex.model.stages.words_beside import WordsBeside

BOTH = torch.ones(2, dtype=torch.bool)
FIRST = torch.tensor([True, False])
NOW, LATER = 0.0, 100.0


@dataclass
class Work:
    row: int
    text: str


@dataclass
class State:
    slots: list[int] = field(default_factory=lambda: [0, 0])
    waiting: set[int] = field(default_factory=set)
    result: dict[int, str] = field(default_factory=dict)

    def reset(self, rows: Tensor) -> None:
        for row in rows.nonzero().flatten().tolist():
            self.slots[row] = 0
            self.waiting.discard(row)
            self.result.pop(row, None)


class Counting:
    """A source whose words are the number of the slot; `deliver` must be given what `prepare` asked for."""

    delay_ms = 200.0

    def init_state(self, batch: int) -> State:
        return State([0] * batch)

    def prepare(self, x: WordsInput, state: State, active: Tensor) -> WordsRequest:
        work = []
        for row in active.nonzero().flatten().tolist():
            state.slots[row] += 1
            if row not in state.waiting:
                state.waiting.add(row)
                work.append(Work(row, f"row {row} slot {state.slots[row]}"))
        return work

    def run(self, request: WordsRequest) -> list[Work]:
        return [Work(one.row, one.text.upper()) for one in request]

    def deliver(self, result: Sequence[Any], state: State, active: Tensor) -> list[UserWords | None]:
        for one in result:
            state.waiting.discard(one.row)
            state.result[one.row] = one.text
        told = [state.result.pop(row, None) if on else None for row, on in enumerate(active.tolist())]
        return [None if text is None else UserWords(0, text, text, 0.0, 0.0) for text in told]

    def expected(self, state: State, row: int) -> str:
        return f"expected {row}"


class Remembering(Counting):
    """A source whose work can be repeated; `ran`: what it was really asked for."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    def run(self, request: WordsRequest) -> list[Work]:
        self.ran += [one.text for one in request]
        return super().run(request)

    def digest(self, work: Work) -> bytes:
        return work.text.encode()

    def outcome(self, result: Work) -> tuple[int, ...] | None:
        return tuple(result.text.encode())

    def repeat(self, work: Work, outcome: tuple[int, ...] | None) -> Work:
        assert outcome is not None
        return Work(work.row, bytes(outcome).decode())


class Slow(Executor):
    """Runs nothing until it is told to."""

    def __init__(self) -> None:
        self.jobs: list[tuple[Future[Any], Any, tuple[Any, ...]]] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        self.jobs.append((future, fn, args))
        return future

    def finish(self, index: int = 0) -> None:
        future, function, args = self.jobs.pop(index)
        future.set_result(function(*args))


def beside(worker: Executor | None) -> WordsBeside:
    return WordsBeside(Counting(), 2, worker, now=lambda: NOW)


def slot(words: WordsBeside, active: Tensor = BOTH, deadline: float | None = NOW) -> list[str | None]:
    """One slot; returns what became known with it."""
    heard = words.collect(active, deadline)
    nothing = torch.zeros(2, 0)
    words.submit(WordsInput(nothing, nothing, active), active)
    return [None if one is None else one.text for one in heard]


def test_words_become_known_a_slot_later() -> None:
    words = beside(None)
    assert slot(words, deadline=None) == [None, None]
    assert slot(words, deadline=None) == ["ROW 0 SLOT 1", "ROW 1 SLOT 1"]
    assert slot(words, deadline=None) == ["ROW 0 SLOT 2", "ROW 1 SLOT 2"]
    assert words.late == frozenset()


def test_late_words_hold_up_neither_the_step_nor_the_other_conversation() -> None:
    worker = Slow()
    words = beside(worker)
    slot(words)
    worker.finish(1)
    assert slot(words) == [None, "ROW 1 SLOT 1"]
    assert words.late == {0}
    worker.finish(0)
    assert slot(words) == ["ROW 0 SLOT 1", None]
    assert words.late == {1}
    assert len(worker.jobs) == 2, "each row has one piece of work, not one for each slot"


def test_a_replay_holds_the_same_words() -> None:
    live, worker = [], Slow()
    words = beside(worker)
    done = [(), (1,), (0, 0), (0, 0), ()]
    for finished in done:
        for index in finished:
            worker.finish(index)
        live.append((slot(words), words.late))
    again = beside(None)
    for known, late in live:
        for row in late:
            again.hold(row)
        assert (slot(again, deadline=None), again.late) == (known, late)
    assert any(late for _, late in live)


def test_an_inactive_conversation_gets_its_words_later() -> None:
    words = beside(None)
    slot(words, deadline=None)
    assert slot(words, FIRST, deadline=None) == ["ROW 0 SLOT 1", None]
    assert words.late == frozenset()
    assert slot(words, deadline=None) == ["ROW 0 SLOT 2", "ROW 1 SLOT 1"]


def test_a_new_conversation_does_not_get_the_words_of_the_last_one() -> None:
    worker = Slow()
    words = beside(worker)
    slot(words)
    words.hold(0)
    words.reset(FIRST)
    worker.finish(0)
    assert slot(words) == [None, None]
    assert words.late == {1}


def test_what_may_still_change_is_that_of_the_source() -> None:
    assert beside(None).expected(1) == "expected 1"


def test_what_was_recognised_once_is_not_recognised_again() -> None:
    first = WordsBeside(Remembering(), 2, None)
    known, heard = [], []
    for _ in range(4):
        heard.append(slot(first, deadline=None))
        known += [first.recognitions[0]] if 0 in first.recognitions else []
    source = Remembering()
    again = WordsBeside(source, 2, None)
    again.recall(0, known)
    assert [slot(again, deadline=None) for _ in range(4)] == heard
    assert source.ran == ["row 1 slot 1", "row 1 slot 2", "row 1 slot 3", "row 0 slot 4", "row 1 slot 4"]
    again.reset(FIRST)
    slot(again, FIRST, deadline=None)
    assert source.ran[-1] == "row 0 slot 1", "another conversation begins without what the last one knew"


def test_work_that_cannot_be_repeated_is_not_kept() -> None:
    words = beside(None)
    slot(words, deadline=None)
    assert slot(words, deadline=None) == ["ROW 0 SLOT 1", "ROW 1 SLOT 1"]
    assert words.recognitions == {}
