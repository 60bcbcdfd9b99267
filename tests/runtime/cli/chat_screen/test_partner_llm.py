"""`duplex chat` with a language model behind mini."""

from configs.model.chat import ChatConfig
from configs.model.patterns import Pattern
from duplex.model.chat.chat_events import AnswerEnded
from duplex.model.tools.tool_runner import ToolRunner
from runtime.cli.chat_screen.partner import ChatOptions, load_partner
from tests.duplex.model.language_models.servers import serve


def test_the_system_prompt_reaches_the_language_model() -> None:
    with serve(lambda exchange: exchange.answer("Guten Tag.")) as llm:
        changes = {"llm.source": llm.address, "llm.model": "tiny"}
        options = ChatOptions("mini", Pattern.T2T, ChatConfig(system_prompt="Speak German."), changes, ToolRunner([]))
        partner = load_partner(options)
        *_, ended = partner.ask("hello")
        partner.close()
    assert isinstance(ended, AnswerEnded)
    assert ended.text == "Guten Tag."
    (chat,) = llm.chats
    assert [message["content"] for message in chat.body["messages"]] == ["Speak German.", "hello"]
