"""The generator: one slot of user audio in, the decision and audio of the assistant's next slot out, for all rows.

`RowGroup.step` has the order of work in a slot; a row group is a few conversations that one step runs together. Nothing
here depends on whose conversations the rows are, on clocks or on files.
"""

import os
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from time import perf_counter
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from configs.base import ConfigError
from duplex.model.interface import ConversationOptions, Recognition, Samples, SlotResult
from duplex.model.language_models.answers import AnswerSource
from duplex.model.layouts.tdm.mind import EmbeddedMind
from duplex.model.layouts.tdm.row_group import RowGroup
from duplex.model.layouts.tdm.tdm_model import TdmModel
from duplex.model.layouts.tdm.text_assistant import TextAssistant
from duplex.model.text.spoken import list_spoken_words

LONGEST_WRITTEN = 120
"""Tokens after which a written answer is cut."""
_LOWER: Final = 5
"""How much lower the priority of the recogniser is (`nice`)."""
_WEIGHT: Final = 0.2
"""Weight of the newest step in the running mean of their times."""


class TdmGenerator:
    """`SlotGenerator` over a `TdmModel`: rows in groups of `rows_per_step`, each with its own states.

    The source of words runs in a worker thread in parallel with the steps; its words enter one slot later, whether it
    was quick or the step had to wait for it. Without `beside` it runs within the step; the results are the same. A
    live step does not wait for long (`be_punctual`).
    """

    def __init__(
        self,
        model: TdmModel,
        rows: int,
        beside: bool = True,
        answers: AnswerSource | None = None,
        now: Callable[[], float] = perf_counter,
    ) -> None:
        """`now`: seconds, for the deadlines of words."""
        size = min(rows, model.mind.config.rows_per_step)
        self._model, self._now = model, now
        self.rows, self.shares_steps = rows, size > 1
        self.fingerprint = model.fingerprint
        self.delay_ms = model.voice.detokenizer.delay_ms
        self._worker: Executor | None = ThreadPoolExecutor(1, "transcriber", _give_way) if beside else None
        self._groups = [
            RowGroup(model, min(size, rows - first), self._worker, answers, first, now)
            for first in range(0, rows, size)
        ]
        self._size = size
        self._budget_s: float | None = None
        self._work_s = 0.0
        self._rehearsing: set[int] = set()

    def open(self, row: int, options: ConversationOptions) -> None:
        """Begin a new conversation in `row`.

        Raises:
            ValueError: the system prompt is too long for the model.
        """
        group, within = divmod(row, self._size)
        self._groups[group].open(within, options)
        self._rehearsing.discard(row)

    def step(self, pcm: Samples, active: NDArray[np.bool_]) -> list[SlotResult | None]:
        """Run one slot for every active row: pcm [rows, 3200], active [rows]."""
        began = self._now()
        waits = self._budget_s is None or bool(self._rehearsing)
        deadline = None if waits else began + (self._budget_s or 0.0) - self._work_s
        results: list[SlotResult | None] = []
        waited = 0.0
        for index, group in enumerate(self._groups):
            span = slice(index * self._size, index * self._size + group.size)
            if active[span].any():
                results += group.step(torch.from_numpy(pcm[span]), torch.from_numpy(active[span]), deadline)
                waited += group.waited_s
            else:
                results += [None] * group.size
        work = self._now() - began - waited
        self._work_s += _WEIGHT * (work - self._work_s)
        return results

    def be_punctual(self, budget_s: float) -> None:
        """Live: a step waits for words only if it can still end `budget_s` after its beginning."""
        self._budget_s = budget_s

    def hold_words(self, row: int) -> None:
        """A replay or a rehearsal: the words of the row's next slot were late."""
        group, within = divmod(row, self._size)
        self._groups[group].hold_words(within)

    def mark_absent(self, row: int) -> None:
        """Nobody hears the assistant in the row's next slot: an answer is broken off, and none begins."""
        group, within = divmod(row, self._size)
        self._groups[group].mark_absent(within)

    def rehearse(self, row: int, turns: Sequence[tuple[str, str]], known: Sequence[Recognition] = ()) -> None:
        """See `RehearsingGenerator.rehearse`; steps then wait for words, as those of a replay do."""
        self._rehearsing.add(row)
        group, within = divmod(row, self._size)
        self._groups[group].recall(within, turns, known)

    def end_rehearsal(self, row: int) -> None:
        """See `RehearsingGenerator.end_rehearsal`."""
        self._rehearsing.discard(row)

    @property
    def writes(self) -> bool:
        """Whether the model reads written questions."""
        return isinstance(self._model.mind, EmbeddedMind)

    def write(self, question: str) -> str:
        """Answer a written question greedily, in lower case and in a conversation of its own (pattern T2T).

        Raises:
            ConfigError: the model does not read.
        """
        model, mind = self._model, self._model.mind
        if not isinstance(mind, EmbeddedMind):
            raise ConfigError(f"'{mind.config.name}' understands speech but no written text; ask it aloud")
        assistant = TextAssistant(
            mind.core, mind.tokenizer, mind.config.schedule, LONGEST_WRITTEN, model.lean_to_refusal
        )
        (answer,) = assistant.answer(model.mind.config.system_prompt, [" ".join(list_spoken_words(question))])
        return answer

    def close(self) -> None:
        """Stop the worker thread."""
        if self._worker is not None:
            self._worker.shutdown(wait=True, cancel_futures=True)


def _give_way() -> None:
    """Lower the priority of this thread: the steps, which other conversations wait for too, go first."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.getpriority(os.PRIO_PROCESS, 0) + _LOWER)
