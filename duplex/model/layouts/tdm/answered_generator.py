"""The generator of a TDM model whose answers, all or some, a language model writes.

Ears, state head, refined head and detokenizer are the TDM model's. Knows the generator and where answers come from.
"""

import hashlib
from collections.abc import Sequence

from duplex.model.interface import Came, Recognition
from duplex.model.language_models.answers import AnswerSource, LiveAnswers, LoggedAnswers, Told, ignore
from duplex.model.language_models.rehearsed_answers import RehearsedAnswers
from duplex.model.layouts.tdm.tdm_generator import TdmGenerator
from duplex.model.layouts.tdm.tdm_model import TdmModel


class AnsweredGenerator(TdmGenerator):
    """`SlotGenerator` and `PatternGenerator`: users may write to it, and its history keeps what was heard."""

    patterns = ("S2M",)

    def __init__(self, model: TdmModel, answers: AnswerSource, rows: int, beside: bool = True) -> None:
        super().__init__(model, rows, beside, answers)
        self._answers = answers
        self.llm, self.tools = answers.config, answers.tools
        self.llm_fingerprint, self.llm_missing = answers.fingerprint, answers.reason
        settings = f"{model.fingerprint} {answers.config.answers} {answers.config.speculates}"
        self.fingerprint = hashlib.sha256(settings.encode()).hexdigest()[:16]

    def tell(self, row: int, text: str) -> None:
        """The user writes: an answer follows when there are words; one that is under way is broken off."""
        group, within = divmod(row, self._size)
        self._groups[group].tell(within, text)

    def mark_unheard(self, row: int, milliseconds: float) -> None:
        """So much of the answer that was cut with the last step was taken back before it sounded."""
        group, within = divmod(row, self._size)
        self._groups[group].mark_unheard(within, milliseconds)

    def write(self, question: str, told: Told = ignore) -> str:
        """Answer to a written question, in a conversation of its own (pattern T2T).

        Args:
            told: is given all that comes from the language model, calls of functions too.

        Raises:
            LlmError: the language model failed.
        """
        if self.llm.answers == "unknown":
            answer = super().write(question)
            if answer != self._model.mind.config.refusal:
                return answer
        return self._answers.write(question, told)

    def use_virtual_time(self) -> None:
        """Slots do not take the time that they stand for: wait for what a language model would have written by then."""
        if isinstance(self._answers, LiveAnswers):
            self._answers.virtual = True

    def give(self, row: int, came: Came) -> None:
        """A replay or a rehearsal: what came by the row's next slot."""
        if isinstance(self._answers, LoggedAnswers | RehearsedAnswers):
            self._answers.give(row, came)

    def rehearse(self, row: int, turns: Sequence[tuple[str, str]], known: Sequence[Recognition] = ()) -> None:
        """See `RehearsingGenerator.rehearse`."""
        super().rehearse(row, turns, known)
        if isinstance(self._answers, RehearsedAnswers):
            self._answers.rehearse(row)

    def end_rehearsal(self, row: int) -> None:
        """See `RehearsingGenerator.end_rehearsal`."""
        super().end_rehearsal(row)
        if isinstance(self._answers, RehearsedAnswers):
            self._answers.end_rehearsal(row)

    def close(self) -> None:
        """Stop the worker thread and the language model."""
        super().close()
        self._answers.close()
