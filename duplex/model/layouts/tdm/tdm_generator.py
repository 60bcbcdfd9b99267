"""The generator: one slot of user audio in, the decision and audio of the assistant's next slot out, for all rows.

`RowGroup.step` has the order of work in a slot; a row group is a few conversations that one step runs together. Nothing
here depends on whose conversations the rows are, on clocks or on files.
"""

from concurrent.futures import Executor, ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray

from configs.base import ConfigError
from duplex.model.interface import ConversationOptions, Samples, SlotResult
from duplex.model.language_models.answers import AnswerSource
from duplex.model.layouts.tdm.mind import EmbeddedMind
from duplex.model.layouts.tdm.row_group import RowGroup
from duplex.model.layouts.tdm.tdm_model import TdmModel
from duplex.model.layouts.tdm.text_assistant import TextAssistant
from duplex.model.text.spoken import list_spoken_words

LONGEST_WRITTEN = 120
"""Tokens after which a written answer is cut."""


class TdmGenerator:
    """`SlotGenerator` over a `TdmModel`: rows in groups of `rows_per_step`, each with its own states.

    The source of words runs in a worker thread in parallel with the steps; its words enter exactly one slot later,
    whether it was quick or the step had to wait for it. Without `beside` it runs within the step; the results are the
    same.
    """

    def __init__(self, model: TdmModel, rows: int, beside: bool = True, answers: AnswerSource | None = None) -> None:
        size = min(rows, model.mind.config.rows_per_step)
        self._model = model
        self.rows = rows
        self.fingerprint = model.fingerprint
        self.delay_ms = model.voice.detokenizer.delay_ms
        self._worker: Executor | None = ThreadPoolExecutor(1, "transcriber") if beside else None
        self._groups = [
            RowGroup(model, min(size, rows - first), self._worker, answers, first) for first in range(0, rows, size)
        ]
        self._size = size

    def open(self, row: int, options: ConversationOptions) -> None:
        """Begin a new conversation in `row`.

        Raises:
            ValueError: the system prompt is too long for the model.
        """
        group, within = divmod(row, self._size)
        self._groups[group].open(within, options)

    def step(self, pcm: Samples, active: NDArray[np.bool_]) -> list[SlotResult | None]:
        """Run one slot for every active row: pcm [rows, 3200], active [rows]."""
        results: list[SlotResult | None] = []
        for index, group in enumerate(self._groups):
            span = slice(index * self._size, index * self._size + group.size)
            if active[span].any():
                results += group.step(torch.from_numpy(pcm[span]), torch.from_numpy(active[span]))
            else:
                results += [None] * group.size
        return results

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
