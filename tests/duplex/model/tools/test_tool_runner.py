"""Calls that run: results as text, errors and time limits as words for the model."""

import json
import sys
import threading
from dataclasses import dataclass
from datetime import date

import pytest

from configs.base import ConfigError
from configs.model.tools import ToolsConfig
from duplex.model.tools.records import BrokenCall, ToolCall, ToolResult
from duplex.model.tools.tool_runner import ToolRunner, in_thread
from tests.duplex.model.tools.submits import at_once, never


def add(a: int, b: int) -> int:
    """Add."""
    return a + b


def fails(how: str) -> None:
    """Fail."""
    if how == "exit":
        sys.exit("bye")
    raise TimeoutError("of its own\nin two lines")


def result(runner: ToolRunner, call: ToolCall | BrokenCall) -> ToolResult:
    """Of a call that is run."""
    return runner.start(call).result()


def error(runner: ToolRunner, call: ToolCall | BrokenCall) -> str:
    """What the model is told of a call that fails."""
    failed = result(runner, call)
    assert failed.failed
    text: str = json.loads(failed.content)["error"]
    return text


def test_results_are_text() -> None:
    @dataclass(frozen=True)
    class Day:
        day: date

    runner = ToolRunner([add], submit=at_once)
    assert result(runner, ToolCall("add", {"a": 1, "b": "2"})).content == "3"
    texts = [runner.result_text(value) for value in ("as it is", None, {"ä": [Day(date(2026, 1, 31))]}, iter)]
    assert texts == ["as it is", "null", '{"ä": [{"day": "2026-01-31"}]}', '"<built-in function iter>"']


def test_a_long_result_is_cut() -> None:
    runner = ToolRunner([], ToolsConfig(result_chars=5))
    assert runner.result_text("12345") == "12345"
    assert runner.result_text("1234567") == "12345 ... (2 more characters)"


def test_what_goes_wrong_is_told() -> None:
    runner = ToolRunner([add, fails], submit=at_once)
    assert error(runner, ToolCall("mul", {})) == "there is no function 'mul'; there are: add, fails"
    assert error(runner, ToolCall("add", {"a": 1})).startswith("the arguments do not fit: b: Field required")
    assert error(runner, ToolCall("fails", {"how": "raise"})) == "TimeoutError: of its own in two lines"
    assert error(runner, ToolCall("fails", {"how": "exit"})) == "SystemExit: bye"
    assert error(runner, BrokenCall("{", "it is not valid JSON")).startswith("the call cannot be read: it is not valid")


def test_a_tool_that_hangs_is_timed_out() -> None:
    runner = ToolRunner([add], ToolsConfig(limit_s=0), submit=never)
    running = runner.start(ToolCall("add", {"a": 1, "b": 2}))
    assert running.done
    assert json.loads(running.result().content) == {"error": "timed out after 0 s"}


@pytest.mark.parametrize(("seconds", "failed"), [(3.0, False), (3.5, True)])
def test_a_late_result_is_dropped(seconds: float, failed: bool) -> None:
    time = [0.0]

    def slow() -> str:
        """Take its time."""
        time[0] += seconds
        return "done"

    runner = ToolRunner([slow], ToolsConfig(limit_s=3), submit=at_once, now=lambda: time[0])
    given = result(runner, ToolCall("slow", {}))
    assert (given.failed, "timed out after 3 s" in given.content) == (failed, failed)


def test_threads_of_tools_do_not_hold_the_program() -> None:
    def where() -> bool:
        """Whether this thread is a daemon."""
        return threading.current_thread().daemon and threading.current_thread() is not threading.main_thread()

    assert result(ToolRunner([where], submit=in_thread), ToolCall("where", {})).content == "true"


def test_names_are_unique() -> None:
    with pytest.raises(ConfigError, match="two tools have the same name: add, add"):
        ToolRunner([add, add])
