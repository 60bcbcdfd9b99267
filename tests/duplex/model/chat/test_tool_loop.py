"""The loop of calls, with a scripted model."""

import json

import numpy as np
import pytest

from configs.model.tools import ToolsConfig
from duplex.model.chat.chat_events import (
    AnswerEnded,
    AudioChunk,
    ChatEvent,
    TextPiece,
    ToolCalled,
)
from duplex.model.chat.tool_loop import ToolLoop
from duplex.model.tools.calls import response_text
from duplex.model.tools.records import ToolCall, ToolResult
from duplex.model.tools.tool import Tool
from duplex.model.tools.tool_runner import ToolRunner
from tests.duplex.model.chat.scripted import Part, Scripted, call
from tests.duplex.model.tools.submits import at_once

SOUND = AudioChunk(np.zeros(3, dtype=np.float32))


def double(x: int) -> int:
    """Twice a number."""
    return 2 * x


ASK_USER = Tool.from_definition({"name": "ask_user"}, "test")


def loop(*answers: list[Part], **limits: int) -> tuple[Scripted, ToolLoop]:
    """A loop over a script."""
    model = Scripted(*answers)
    return model, ToolLoop(model, ToolRunner([double, ASK_USER], ToolsConfig(**limits), submit=at_once))


def test_an_answer_without_calls_passes_through() -> None:
    model, turn = loop(["a <b", " c", SOUND])
    assert list(turn.run()) == [TextPiece("a <b", True), TextPiece(" c", True), SOUND, AnswerEnded("end", "a <b c")]
    assert model.told == []


def test_calls_are_answered_and_the_model_goes_on() -> None:
    written = call("double", '{"x": 2}') + "\n" + call("double", '{"x": 5}')
    model, turn = loop(["Wait. ", *written], ["It is 4 and 10."])
    events = list(turn.run())
    results = [event for event in events if isinstance(event, ToolResult)]
    assert [result.content for result in results] == ["4", "10"]
    assert model.told == [response_text(["4", "10"])]
    assert "".join(event.text for event in events if isinstance(event, TextPiece)) == "Wait. \nIt is 4 and 10."
    assert events[-1] == AnswerEnded("end", "It is 4 and 10.")
    assert events.index(ToolCalled(ToolCall("double", {"x": 2}))) < events.index(results[0])


def test_a_call_starts_while_the_answer_still_streams() -> None:
    begun: list[str] = []

    def start() -> str:
        """Begin."""
        begun.append("now")
        return "ok"

    model = Scripted([call("start"), " and more"], ["Done."])
    events = ToolLoop(model, ToolRunner([start], submit=at_once)).run()
    assert isinstance(next(events), ToolCalled)
    assert begun == ["now"]


def test_a_call_is_not_spoken() -> None:
    _, turn = loop(["Hm. ", SOUND, "<tool_call>", SOUND, *call("double", '{"x": 1}')[11:], SOUND], ["Two.", SOUND])
    kinds = [type(event) for event in turn.run()]
    assert kinds == [TextPiece, AudioChunk, ToolCalled, ToolResult, TextPiece, AudioChunk, AnswerEnded]


def test_sound_waits_while_a_call_may_have_begun() -> None:
    for rest, kinds in (("l", [TextPiece, AudioChunk, AudioChunk]), ("tool_call>{}</tool_call>", [ToolCalled])):
        _, turn = loop(["<", SOUND, rest, SOUND], ["Bye."])
        assert [type(event) for event in turn.run()][: len(kinds)] == kinds
    _, turn = loop(["1 <", SOUND])
    assert [type(event) for event in turn.run()] == [TextPiece, TextPiece, AudioChunk, AnswerEnded]


def test_the_model_is_told_of_its_errors() -> None:
    written = ["<tool_call>{broken}</tool_call>", call("triple"), call("double", '{"x": "much"}')]
    model, turn = loop(written, ["Sorry."])
    results = [event for event in turn.run() if isinstance(event, ToolResult)]
    assert [result.failed for result in results] == [True] * 3
    told = [json.loads(line)["error"] for line in model.told[0].splitlines() if line.startswith("{")]
    assert ["cannot be read" in told[0], "no function 'triple'" in told[1], "do not fit" in told[2]] == [True] * 3


def test_rounds_are_bounded() -> None:
    model, turn = loop(*[[call("double", '{"x": 1}')]] * 3, rounds=2)
    events = list(turn.run())
    assert events[-1] == AnswerEnded("rounds", call("double", '{"x": 1}'))
    assert len(model.told) == 2
    assert sum(isinstance(event, ToolResult) for event in events) == 2


def test_calls_of_an_answer_are_bounded() -> None:
    model, turn = loop([call("double", '{"x": 1}') * 3], ["Two."], calls=2)
    results = [event for event in turn.run() if isinstance(event, ToolResult)]
    assert [result.content for result in results[:2]] == ["2", "2"]
    assert "more than 2 calls at once" in results[2].content
    assert len(model.told) == 1


def test_a_tool_that_only_the_caller_can_run() -> None:
    model, turn = loop([call("ask_user"), call("double", '{"x": 4}')], ["Eight, blue."])
    events: list[ChatEvent] = list(turn.run())
    ended = events[-1]
    assert isinstance(ended, AnswerEnded)
    assert (ended.how, ended.waiting) == ("calls", (ToolCall("ask_user", {}),))
    with pytest.raises(ValueError, match="1 calls wait for a result, not 0"):
        next(turn.give([]))
    rest = list(turn.give(["blue"]))
    assert [event.content for event in rest if isinstance(event, ToolResult)] == ["blue", "8"]
    assert model.told == [response_text(["blue", "8"])]
    assert rest[-1] == AnswerEnded("end", "Eight, blue.")
