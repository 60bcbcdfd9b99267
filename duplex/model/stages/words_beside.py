"""Recognises words in a thread beside the steps: one source of words for a group of conversations.

Words of a slot become known with the next one. If they are not ready by then, the step waits for them; a live step
waits only so long, and then they become known a slot later. At which slots that happened is part of the result, so that
a replay can repeat it (`hold`). What has been recognised once can be given back (`recall`). Nothing here depends on how
words are recognised or on what they are used for.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from concurrent.futures import wait as wait_for
from time import perf_counter
from typing import Any, NamedTuple

from torch import Tensor

from duplex.model.interface import Recognition, UserWords
from duplex.model.stages.word_source import RepeatableSource, WordsInput, WordSource


class _Done(NamedTuple):
    """A piece of work that was done: its result, and what is kept of it."""

    result: Any
    recognition: Recognition | None


class WordsBeside:
    """The words of `size` conversations.

    Attributes:
        state: the source's.
        late: rows whose words were not ready at the last `collect`.
        recognitions: by row, what is kept of the work whose words became known at the last `collect`.
        waited_s: how long it waited.
    """

    def __init__(
        self, source: WordSource, size: int, worker: Executor | None, now: Callable[[], float] = perf_counter
    ) -> None:
        """`worker`: None runs the work within `submit`. `now`: seconds, on the clock of the deadlines."""
        self._source, self._worker, self._now = source, worker, now
        self._running: dict[int, Future[_Done]] = {}
        self._held: set[int] = set()
        self._known: dict[int, dict[bytes, tuple[int, ...] | None]] = {}
        self.state: Any = source.init_state(size)
        self.late: frozenset[int] = frozenset()
        self.recognitions: dict[int, Recognition] = {}
        self.waited_s = 0.0

    def hold(self, row: int) -> None:
        """A replay: the row's words were late at the next `collect`."""
        self._held.add(row)

    def recall(self, row: int, known: Iterable[Recognition]) -> None:
        """A rehearsal: what was recognised in the row's next slots."""
        self._known[row] = {one.digest: one.outcome for one in known}

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
        done = {row: self._running.pop(row).result() for row in running}
        self.recognitions = {row: one.recognition for row, one in done.items() if one.recognition is not None}
        self.late = frozenset(row for row in rows if row in self._running)
        return self._source.deliver([one.result for one in done.values()], self.state, active)

    def submit(self, x: WordsInput, active: Tensor) -> None:
        """Give the source a slot of the active rows."""
        for work in self._source.prepare(x, self.state, active):
            self._running[work.row] = self._start(work)

    def expected(self, row: int) -> str:
        """See `WordSource.expected`."""
        return self._source.expected(self.state, row)

    def reset(self, rows: Tensor) -> None:
        """Forget the conversations of `rows` [B] bool; their work ends unheard."""
        for row in rows.nonzero().flatten().tolist():
            self._running.pop(row, None)
            self._held.discard(row)
            self._known.pop(row, None)
        self.state.reset(rows)

    def _start(self, work: Any) -> "Future[_Done]":
        known = self._known.get(work.row, {})
        if self._worker is not None:
            return self._worker.submit(self._do, work, known)
        done: Future[_Done] = Future()
        done.set_result(self._do(work, known))
        return done

    def _do(self, work: Any, known: dict[bytes, tuple[int, ...] | None]) -> _Done:
        source = self._source
        if not isinstance(source, RepeatableSource):
            (result,) = source.run([work])
            return _Done(result, None)
        digest = source.digest(work)
        (result,) = [source.repeat(work, known[digest])] if digest in known else source.run([work])
        return _Done(result, Recognition(digest, source.outcome(result)))
