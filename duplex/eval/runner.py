"""Has the conversations of a suite, in this process or in several, and keeps their rows.

Knows suites and processes; knows nothing of what is measured.
"""

import multiprocessing
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.process import BaseProcess
from multiprocessing.queues import Queue
from queue import Empty

from configs.evaluation import EvaluationConfig
from duplex.eval.errors import EvaluationError
from duplex.eval.recording import Converse, MakeConverse
from duplex.eval.store import RowStore
from duplex.eval.suite import Dialogue, Example, Row, Suite, row_of
from duplex.eval.users.user import SimulatedUser

OnRow = Callable[[Row], None]
_POLL_S = 0.5


def limited(examples: Sequence[Example], limit: int | None) -> list[Example]:
    """The first `limit` examples of every group; all without a limit."""
    seen: Counter[str] = Counter()
    kept = []
    for example in examples:
        seen[example.group] += 1
        if limit is None or seen[example.group] <= limit:
            kept.append(example)
    return kept


def run(
    suite: Suite,
    examples: Sequence[Example],
    make: MakeConverse,
    store: RowStore,
    config: EvaluationConfig,
    seed: int = 0,
    jobs: int = 1,
    on_row: OnRow = lambda row: None,
) -> list[Row]:
    """Rows of all `examples` in their order; those in the store are not made again.

    Raises:
        EvaluationError: the data cannot be read, or a process ended.
    """
    left = [example for example in examples if example.id not in store.rows]
    rows = _inline(suite, left, make, config, seed) if jobs == 1 else _parallel(suite, left, make, config, seed, jobs)
    for row in rows:
        store.add(row)
        on_row(row)
    return [store.rows[example.id] for example in examples]


def talk(suite: Suite, example: Example, converse: Converse, config: EvaluationConfig, seed: int) -> Row:
    """One conversation and its score. Its seed depends on the run's and on the example's id alone."""
    user = SimulatedUser(example.script, config)
    recording = converse(user, zlib.crc32(f"{seed}/{example.id}".encode()))
    return row_of(suite, Dialogue(example, recording, user.played), config)


def _inline(
    suite: Suite, examples: Sequence[Example], make: MakeConverse, config: EvaluationConfig, seed: int
) -> Iterator[Row]:
    if examples:
        converse = make()
        yield from (talk(suite, example, converse, config, seed) for example in examples)


def _parallel(
    suite: Suite, examples: Sequence[Example], make: MakeConverse, config: EvaluationConfig, seed: int, jobs: int
) -> Iterator[Row]:
    """Every process takes each `jobs`-th example and loads the system once."""
    context = multiprocessing.get_context("spawn")
    done: Queue[Row | str] = context.Queue()
    shares = [share for start in range(jobs) if (share := examples[start::jobs])]
    workers: list[BaseProcess] = [
        context.Process(target=_work, args=(suite, share, make, config, seed, done), daemon=True) for share in shares
    ]
    for worker in workers:
        worker.start()
    try:
        for _ in examples:
            yield _next(done, workers)
    finally:
        for worker in workers:
            worker.terminate()
            worker.join()


def _work(
    suite: Suite,
    examples: Sequence[Example],
    make: MakeConverse,
    config: EvaluationConfig,
    seed: int,
    done: "Queue[Row | str]",
) -> None:
    try:
        for row in _inline(suite, examples, make, config, seed):
            done.put(row)
    except Exception as error:
        done.put(str(error) or repr(error))


def _next(done: "Queue[Row | str]", workers: Sequence[BaseProcess]) -> Row:
    while True:
        try:
            row = done.get(timeout=_POLL_S)
        except Empty:
            if any(worker.exitcode for worker in workers):
                raise EvaluationError(
                    "a process of the evaluation ended; run it again to go on, or use --jobs 1"
                ) from None
            continue
        if isinstance(row, str):
            raise EvaluationError(row)
        return row
