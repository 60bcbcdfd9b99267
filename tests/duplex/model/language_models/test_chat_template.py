"""Conversations in the form of a model's chat template, whatever that refuses."""

import json
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from duplex.model.language_models.chat_template import ChatTemplate
from duplex.model.language_models.interface import ChatMessage, LlmError, RequestedCall
from tests.duplex.model.families.published import BYTES, write_tokenizer
from tests.duplex.model.language_models.tiny_llm import SYSTEM, TEMPLATE, write_words

STRICT = (
    "{% for message in messages %}"
    "{% if message['role'] == 'system' or (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('no such order') }}{% endif %}"
    "[{{ message['role'] }}] {{ message['content'] | trim }}\n{% endfor %}"
)
TOOLS = (
    "{% if tools %}{% for tool in tools %}{{ tool | tojson }};{% endfor %}{% endif %}"
    "{% for message in messages %}[{{ message['role'] }}] {{ message['content'] }}"
    '{% for call in message.tool_calls or [] %}<tool_call>\n{"name": {{ call.function.name | tojson }}, '
    '"arguments": {{ call.function.arguments | tojson }}}\n</tool_call>{% endfor %}'
    ";{% endfor %}{% if not enable_thinking %}<think>\n{% endif %}"
)
HELLO = ChatMessage("user", "Hello there")


def template(folder: Path, text: str | None) -> ChatTemplate:
    write_tokenizer(folder)
    return ChatTemplate(AutoTokenizer.from_pretrained(write_words(folder, text)), "tiny")


def test_a_conversation_up_to_where_the_model_goes_on(tmp_path: Path) -> None:
    text = template(tmp_path, TEMPLATE).write([SYSTEM, HELLO])
    assert text == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello there<|im_end|>\n<|im_start|>assistant\n"
    )


@pytest.mark.parametrize("form", [TEMPLATE, STRICT], ids=["plain", "strict"])
def test_a_message_that_may_grow_ends_with_its_last_word(tmp_path: Path, form: str) -> None:
    chat = template(tmp_path, form)
    begun = chat.write_begun([SYSTEM, HELLO])
    assert begun.endswith("Hello there")
    assert chat.write([SYSTEM, ChatMessage("user", "Hello there, how are you?")]).startswith(begun)


def test_a_strict_template_gets_user_and_assistant_in_turn(tmp_path: Path) -> None:
    messages = [
        SYSTEM,
        HELLO,
        ChatMessage("user", "Are you there?"),
        ChatMessage("assistant", "Yes."),
        ChatMessage("tool", "6"),
    ]
    written = template(tmp_path, STRICT).write(messages)
    result = "<tool_response>\n6\n</tool_response>"
    assert written == f"[user] Be brief.\n\nHello there\n\nAre you there?\n[assistant] Yes.\n[user] {result}\n"


def test_what_a_template_never_takes_is_said(tmp_path: Path) -> None:
    with pytest.raises(LlmError, match=r"chat template of tiny does not take .*nothing suits me.*take another"):
        template(tmp_path, "{{ raise_exception('nothing suits me') }}")


def test_no_template_is_said(tmp_path: Path) -> None:
    with pytest.raises(LlmError, match=r"tiny has no chat template.*chat_template\.jinja"):
        template(tmp_path, None)


def test_tools_and_calls_go_through_a_template_that_takes_them(tmp_path: Path) -> None:
    chat = template(tmp_path, TOOLS)
    call = ChatMessage("assistant", "", (RequestedCall("1", "dice", '{"n": 6}'),))
    written = chat.write([HELLO, call], [{"type": "function", "function": {"name": "dice"}}])
    assert chat.takes_tools
    assert written.startswith('{"type": "function", "function": {"name": "dice"}};[user] Hello there;')
    assert '[assistant] <tool_call>\n{"name": "dice", "arguments": {"n": 6}}\n</tool_call>;' in written


def test_calls_are_written_in_hermes_form_otherwise(tmp_path: Path) -> None:
    chat = template(tmp_path, TEMPLATE)
    call = ChatMessage("assistant", "Wait.", (RequestedCall("1", "dice", '{"n": 6}'),))
    assert not chat.takes_tools
    assert 'Wait.\n<tool_call>\n{"name": "dice", "arguments": {"n": 6}}\n</tool_call>' in chat.write([HELLO, call])


OTHER_FORM = TOOLS.replace("<tool_call>\n{", "[CALL]{").replace("}\n</tool_call>", "}[/CALL]")
DICE = {"type": "function", "function": {"name": "dice"}}


@pytest.mark.parametrize("form", [TEMPLATE, STRICT, OTHER_FORM], ids=["plain", "strict", "other"])
def test_functions_stand_in_the_prompt_where_the_template_has_no_calls_that_we_read(tmp_path: Path, form: str) -> None:
    chat = template(tmp_path, form)
    assert not chat.takes_tools
    calls = (RequestedCall("1", "dice", '{"n": 6}'), RequestedCall("2", "dice", "{}"))
    results = [ChatMessage("tool", "4", call_id="1"), ChatMessage("tool", "2", call_id="2")]
    written = chat.write([SYSTEM, HELLO, ChatMessage("assistant", "", calls), *results], [DICE])
    before, _, after = written.partition("Hello there")
    assert before.index("Be brief.") < before.index(f"<tools>\n{json.dumps(DICE)}\n</tools>")
    assert after.count("<tool_call>") == 2
    answered = "<tool_response>\n4\n</tool_response>\n<tool_response>\n2\n</tool_response>"
    assert answered in after, "both results are one turn of the user"


def test_functions_have_a_system_prompt_where_there_is_none(tmp_path: Path) -> None:
    written = template(tmp_path, TEMPLATE).write([HELLO], [DICE])
    assert written.startswith("<|im_start|>system\n# Tools")


def test_models_are_asked_not_to_think_and_those_that_do_are_known(tmp_path: Path) -> None:
    chat = template(tmp_path, TOOLS)
    assert chat.begins_inside(chat.write([HELLO]))
    (tmp_path / "plain").mkdir()
    plain = template(tmp_path / "plain", TEMPLATE)
    assert not plain.begins_inside(plain.write([HELLO]))


def test_the_end_of_an_answer_and_the_size_of_a_message(tmp_path: Path) -> None:
    chat = template(tmp_path, TEMPLATE)
    assert chat.end_of_turn() == {BYTES + 2}
    whole = len(chat.encode(chat.write([HELLO, ChatMessage("assistant", "Hi")], answer=False)))
    assert abs(chat.count(HELLO) + chat.count(ChatMessage("assistant", "Hi")) - whole) <= 2


def test_an_answer_that_stands_last_is_gone_on_with(tmp_path: Path) -> None:
    written = template(tmp_path, TEMPLATE).write([HELLO, ChatMessage("assistant", "Once upon")])
    assert written.endswith("Once upon")
    assert written.startswith(template(tmp_path, TEMPLATE).write([HELLO]))
