"""Answers for the rows of a generator: what a row asks, and what came for it by each slot.

Everything that a language model adds to a conversation enters it as one `Came` a slot, which the slot log keeps. A
replay hands the logged ones in again (`LoggedAnswers`) and needs no language model.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from configs.audio import AUDIO
from configs.model.language_models import LanguageModelConfig
from duplex.model.interface import Came
from duplex.model.language_models.dialogue import uncut
from duplex.model.language_models.interface import ChatMessage, Generation, LanguageModel, LlmError
from duplex.model.language_models.phrases import PhraseGate

_WRITTEN: Final = -1
"""Conversation of written questions: no row has it."""


class AnswerSource(Protocol):
    """Answers in writing for B rows. No call waits, but `poll` on a virtual clock."""

    config: LanguageModelConfig
    fingerprint: str
    """Identifies the language model and its settings; "" where none answers."""
    reason: str
    """Why no language model answers, one line; "" where one does."""

    def open(self, row: int) -> None:
        """A new conversation in `row`: what was under way there is forgotten."""
        ...

    def ask(self, row: int, messages: Sequence[ChatMessage]) -> None:
        """Begin an answer; what was under way in the row is dropped."""
        ...

    def resume(self, row: int, messages: Sequence[ChatMessage], rest: Sequence[str]) -> None:
        """Go on with the last answer of `messages`, which was cut before it was written to its end, as the user asks.

        Args:
            rest: words that were written of it and not heard.
        """
        ...

    def prefill(self, row: int, messages: Sequence[ChatMessage]) -> None:
        """The user is still speaking; these are the messages so far."""
        ...

    def drop(self, row: int) -> None:
        """Nobody wants the answer any more."""
        ...

    def write(self, question: str) -> str:
        """The answer to a question in a conversation of its own; waits for it.

        Raises:
            LlmError: the language model failed.
        """
        ...

    def poll(self, row: int) -> Came | None:
        """What came since the last slot of the row, None where nothing did; called once a slot."""
        ...

    def close(self) -> None:
        """End threads and processes."""
        ...


@dataclass
class _Request:
    """An answer under way. `begun`: text that it begins with. `slots`: how long ago it was asked for."""

    generation: Generation
    gate: PhraseGate
    begun: str = ""
    slots: int = 0


class LiveAnswers:
    """`AnswerSource` over a language model. `virtual`: slots do not take their time; wait for what would have come."""

    def __init__(self, model: LanguageModel, config: LanguageModelConfig, rows: int) -> None:
        self.config = config
        self.fingerprint, self.reason = model.fingerprint, ""
        self.virtual = False
        self._model = model
        self._requests: list[_Request | None] = [None] * rows

    def open(self, row: int) -> None:
        """See `AnswerSource.open`."""
        self.drop(row)
        self._model.forget(row)

    def ask(self, row: int, messages: Sequence[ChatMessage]) -> None:
        """See `AnswerSource.ask`."""
        self.drop(row)
        self._requests[row] = _Request(self._model.generate(row, messages), PhraseGate())

    def resume(self, row: int, messages: Sequence[ChatMessage], rest: Sequence[str]) -> None:
        """See `AnswerSource.resume`. A language model that cannot go on with a message is asked for its next one."""
        if not self._model.continues:
            self.ask(row, messages)
            return
        self.ask(row, uncut(messages, rest))
        request = self._requests[row]
        assert request is not None
        request.begun = "".join(f"{word} " for word in rest)

    def prefill(self, row: int, messages: Sequence[ChatMessage]) -> None:
        """See `AnswerSource.prefill`."""
        self._model.prefill(row, messages)

    def drop(self, row: int) -> None:
        """See `AnswerSource.drop`."""
        request, self._requests[row] = self._requests[row], None
        if request is not None:
            request.generation.cancel()

    def write(self, question: str) -> str:
        """See `AnswerSource.write`."""
        prompt = self.config.system_prompt
        system = [ChatMessage("system", prompt)] if prompt else []
        pieces = self._model.generate(_WRITTEN, [*system, ChatMessage("user", question)]).take(until_ms=math.inf)
        self._model.forget(_WRITTEN)
        if error := pieces[-1].error if pieces else "the language model gave no answer; ask again":
            raise LlmError(error)
        return "".join(piece.text for piece in pieces).strip()

    def poll(self, row: int) -> Came | None:
        """See `AnswerSource.poll`."""
        request = self._requests[row]
        if request is None:
            return None
        request.slots += 1
        until = request.slots * AUDIO.slot_ms if self.virtual else None
        came = request.gate.pass_on(request.generation.take(until))
        if request.begun:
            came = replace(came or Came(), text=request.begun + (came.text if came else ""))
            request.begun = ""
        if came is not None and came.finished:
            self._requests[row] = None
        return came

    def close(self) -> None:
        """See `AnswerSource.close`."""
        for row in range(len(self._requests)):
            self.drop(row)
        self._model.close()


class MissingAnswers:
    """`AnswerSource` where the language model cannot be had and the embedded mind answers alone.

    No question gets an answer; the first one of a conversation gets the reason, so that its user is told.
    """

    def __init__(self, config: LanguageModelConfig, reason: str, rows: int) -> None:
        """`reason`: why it cannot be had, one line."""
        self.config = config
        self.fingerprint, self.reason = "", reason
        self._asked = [False] * rows
        self._told = [False] * rows

    def open(self, row: int) -> None:
        """See `AnswerSource.open`."""
        self._asked[row] = self._told[row] = False

    def ask(self, row: int, messages: Sequence[ChatMessage]) -> None:
        """See `AnswerSource.ask`."""
        self._asked[row] = True

    def resume(self, row: int, messages: Sequence[ChatMessage], rest: Sequence[str]) -> None:
        """See `AnswerSource.resume`."""
        self.ask(row, messages)

    def prefill(self, row: int, messages: Sequence[ChatMessage]) -> None:
        """Nobody reads."""

    def drop(self, row: int) -> None:
        """See `AnswerSource.drop`."""
        self._asked[row] = False

    def write(self, question: str) -> str:
        """See `AnswerSource.write`."""
        raise LlmError(self.reason)

    def poll(self, row: int) -> Came | None:
        """See `AnswerSource.poll`."""
        if not self._asked[row]:
            return None
        error = "" if self._told[row] else self.reason
        self._asked[row], self._told[row] = False, True
        return Came(finished=True, error=error)

    def close(self) -> None:
        """Nothing to end."""


class LoggedAnswers:
    """`AnswerSource` of a replay: what came is given by `give` before each step, whatever is asked."""

    def __init__(self, config: LanguageModelConfig, rows: int) -> None:
        self.config = config
        self.fingerprint, self.reason = "", "a replay takes what the log holds"
        self._came: list[Came | None] = [None] * rows

    def give(self, row: int, came: Came | None) -> None:
        """What came by the row's next slot."""
        self._came[row] = came

    def open(self, row: int) -> None:
        """See `AnswerSource.open`."""
        self._came[row] = None

    def ask(self, row: int, messages: Sequence[ChatMessage]) -> None:
        """Nobody is asked."""

    def resume(self, row: int, messages: Sequence[ChatMessage], rest: Sequence[str]) -> None:
        """Nobody is asked."""

    def prefill(self, row: int, messages: Sequence[ChatMessage]) -> None:
        """Nobody is asked."""

    def drop(self, row: int) -> None:
        """Nobody was asked."""

    def write(self, question: str) -> str:
        """See `AnswerSource.write`."""
        raise LlmError("a replay asks nobody; give --llm without a log")

    def poll(self, row: int) -> Came | None:
        """See `AnswerSource.poll`."""
        came, self._came[row] = self._came[row], None
        return came

    def close(self) -> None:
        """Nothing to end."""
