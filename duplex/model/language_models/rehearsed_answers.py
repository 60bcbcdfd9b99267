"""Live answers for conversations that are given again what they were, after the engine that held them was lost.

While a row rehearses, what came is given to it and nobody is asked; an answer that was under way goes on afterwards.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from configs.model.language_models import LanguageModelConfig
from duplex.model.interface import Came
from duplex.model.language_models.answers import LiveAnswers
from duplex.model.language_models.interface import ChatMessage, LanguageModel
from duplex.model.tools.tool_runner import ToolRunner

_LOST: Final = "The rest of the answer was lost, because the engine had to be started again. Ask again."


@dataclass
class _Rehearsal:
    """A row that rehearses: what came with its next slot; what was asked last, and what has come of that."""

    came: Came | None = None
    asked: tuple[ChatMessage, ...] | None = None
    text: str = ""
    confirmed: bool = False
    called: bool = False


class RehearsedAnswers(LiveAnswers):
    """`LiveAnswers` whose rows can rehearse."""

    def __init__(
        self, model: LanguageModel, config: LanguageModelConfig, rows: int, tools: ToolRunner | None = None
    ) -> None:
        """See `LiveAnswers`."""
        super().__init__(model, config, rows, tools)
        self._rehearsals: list[_Rehearsal | None] = [None] * rows

    def rehearse(self, row: int) -> None:
        """The next slots of the row are old: what came with them is given."""
        self._rehearsals[row] = _Rehearsal()

    def give(self, row: int, came: Came) -> None:
        """What came by the next slot of a row that rehearses."""
        if rehearsal := self._rehearsals[row]:
            rehearsal.came = came

    def end_rehearsal(self, row: int) -> None:
        """The next slot of the row is new: an answer that was under way goes on.

        It ends where that is impossible: functions may have been called for it, or the model cannot go on with a text.
        """
        rehearsal, self._rehearsals[row] = self._rehearsals[row], None
        if rehearsal is None or rehearsal.asked is None:
            return
        text = rehearsal.text.strip()
        if rehearsal.called or (text and not self._model.continues):
            self._left[row] = Came(finished=True, error=_LOST)
            return
        self.ask(row, [*rehearsal.asked, ChatMessage("assistant", text)] if text else rehearsal.asked)
        if rehearsal.confirmed:
            self.confirm(row)

    def open(self, row: int, tools: Collection[str] | None = None) -> None:
        """See `AnswerSource.open`."""
        self._rehearsals[row] = None
        super().open(row, tools)

    def ask(self, row: int, messages: Sequence[ChatMessage]) -> None:
        """See `AnswerSource.ask`."""
        if rehearsal := self._rehearsals[row]:
            rehearsal.asked, rehearsal.text = tuple(messages), ""
            rehearsal.confirmed = rehearsal.called = False
        else:
            super().ask(row, messages)

    def confirm(self, row: int) -> None:
        """See `AnswerSource.confirm`."""
        if rehearsal := self._rehearsals[row]:
            rehearsal.confirmed = True
        else:
            super().confirm(row)

    def resume(self, row: int, messages: Sequence[ChatMessage], rest: Sequence[str]) -> None:
        """See `AnswerSource.resume`."""
        if self._rehearsals[row]:
            self.ask(row, messages)
        else:
            super().resume(row, messages, rest)

    def prefill(self, row: int, messages: Sequence[ChatMessage]) -> None:
        """See `AnswerSource.prefill`."""
        if not self._rehearsals[row]:
            super().prefill(row, messages)

    def drop(self, row: int) -> None:
        """See `AnswerSource.drop`."""
        if rehearsal := self._rehearsals[row]:
            rehearsal.asked = None
        else:
            super().drop(row)

    def poll(self, row: int) -> Came | None:
        """See `AnswerSource.poll`."""
        rehearsal = self._rehearsals[row]
        if rehearsal is None:
            return super().poll(row)
        came, rehearsal.came = rehearsal.came, None
        if came is not None:
            rehearsal.text += came.text
            rehearsal.called = rehearsal.called or bool(came.started)
            rehearsal.asked = None if came.finished else rehearsal.asked
        return came
