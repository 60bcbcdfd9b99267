"""Runs calls, each in a thread of its own and with a time limit; every failure becomes a message for the model.

This module handles tools and calls; it does not depend on text or models. A thread cannot be stopped: a tool that hangs
is abandoned, and its late result is dropped. Clock and threads can be injected.
"""

import json
import threading
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_jsonable_python

from configs.base import ConfigError
from configs.model.tools import ToolsConfig
from duplex.model.tools.records import BrokenCall, ToolCall, ToolResult
from duplex.model.tools.tool import BadArguments, Tool, ToolError


@dataclass(frozen=True)
class Outcome:
    """What a tool returned, and when."""

    content: str
    failed: bool
    at: float


ToolJob = Callable[[], Outcome]
Submit = Callable[[ToolJob], "Future[Outcome]"]


@dataclass(frozen=True)
class Running:
    """A call in progress."""

    call: ToolCall | BrokenCall
    limit_s: float
    deadline: float
    outcome: "Future[Outcome]"
    now: Callable[[], float]

    @property
    def done(self) -> bool:
        """Whether `result` returns at once."""
        return self.outcome.done() or self.now() >= self.deadline

    def wait(self, until: float) -> None:
        """Wait for the tool, at most to its time limit or to `until`, seconds on the clock of the runner."""
        wait_for([self.outcome], timeout=max(0.0, min(until, self.deadline) - self.now()))

    def result(self) -> ToolResult:
        """Wait for the tool, at most until its time limit."""
        try:
            outcome = self.outcome.result(timeout=max(0.0, self.deadline - self.now()))
        except TimeoutError:
            return self._late()
        return self._late() if outcome.at > self.deadline else ToolResult(self.call, outcome.content, outcome.failed)

    def _late(self) -> ToolResult:
        return ToolResult(self.call, error_text(f"timed out after {self.limit_s:g} s"), True)


class ToolRunner:
    """The tools of a conversation. Plain functions are converted by `Tool.of`."""

    def __init__(
        self,
        tools: Sequence[Tool | Callable[..., Any]],
        config: ToolsConfig | None = None,
        submit: Submit | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Raises:
            ConfigError: a function cannot be described, or two tools have the same name.
        """
        made = [tool if isinstance(tool, Tool) else Tool.of(tool) for tool in tools]
        self.config = config or ToolsConfig()
        self.tools = {tool.name: tool for tool in made}
        if len(self.tools) < len(made):
            raise ConfigError(f"two tools have the same name: {', '.join(tool.name for tool in made)}; rename one")
        self.now = now
        self._submit = submit or in_thread

    @property
    def definitions(self) -> list[dict[str, Any]]:
        """Definitions that the model is shown."""
        return [tool.definition for tool in self.tools.values()]

    def only(self, names: Collection[str] | None) -> "ToolRunner":
        """The same with some of the tools; None takes all of them.

        Raises:
            ConfigError: there is no tool of that name.
        """
        if unknown := sorted(set(names or ()) - set(self.tools)):
            known = ", ".join(self.tools) or "none"
            raise ConfigError(f"there is no function '{unknown[0]}' here; there are: {known}; correct 'tools'")
        kept = [tool for tool in self.tools.values() if names is None or tool.name in names]
        return ToolRunner(kept, self.config, self._submit, self.now)

    def is_outside(self, call: ToolCall | BrokenCall) -> bool:
        """Whether only the caller of the chat can run it."""
        return isinstance(call, ToolCall) and call.name in self.tools and self.tools[call.name].run is None

    def start(self, call: ToolCall | BrokenCall, refusal: str = "") -> Running:
        """Start a call; one that cannot be run, or for which there is a `refusal`, is done at once, with an error."""
        deadline = self.now() + self.config.limit_s
        fault = refusal or self._fault(call)
        if not fault and isinstance(call, ToolCall):
            outcome = self._submit(lambda: self._run(call))
        else:
            outcome = Future()
            outcome.set_result(Outcome(error_text(fault), True, deadline))
        return Running(call, self.config.limit_s, deadline, outcome, self.now)

    def refuse(self, call: ToolCall | BrokenCall, reason: str) -> ToolResult:
        """The result of a call that is not run."""
        return ToolResult(call, error_text(reason), True)

    def result_text(self, value: Any) -> str:
        """A tool's result as the model reads it."""
        text = (
            value if isinstance(value, str) else json.dumps(to_jsonable_python(value, fallback=str), ensure_ascii=False)
        )
        longest = self.config.result_chars
        return text if len(text) <= longest else f"{text[:longest]} ... ({len(text) - longest} more characters)"

    def _fault(self, call: ToolCall | BrokenCall) -> str:
        if isinstance(call, BrokenCall):
            return f'the call cannot be read: {call.reason}; write {{"name": ..., "arguments": {{...}}}}'
        if call.name not in self.tools:
            return f"there is no function '{call.name}'; there are: {', '.join(self.tools) or 'none'}"
        return ""

    def _run(self, call: ToolCall) -> Outcome:
        run = self.tools[call.name].run
        assert run is not None, f"{call.name} has no code to run it"
        try:
            content, failed = self.result_text(run(call.arguments)), False
        except BadArguments as error:
            content, failed = error_text(f"the arguments do not fit: {error}"), True
        except ToolError as error:
            content, failed = error_text(str(error)), True
        except (Exception, SystemExit) as error:  # whatever a tool does, the conversation must continue
            content, failed = error_text(f"{type(error).__name__}: {error}"), True
        return Outcome(content, failed, self.now())


def error_text(reason: str) -> str:
    """An error as the model reads it."""
    return json.dumps({"error": " ".join(reason.split())}, ensure_ascii=False)


def in_thread(job: ToolJob) -> "Future[Outcome]":
    """Run a job in a thread that the end of the program does not wait for."""
    future: Future[Outcome] = Future()
    threading.Thread(target=lambda: future.set_result(job()), name="tool", daemon=True).start()
    return future
