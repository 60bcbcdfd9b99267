"""Answers with calls: when functions run, what the model is told, what enters the conversation."""

import json

import pytest

from configs.model.language_models import LanguageModelConfig
from configs.model.tools import ToolsConfig
from duplex.model.interface import Came, EndedCall, StartedCall
from duplex.model.language_models.answers import LiveAnswers
from duplex.model.language_models.dialogue import NOT_AWAITED
from duplex.model.language_models.interface import ChatMessage, LlmError
from duplex.model.tools.tool import ToolError
from duplex.model.tools.tool_runner import Submit, ToolRunner
from tests.duplex.model.language_models.calling_llm import CallingLlm, Turn, call
from tests.duplex.model.tools.submits import Later, at_once, never

CONFIG = LanguageModelConfig(source="a test", tool_prompt="")
QUESTION = (ChatMessage("system", "Be brief."), ChatMessage("user", "What is twice 21?"))


def double(x: int) -> int:
    """Twice a number."""
    return 2 * x


def fail(how: str) -> None:
    """Fail."""
    raise ToolError(f"it is {how}") if how == "closed" else OSError(how)


def answers(llm: CallingLlm, submit: Submit = at_once, rows: int = 1, **limits: float) -> LiveAnswers:
    limits_config = ToolsConfig.model_validate(limits)
    return LiveAnswers(llm, CONFIG, rows, ToolRunner([double, fail], limits_config, submit, now=lambda: 0.0))


def ask(source: LiveAnswers, row: int = 0) -> None:
    source.ask(row, QUESTION)
    source.confirm(row)


def poll_all(source: LiveAnswers, row: int = 0) -> list[Came]:
    """All that comes, up to the end of the answer."""
    everything: list[Came] = []
    while not (everything and everything[-1].finished):
        assert len(everything) < 50
        came = source.poll(row)
        assert came is not None, everything
        everything.append(came)
    return everything


def text_of(everything: list[Came]) -> str:
    return "".join(came.text for came in everything)


def test_the_model_is_asked_again_with_the_result() -> None:
    llm = CallingLlm(Turn("Let me see.", (("double", {"x": 21}),)), Turn("It is 42."))
    source = answers(llm)
    ask(source)
    everything = poll_all(source)
    assert everything == [
        Came("Let me see. ", started=(StartedCall("c0", "double", '{"x": 21}'),)),
        Came(ended=(EndedCall("c0", "42"),)),
        Came("It is 42.", finished=True),
    ]
    assert llm.requests[0][0] == QUESTION
    *before, called, result = llm.requests[0][1]
    assert tuple(before) == QUESTION
    assert (called.role, called.content, called.calls[0].name) == ("assistant", "Let me see.", "double")
    assert result == ChatMessage("tool", "42", call_id="c0")
    assert [[tool["function"]["name"] for tool in tools] for tools in llm.tools] == [["double", "fail"]] * 2


def test_nothing_is_called_before_the_answer_is_wanted() -> None:
    ran = Later()
    source = answers(CallingLlm(Turn("Let me see.", (("double", {"x": 21}),)), Turn("42.")), ran)
    source.ask(0, QUESTION)
    assert source.poll(0) == Came("Let me see. ")
    assert source.poll(0) is None
    assert not ran.waiting
    source.confirm(0)
    assert len(ran.waiting) == 1
    came = source.poll(0)
    assert came is not None
    assert [one.name for one in came.started] == ["double"]


def test_nothing_that_was_asked_ahead_and_dropped_is_called_or_told() -> None:
    ran = Later()
    source = answers(CallingLlm(call("double", x=21)), ran)
    source.ask(0, QUESTION)
    source.poll(0)
    source.drop(0)
    source.confirm(0)
    assert source.poll(0) is None
    assert not ran.waiting


def test_while_a_function_runs_nothing_comes() -> None:
    ran = Later()
    source = answers(CallingLlm(call("double", x=21), Turn("42.")), ran)
    ask(source)
    source.poll(0)
    assert [source.poll(0) for _ in range(3)] == [None] * 3
    ran.run()
    assert source.poll(0) == Came(ended=(EndedCall("c0", "42"),))


def test_functions_of_one_round_run_beside_each_other_and_are_answered_together() -> None:
    ran = Later()
    llm = CallingLlm(Turn(calls=(("double", {"x": 1}), ("double", {"x": 2}))), Turn("2 and 4."))
    source = answers(llm, ran)
    ask(source)
    source.poll(0)
    assert len(ran.waiting) == 2
    ran.run()
    assert source.poll(0) is None
    ran.run()
    assert source.poll(0) == Came(ended=(EndedCall("c0", "2"), EndedCall("c1", "4")))
    assert [message.content for message in llm.requests[0][1][-2:]] == ["2", "4"]


def test_an_interruption_drops_the_result_and_tells_so() -> None:
    ran = Later()
    llm = CallingLlm(call("double", x=21), Turn("42."))
    source = answers(llm, ran)
    ask(source)
    source.poll(0)
    source.drop(0)
    ran.run()
    assert source.poll(0) == Came(ended=(EndedCall("c0", NOT_AWAITED, failed=True),))
    assert source.poll(0) is None
    assert len(llm.requests[0]) == 1


def test_what_was_dropped_is_told_beside_the_next_answer() -> None:
    ran = Later()
    source = answers(CallingLlm(call("double", x=21), Turn("Hello.")), ran)
    ask(source)
    source.poll(0)
    ask(source)
    assert source.poll(0) == Came("Hello.", finished=True, ended=(EndedCall("c0", NOT_AWAITED, failed=True),))


def test_a_new_conversation_knows_nothing_of_the_calls_of_the_one_before() -> None:
    source = answers(CallingLlm(call("double", x=21)), never)
    ask(source)
    source.poll(0)
    source.open(0)
    assert source.poll(0) is None


@pytest.mark.parametrize(
    ("turn", "error"),
    [
        (call("fail", how="closed"), "it is closed"),
        (call("fail", how="gone"), "OSError: gone"),
        (call("triple", x=1), "there is no function 'triple'; there are: double, fail"),
        (call("double", x="a"), "the arguments do not fit: x: Input should be a valid integer"),
    ],
)
def test_the_model_is_told_what_went_wrong(turn: Turn, error: str) -> None:
    llm = CallingLlm(turn, Turn("That did not work."))
    source = answers(llm)
    ask(source)
    assert text_of(poll_all(source)) == "That did not work."
    (ended,) = poll_results(llm)
    assert json.loads(ended)["error"].startswith(error)


def poll_results(llm: CallingLlm) -> list[str]:
    """What the model was told of its calls."""
    return [message.content for message in llm.requests[0][-1] if message.role == "tool"]


def test_a_function_that_hangs_is_timed_out() -> None:
    clock = [0.0]
    llm = CallingLlm(call("double", x=21), Turn("I cannot say."))
    source = LiveAnswers(llm, CONFIG, 1, ToolRunner([double], ToolsConfig(limit_s=3), never, now=lambda: clock[0]))
    ask(source)
    source.poll(0)
    clock[0] = 2.9
    assert source.poll(0) is None
    clock[0] = 3.0
    came = source.poll(0)
    assert came is not None
    assert came.ended[0].failed
    assert "timed out after 3 s" in came.ended[0].result


def test_rounds_are_bounded_and_the_model_is_told_so() -> None:
    llm = CallingLlm(*[call("double", x=n) for n in range(3)], Turn("Enough."))
    source = answers(llm, rounds=2)
    ask(source)
    everything = poll_all(source)
    assert text_of(everything) == "Enough."
    assert poll_results(llm)[:2] == ["0", "2"]
    assert "no more calls are possible now" in poll_results(llm)[2]


def test_a_model_that_never_stops_calling_is_an_error() -> None:
    llm = CallingLlm(call("double", x=1))
    source = answers(llm, rounds=2)
    ask(source)
    last = poll_all(source)[-1]
    assert last.finished
    assert last.error.startswith("The language model calls functions again and again")
    assert len(llm.requests[0]) == 4


def test_more_calls_at_once_than_allowed_are_refused() -> None:
    llm = CallingLlm(Turn(calls=tuple(("double", {"x": n}) for n in range(3))), Turn("So."))
    source = answers(llm, calls=2)
    ask(source)
    poll_all(source)
    assert poll_results(llm)[:2] == ["0", "2"]
    assert "more than 2 calls at once" in poll_results(llm)[2]


def test_each_call_of_an_answer_has_a_name_of_its_own() -> None:
    llm = CallingLlm(call("double", x=1), call("double", x=2), Turn("So."))
    source = answers(llm)
    ask(source)
    ids = [one.id for came in poll_all(source) for one in came.started]
    assert len(set(ids)) == 2
    assert [message.call_id for message in llm.requests[0][-1] if message.role == "tool"] == ids


def test_two_conversations_call_at_once() -> None:
    ran = Later()
    llm = CallingLlm(row0=[call("double", x=1), Turn("Two.")], row1=[call("double", x=10), Turn("Twenty.")])
    source = answers(llm, ran, rows=2)
    for row in (0, 1):
        ask(source, row)
        source.poll(row)
    ran.waiting.reverse()
    ran.run()
    assert source.poll(0) is None
    assert source.poll(1) == Came(ended=(EndedCall("c0", "20"),))
    source.drop(1)
    ran.run()
    assert source.poll(0) == Came(ended=(EndedCall("c0", "2"),))
    assert source.poll(0) == Came("Two.", finished=True)
    assert source.poll(1) is None


def test_a_conversation_may_allow_some_functions_only() -> None:
    llm = CallingLlm(Turn("So."))
    source = answers(llm, rows=3)
    source.open(0, ("fail",))
    source.open(1, ())
    for row in range(3):
        ask(source, row)
    assert [[tool["function"]["name"] for tool in tools] for tools in llm.tools] == [["fail"], [], ["double", "fail"]]
    assert [tool.name for tool in source.tools] == ["double", "fail"]
    with pytest.raises(ValueError, match="there is no function 'halve' here; there are: double, fail"):
        source.open(0, ("halve",))


def test_where_there_are_functions_the_model_is_told_how_to_use_them() -> None:
    llm = CallingLlm(Turn("So."))
    source = LiveAnswers(llm, CONFIG.model_copy(update={"tool_prompt": "Look it up."}), 2, ToolRunner([double]))
    source.open(1, ())
    for row in (0, 1):
        source.ask(row, QUESTION)
        source.prefill(row, QUESTION)
    source.ask(0, QUESTION[1:])
    prompts = [llm.requests[0][0][0], llm.requests[1][0][0], llm.requests[0][1][0]]
    assert [prompt.content for prompt in prompts] == ["Be brief. Look it up.", "Be brief.", "Look it up."]
    assert [(messages[0].content, len(tools)) for messages, tools in llm.prefilled] == [
        ("Be brief. Look it up.", 1),
        ("Be brief.", 0),
    ]


def test_an_error_after_a_call_ends_the_answer() -> None:
    source = answers(CallingLlm(call("double", x=21), Turn(error="The server is gone. Start it.")))
    ask(source)
    assert poll_all(source)[-1] == Came(finished=True, error="The server is gone. Start it.")


def test_written_questions_wait_for_their_calls() -> None:
    source = answers(CallingLlm(Turn("Wait.", (("double", {"x": 21}),)), Turn("It is 42.")))
    told: list[Came] = []
    assert source.write("What is twice 21?", told.append) == "Wait. It is 42."
    assert [one.result for came in told for one in came.ended] == ["42"]
    with pytest.raises(LlmError, match="gone"):
        answers(CallingLlm(Turn(error="gone"))).write("Hello?")


def test_on_a_virtual_clock_a_slot_waits_for_the_function() -> None:
    """The thread of the function is real; how many slots it takes depends on the machine."""
    source = LiveAnswers(CallingLlm(call("double", x=21), Turn("42.")), CONFIG, 1, ToolRunner([double]))
    source.virtual = True
    ask(source)
    source.poll(0)
    while (came := source.poll(0)) is None:
        pass
    assert came == Came(ended=(EndedCall("c0", "42"),))


def test_an_answer_that_is_resumed_may_call() -> None:
    llm = CallingLlm(Turn("let me see.", (("double", {"x": 21}),)), Turn("It is 42."))
    llm.continues = True
    source = answers(llm)
    cut = (*QUESTION, ChatMessage("assistant", "Well, —"), ChatMessage("user", "Go on."))
    source.resume(0, cut, ["wait,"])
    source.confirm(0)
    assert text_of(poll_all(source)) == "wait, let me see. It is 42."
    assert llm.requests[0][0] == (*QUESTION, ChatMessage("assistant", "Well, wait,"))
    assert llm.requests[0][1][-1] == ChatMessage("tool", "42", call_id="c0")
