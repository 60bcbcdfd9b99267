"""One answer of a language model that may call functions: it is asked again with their results until it calls no more.

Functions may have effects, so none is called before someone is certain to want the answer (`confirm`): a model may be
asked while the user is still speaking. Knows pieces, calls and times; knows no rows.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from duplex.model.interface import Came, EndedCall, StartedCall
from duplex.model.language_models.dialogue import NOT_AWAITED
from duplex.model.language_models.interface import ChatMessage, LanguageModel, RequestedCall
from duplex.model.language_models.phrases import PhraseGate
from duplex.model.tools.calls import read_call
from duplex.model.tools.tool_runner import Running, ToolRunner

_NO_MORE: Final = "no more calls are possible now; answer with what you know"
_ENDLESS: Final = (
    "The language model calls functions again and again without an answer. Ask in other words, take another model, or "
    "leave out --tools."
)


class AnswerRounds:
    """One answer. In each round the model writes, and the functions that it calls run beside each other."""

    def __init__(
        self,
        model: LanguageModel,
        conversation: int,
        messages: Sequence[ChatMessage],
        runner: ToolRunner,
        begun: str = "",
        quick: bool = False,
    ) -> None:
        """Begins to ask. `runner`: the functions that the model may call. `begun`: text that the answer begins with.
        `quick`: see `PhraseGate`."""
        self._model, self._conversation, self._runner = model, conversation, runner
        self._messages = tuple(messages)
        self._begun, self._was_quick = begun, quick
        self._confirmed = False
        self._rounds = 0
        self._requested: tuple[RequestedCall, ...] = ()
        self._running: list[Running] = []
        self._fresh: tuple[StartedCall, ...] = ()
        self._used: set[str] = set()
        self._ask()

    @property
    def quick(self) -> bool:
        """Whether the model writes faster than one speaks: in this answer, or else in the one before."""
        return self._was_quick if self._gate.quick is None else self._gate.quick

    def confirm(self) -> None:
        """The answer is wanted for certain: from now on functions may be called."""
        self._confirmed = True
        if self._requested and not self._running:
            self._start()

    def poll(self, wait_ms: float | None = None) -> Came | None:
        """What came since the last call; the last one is `finished`. None where nothing came.

        Args:
            wait_ms: wait until the model, or the calls, have had so much more time; infinity waits until they are
                done. None takes what is there.
        """
        self._age_ms += wait_ms or 0.0
        until_ms = None if wait_ms is None else self._age_ms
        came = self._poll_calls(until_ms) if self._running else self._poll_text(until_ms)
        started, self._fresh = self._fresh, ()
        begun, self._begun = self._begun, ""
        if not (started or begun):
            return came
        came = came or Came()
        return replace(came, text=begun + came.text, started=started)

    def cancel(self) -> Came | None:
        """Nobody wants the answer any more: what is still to be told of calls that began, None where none did.

        A function that runs cannot be stopped; its result is dropped.
        """
        self._generation.cancel()
        if not self._running:
            return None
        ended = tuple(EndedCall(call.id, NOT_AWAITED, failed=True) for call in self._requested)
        return Came(started=self._fresh, ended=ended)

    def _ask(self) -> None:
        self._generation = self._model.generate(self._conversation, self._messages, self._runner.definitions)
        self._gate = PhraseGate(self._was_quick)
        self._age_ms = 0.0

    def _poll_text(self, until_ms: float | None) -> Came | None:
        pieces = self._generation.take(until_ms)
        came = self._gate.pass_on(pieces)
        calling = next((piece for piece in pieces if piece.finish == "calls"), None)
        return came if came is None or calling is None else self._take_calls(calling.calls, came.text)

    def _take_calls(self, calls: Sequence[RequestedCall], text: str) -> Came | None:
        """The model has written `text` and calls functions."""
        self._rounds += 1
        if self._rounds > self._runner.config.rounds + 1:
            return Came(text, finished=True, error=_ENDLESS)
        self._requested = tuple(self._with_own_id(call) for call in calls)
        if self._confirmed:
            self._start()
        return Came(f"{text.rstrip()} ") if text.strip() else None

    def _start(self) -> None:
        calls = enumerate(self._requested)
        self._running = [self._runner.start(read_call(call.name, call.arguments), self._refuse(n)) for n, call in calls]
        self._began, self._age_ms = self._runner.now(), 0.0
        self._fresh = tuple(StartedCall(call.id, call.name, call.arguments) for call in self._requested)

    def _refuse(self, place: int) -> str:
        """Why the call at a place is not run; "" if it is."""
        limits = self._runner.config
        if self._rounds > limits.rounds:
            return _NO_MORE
        return "" if place < limits.calls else f"more than {limits.calls} calls at once; call again for the rest"

    def _poll_calls(self, until_ms: float | None) -> Came | None:
        if until_ms is not None:
            for running in self._running:
                running.wait(self._began + until_ms / 1000)
        if not all(running.done for running in self._running):
            return None
        results = [running.result() for running in self._running]
        pairs = list(zip(self._requested, results, strict=True))
        told = [ChatMessage("tool", result.content, call_id=call.id) for call, result in pairs]
        self._messages += (ChatMessage("assistant", self._gate.text, self._requested), *told)
        self._requested, self._running = (), []
        self._ask()
        return Came(ended=tuple(EndedCall(call.id, result.content, result.failed) for call, result in pairs))

    def _with_own_id(self, call: RequestedCall) -> RequestedCall:
        """Some models number the calls of each round from 0."""
        own = call.id if call.id not in self._used else f"{call.id}_{len(self._used)}"
        self._used.add(own)
        return replace(call, id=own)
