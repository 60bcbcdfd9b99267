"""`duplex chat` with a language model behind mini."""

import json

import pytest

from configs.base import ConfigError
from configs.model.chat import ChatConfig
from configs.model.patterns import Pattern
from duplex.model.chat.chat_events import AnswerEnded, ToolCalled
from duplex.model.tools.records import ToolCall, ToolResult
from duplex.model.tools.tool_runner import ToolRunner
from runtime.cli.chat_screen.partner import ChatOptions, load_partner
from tests.duplex.model.language_models.servers import Exchange, serve


def test_the_system_prompt_reaches_the_language_model() -> None:
    with serve(lambda exchange: exchange.answer("Guten Tag.")) as llm:
        changes = {"llm.source": llm.address, "llm.model": "tiny"}
        options = ChatOptions("mini", Pattern.T2T, ChatConfig(system_prompt="Speak German."), changes, ToolRunner([]))
        partner = load_partner(options)
        *_, ended = partner.ask("hello")
        partner.close()
    assert isinstance(ended, AnswerEnded)
    assert ended.text == "Guten Tag."
    told = partner.llm["llm"]
    assert (told["source"], told["model"], told["answers"]) == (llm.address, "tiny", "all")
    (chat,) = llm.chats
    assert [message["content"] for message in chat.body["messages"]] == ["Speak German.", "hello"]


def test_calls_of_functions_are_events_of_the_answer() -> None:
    def call(exchange: Exchange) -> None:
        exchange.call("calculate", "One moment.", expression="6 * 7")

    with serve(call, lambda exchange: exchange.answer("It is 42.")) as llm:
        changes = {"llm.source": llm.address, "llm.model": "tiny", "llm.tools": ["examples"]}
        partner = load_partner(ChatOptions("mini", Pattern.T2T, ChatConfig(), changes, ToolRunner([])))
        called, result, _, ended = partner.ask("What is six times seven?")
        partner.close()
    wanted = ToolCall("calculate", {"expression": "6 * 7"})
    assert (called, result) == (ToolCalled(wanted), ToolResult(wanted, "42"))
    assert isinstance(ended, AnswerEnded)
    assert ended.text == "One moment. It is 42."
    first, second = (chat.body for chat in llm.chats)
    assert [tool["function"]["name"] for tool in first["tools"]] == ["time_in", "calculate", "roll_dice"]
    *_, told, answered = second["messages"]
    assert json.loads(told["tool_calls"][0]["function"]["arguments"]) == wanted.arguments
    assert answered == {"role": "tool", "content": "42", "tool_call_id": "call_1"}


def test_a_model_that_cannot_call_says_what_could() -> None:
    runner = ToolRunner([len_of])
    with pytest.raises(ConfigError, match="mini calls no functions; add --llm, leave out --tools, or choose"):
        load_partner(ChatOptions("mini", Pattern.T2T, ChatConfig(), {}, runner))


def len_of(text: str) -> int:
    """Length of a text."""
    return len(text)
