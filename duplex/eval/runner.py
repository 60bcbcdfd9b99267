"""Holds the conversations of a suite, in this process or in several, and keeps their rows.

This module handles suites and processes, whatever is measured.
"""

import multiprocessing
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from multiprocessing.queues import Queue
from pathlib import Path
from queue import Empty

from configs.eval.evaluation import EvaluationConfig
from duplex.eval.conversation_record import Converse, MakeSystem, System
from duplex.eval.errors import EvaluationError
from duplex.eval.store import RowStore, audio_file, save_audio
from duplex.eval.suite import DialogueRow, Example, FinishedDialogue, Suite, row_of
from duplex.eval.users.conditions import NO_CONDITIONS, Conditions

OnRow = Callable[[DialogueRow], None]
_POLL_S = 0.5


def limit_groups(examples: Sequence[Example], limit: int | None) -> list[Example]:
    """The first `limit` examples of every group; all if there is no limit."""
    seen: Counter[str] = Counter()
    kept = []
    for example in examples:
        seen[example.group] += 1
        if limit is None or seen[example.group] <= limit:
            kept.append(example)
    return kept


@dataclass(frozen=True)
class Experiment:
    """Everything needed to make rows from examples; picklable.

    Attributes:
        suite: scores the conversations. make: loads the system. config: the definitions.
        seed: seed of the run; a conversation's seed depends only on it and on the example's id.
        audio: folder for the sound of every conversation; None keeps no sound.
        conditions: what lies between the user and the system.
    """

    suite: Suite
    make: MakeSystem
    config: EvaluationConfig
    seed: int = 0
    audio: Path | None = None
    conditions: Conditions = NO_CONDITIONS

    def row(self, example: Example, system: System) -> DialogueRow:
        """One conversation and its score."""
        seed = zlib.crc32(f"{self.seed}/{example.id}".encode())
        user = self.conditions.user(example.script, self.config, seed)
        recording = _converse(system, example)(user, seed)
        written = system.write(example.written) if system.write and example.written else None
        if self.audio:
            save_audio(self.audio, example.id, recording)
        return row_of(self.suite, FinishedDialogue(example, recording, user.played, written), self.config)

    def is_done(self, example: Example, store: RowStore) -> bool:
        """Whether this example is finished."""
        return example.id in store.rows and (self.audio is None or audio_file(self.audio, example.id).is_file())


def run(
    experiment: Experiment,
    examples: Sequence[Example],
    store: RowStore,
    jobs: int = 1,
    on_row: OnRow = lambda row: None,
) -> list[DialogueRow]:
    """Make the rows of all `examples`, in order; finished ones are not made again.

    Raises:
        EvaluationError: the data cannot be read, or a process ended.
    """
    left = [example for example in examples if not experiment.is_done(example, store)]
    for row in rows(experiment, left, jobs):
        store.add(row)
        on_row(row)
    return [store.rows[example.id] for example in examples]


def rows(experiment: Experiment, examples: Sequence[Example], jobs: int = 1) -> Iterator[DialogueRow]:
    """Yield the rows of the examples as they are finished; with several jobs they are not in order.

    Raises:
        EvaluationError: the data cannot be read, or a process ended.
    """
    return _inline(experiment, examples) if jobs == 1 else _parallel(experiment, examples, jobs)


def _converse(system: System, example: Example) -> Converse:
    if example.policy is None:
        return system.converse
    if system.under is None:
        raise EvaluationError("the system has no state policy that could be replaced; measure it as it is")
    return system.under(example.policy)


def _inline(experiment: Experiment, examples: Sequence[Example]) -> Iterator[DialogueRow]:
    if examples:
        system = experiment.make()
        yield from (experiment.row(example, system) for example in examples)


def _parallel(experiment: Experiment, examples: Sequence[Example], jobs: int) -> Iterator[DialogueRow]:
    """Every process takes every `jobs`-th example and loads the system once."""
    context = multiprocessing.get_context("spawn")
    done: Queue[DialogueRow | str] = context.Queue()
    shares = [share for start in range(jobs) if (share := examples[start::jobs])]
    workers: list[BaseProcess] = [
        context.Process(target=_work, args=(experiment, share, done), daemon=True) for share in shares
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


def _work(experiment: Experiment, examples: Sequence[Example], done: "Queue[DialogueRow | str]") -> None:
    """Put a row for every example, while the parent process waits for them."""
    parent = multiprocessing.parent_process()
    try:
        for row in _inline(experiment, examples):
            if parent is None or not parent.is_alive():
                return
            done.put(row)
    except Exception as error:
        done.put(str(error) or repr(error))


def _next(done: "Queue[DialogueRow | str]", workers: Sequence[BaseProcess]) -> DialogueRow:
    while True:
        try:
            row = done.get(timeout=_POLL_S)
        except Empty:
            if any(worker.exitcode for worker in workers):
                raise EvaluationError(
                    "a process of the evaluation ended; run it again to continue, or use --jobs 1"
                ) from None
            continue
        if isinstance(row, str):
            raise EvaluationError(row)
        return row
