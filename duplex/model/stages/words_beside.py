"""Recognises words in a thread beside the steps: one source of words for a group of conversations.

Words of a slot become known with the next one. If they are not ready by then, the step waits for them; a live step
waits only so long, and then they become known a slot later. At which slots that happened is part of the result, so that
a replay can repeat it (`hold`). Nothing here depends on how words are recognised or on what they are used for.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from concurrent.futures import wait as wait_for
from time import perf_counter
from typing import Any

from torch import Tensor

from duplex.model.interface import UserWords
from duplex.model.stages.word_source import WordsInput, WordSource, WordsResult


class WordsBeside:
    """The words of `size` conversations.

    Attributes:
        state: the source's.
        late: rows whose words were not ready at the last `collect`.
        waited_s: how long it waited.
    """

    def __init__(
        self, source: WordSource, size: int, worker: Executor | None, now: Callable[[], float] = perf_counter
    ) -> None:
        """`worker`: None runs the work within `submit`. `now`: seconds, on the clock of the deadlines."""
        self._source, self._worker, self._now = source, worker, now
        self._running: dict[int, Future[WordsResult]] = {}
        self._held: set[int] = set()
        self.state: Any = source.init_state(size)
        self.late: frozenset[int] = frozenset()
        self.waited_s = 0.0

    def hold(self, row: int) -> None:
        """A replay: the row's words were late at the next `collect`."""
        self._held.add(row)

    def collect(self, active: Tensor, deadline: float | None = None) -> list[UserWords | None]:
        """Words [B] that became known with this slot.

        Args:
            active: [B] bool; an inactive row gets its words later.
            deadline: words that are not ready by then become known a slot later; None waits for all of them.
        """
        rows = set(active.nonzero().flatten().tolist())
        held, self._held = self._held & rows, self._held - rows
        running = {row: self._running[row] for row in sorted(rows - held) if row in self._running}
        began = self._now()
        wait_for(running.values(), timeout=None if deadline is None else max(0.0, deadline - began))
        self.waited_s = self._now() - began
        running = {row: future for row, future in running.items() if future.done()}
        results: list[Any] = [one for future in running.values() for one in future.result()]
        for row in running:
            del self._running[row]
        self.late = frozenset(row for row in rows if row in self._running)
        return self._source.deliver(results, self.state, active)

    def submit(self, x: WordsInput, active: Tensor) -> None:
        """Give the source a slot of the active rows."""
        for work in self._source.prepare(x, self.state, active):
            self._running[work.row] = self._start([work])

    def expected(self, row: int) -> str:
        """See `WordSource.expected`."""
        return self._source.expected(self.state, row)

    def reset(self, rows: Tensor) -> None:
        """Forget the conversations of `rows` [B] bool; their work ends unheard."""
        for row in rows.nonzero().flatten().tolist():
            self._running.pop(row, None)
            self._held.discard(row)
        self.state.reset(rows)

    def _start(self, request: Sequence[Any]) -> "Future[WordsResult]":
        if self._worker is not None:
            return self._worker.submit(self._source.run, request)
        done: Future[WordsResult] = Future()
        done.set_result(self._source.run(request))
        return done
