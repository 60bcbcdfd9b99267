"""Answers for the rows of a generator: what a row asks, and what came for it by each slot.

Everything that a language model adds to a conversation enters it as one `Came` a slot, which the slot log keeps. A
replay hands the logged ones in again (`LoggedAnswers`) and needs no language model.
"""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Final, Protocol

from configs.audio import AUDIO
from configs.model.language_models import LanguageModelConfig
from duplex.model.interface import Came, OfferedTool
from duplex.model.language_models.answer_rounds import AnswerRounds
from duplex.model.language_models.dialogue import uncut
from duplex.model.language_models.interface import ChatMessage, LanguageModel, LlmError
from duplex.model.tools.tool_runner import ToolRunner

_WRITTEN: Final = -1
"""Conversation of written questions: no row has it."""
_NO_ANSWER: Final = "the language model gave no answer; ask again"
Told = Callable[[Came], None]


def ignore(came: Came) -> None:
    """Nobody is told."""


class AnswerSource(Protocol):
    """Answers in writing for B rows. No call waits, but `poll` on a virtual clock."""

    config: LanguageModelConfig
    tools: tuple[OfferedTool, ...]
    """Functions that the language model may call."""
    fingerprint: str
    """Identifies the language model and its settings; "" where none answers."""
    reason: str
    """Why no language model answers, one line; "" where one does."""

    def open(self, row: int, tools: Collection[str] | None = None) -> None:
        """A new conversation in `row`: what was under way there is forgotten.

        Args:
            tools: names of the functions that may be called in it; None allows all of them.

        Raises:
            ConfigError: there is no function of that name.
        """
        ...

    def ask(self, row: int, messages: Sequence[ChatMessage]) -> None:
        """Begin an answer; what was under way in the row is dropped. It calls no functions before `confirm`."""
        ...

    def confirm(self, row: int) -> None:
        """The answer is wanted for certain: it may call functions, which may have effects."""
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

    def write(self, question: str, told: Told = ignore) -> str:
        """The answer to a question in a conversation of its own; waits for it.

        Args:
            told: is given all that comes, calls of functions too.

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


class LiveAnswers:
    """`AnswerSource` over a language model. `virtual`: slots do not take their time; wait for what would have come."""

    def __init__(
        self, model: LanguageModel, config: LanguageModelConfig, rows: int, tools: ToolRunner | None = None
    ) -> None:
        """`tools`: functions that the language model may call."""
        self.config = config
        self.fingerprint, self.reason = model.fingerprint, ""
        self.virtual = False
        self._model = model
        self._runner = tools or ToolRunner([])
        self.tools = tuple(OfferedTool(tool.name, tool.description) for tool in self._runner.tools.values())
        self._runners = [self._runner] * rows
        self._answers: list[AnswerRounds | None] = [None] * rows
        self._left: list[Came | None] = [None] * rows
        self._quick = False

    def open(self, row: int, tools: Collection[str] | None = None) -> None:
        """See `AnswerSource.open`."""
        self._runners[row] = self._runner.only(tools)
        self.drop(row)
        self._left[row] = None
        self._model.forget(row)

    def ask(self, row: int, messages: Sequence[ChatMessage]) -> None:
        """See `AnswerSource.ask`."""
        self.drop(row)
        self._answers[row] = self._begin(row, messages, self._runners[row])

    def confirm(self, row: int) -> None:
        """See `AnswerSource.confirm`."""
        if (answer := self._answers[row]) is not None:
            answer.confirm()

    def resume(self, row: int, messages: Sequence[ChatMessage], rest: Sequence[str]) -> None:
        """See `AnswerSource.resume`. A language model that cannot go on with a message is asked for its next one."""
        if not self._model.continues:
            self.ask(row, messages)
            return
        self.drop(row)
        begun = "".join(f"{word} " for word in rest)
        self._answers[row] = self._begin(row, uncut(messages, rest), self._runners[row], begun)

    def prefill(self, row: int, messages: Sequence[ChatMessage]) -> None:
        """See `AnswerSource.prefill`."""
        runner = self._runners[row]
        self._model.prefill(row, self._instruct(messages, runner), runner.definitions)

    def drop(self, row: int) -> None:
        """See `AnswerSource.drop`."""
        answer, self._answers[row] = self._answers[row], None
        if answer is not None:
            self._left[row] = _join(self._left[row], answer.cancel())

    def write(self, question: str, told: Told = ignore) -> str:
        """See `AnswerSource.write`."""
        system = [ChatMessage("system", self.config.system_prompt)] if self.config.system_prompt else []
        answer = self._begin(_WRITTEN, [*system, ChatMessage("user", question)], self._runner)
        answer.confirm()
        text, came = "", Came()
        while not came.finished:
            came = answer.poll(math.inf) or Came(finished=True, error=_NO_ANSWER)
            text += came.text
            told(came)
        self._model.forget(_WRITTEN)
        if came.error:
            raise LlmError(came.error)
        return text.strip()

    def poll(self, row: int) -> Came | None:
        """See `AnswerSource.poll`."""
        answer, left = self._answers[row], self._left[row]
        came = answer.poll(AUDIO.slot_ms if self.virtual else None) if answer is not None else None
        if answer is not None and came is not None:
            self._quick = answer.quick
        if came is not None and came.finished:
            self._answers[row] = None
        self._left[row] = None
        return _join(left, came)

    def close(self) -> None:
        """See `AnswerSource.close`."""
        for row in range(len(self._answers)):
            self.drop(row)
        self._model.close()

    def _begin(
        self, conversation: int, messages: Sequence[ChatMessage], runner: ToolRunner, begun: str = ""
    ) -> AnswerRounds:
        return AnswerRounds(self._model, conversation, self._instruct(messages, runner), runner, begun, self._quick)

    def _instruct(self, messages: Sequence[ChatMessage], runner: ToolRunner) -> Sequence[ChatMessage]:
        """The messages, with words on functions behind the system prompt where there are functions."""
        if not (runner.tools and self.config.tool_prompt):
            return messages
        system = [message for message in messages[:1] if message.role == "system"]
        prompt = " ".join([*(message.content for message in system), self.config.tool_prompt])
        return [ChatMessage("system", prompt), *messages[len(system) :]]


def _join(first: Came | None, then: Came | None) -> Came | None:
    """What came of an answer that was dropped, and of the next one."""
    if first is None or then is None:
        return first or then
    return replace(then, started=first.started + then.started, ended=first.ended + then.ended)


class MissingAnswers:
    """`AnswerSource` where the language model cannot be had and the embedded mind answers alone.

    No question gets an answer; the first one of a conversation gets the reason, so that its user is told.
    """

    def __init__(self, config: LanguageModelConfig, reason: str, rows: int) -> None:
        """`reason`: why it cannot be had, one line."""
        self.config = config
        self.tools: tuple[OfferedTool, ...] = ()
        self.fingerprint, self.reason = "", reason
        self._asked = [False] * rows
        self._told = [False] * rows

    def open(self, row: int, tools: Collection[str] | None = None) -> None:
        """See `AnswerSource.open`."""
        self._asked[row] = self._told[row] = False

    def ask(self, row: int, messages: Sequence[ChatMessage]) -> None:
        """See `AnswerSource.ask`."""
        self._asked[row] = True

    def confirm(self, row: int) -> None:
        """Nobody answers."""

    def resume(self, row: int, messages: Sequence[ChatMessage], rest: Sequence[str]) -> None:
        """See `AnswerSource.resume`."""
        self.ask(row, messages)

    def prefill(self, row: int, messages: Sequence[ChatMessage]) -> None:
        """Nobody reads."""

    def drop(self, row: int) -> None:
        """See `AnswerSource.drop`."""
        self._asked[row] = False

    def write(self, question: str, told: Told = ignore) -> str:
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
        self.tools: tuple[OfferedTool, ...] = ()
        self.fingerprint, self.reason = "", "a replay takes what the log holds"
        self._came: list[Came | None] = [None] * rows

    def give(self, row: int, came: Came | None) -> None:
        """What came by the row's next slot."""
        self._came[row] = came

    def open(self, row: int, tools: Collection[str] | None = None) -> None:
        """See `AnswerSource.open`."""
        self._came[row] = None

    def ask(self, row: int, messages: Sequence[ChatMessage]) -> None:
        """Nobody is asked."""

    def confirm(self, row: int) -> None:
        """Nobody is asked."""

    def resume(self, row: int, messages: Sequence[ChatMessage], rest: Sequence[str]) -> None:
        """Nobody is asked."""

    def prefill(self, row: int, messages: Sequence[ChatMessage]) -> None:
        """Nobody is asked."""

    def drop(self, row: int) -> None:
        """Nobody was asked."""

    def write(self, question: str, told: Told = ignore) -> str:
        """See `AnswerSource.write`."""
        raise LlmError("a replay asks nobody; give --llm without a log")

    def poll(self, row: int) -> Came | None:
        """See `AnswerSource.poll`."""
        came, self._came[row] = self._came[row], None
        return came

    def close(self) -> None:
        """Nothing to end."""
