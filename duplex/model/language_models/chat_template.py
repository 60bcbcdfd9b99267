"""Conversations as the text that a model was trained on, through the chat template of its tokenizer.

Templates differ in what they refuse (system prompts, two messages of the user in a row) and in whether they write tools
down. Knows tokenizers; knows no weights.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from jinja2.exceptions import TemplateError

from duplex.io.whole_files import parse_json
from duplex.model.language_models.interface import ChatMessage, LlmError, RequestedCall
from duplex.model.tools.calls import CallParser, response_text, tools_section
from duplex.model.tools.records import ToolCall

_BRIEF: Final = {"enable_thinking": False, "thinking": False, "reasoning_effort": "low"}
"""By these names templates are told that an answer is wanted at once; the others ignore them."""
_PROBE: Final = "Zanzibar"
_TOOL: Final = {
    "type": "function",
    "function": {"name": _PROBE, "description": _PROBE, "parameters": {"type": "object", "properties": {}}},
}
_OPENS_THOUGHT: Final = ("<think>", "<thinking>", "<thought>", "<reasoning>", "<seed:think>", "[THINK]", "◁think▷")
Tools = Sequence[dict[str, Any]]


class ChatTemplate:
    """The chat template of a tokenizer."""

    def __init__(self, tokenizer: Any, name: str) -> None:
        """`name`: of the model, for errors.

        Raises:
            LlmError: it has none, or one that cannot write a question down.
        """
        self._tokenizer, self._name = tokenizer, name
        self.takes_tools = False
        if not tokenizer.chat_template:
            raise LlmError(
                f"{name} has no chat template, so it was not made for conversations; take a model whose name ends with "
                "-Instruct, -it or -chat, or add chat_template.jinja to its folder"
            )
        self.write([ChatMessage("user", "a")])
        self.takes_tools = self._writes_tools()
        self.marks = self._count_marks()

    def write(self, messages: Sequence[ChatMessage], tools: Tools = (), answer: bool = True) -> str:
        """The text; with `answer` up to where the model goes on: behind the last message where that is an assistant's.

        Raises:
            LlmError: the template refuses it.
        """
        if not self.takes_tools:
            messages, tools = _write_out(messages, tools), ()
        try:
            return self._apply(messages, tools, answer)
        except TemplateError:
            pass
        try:
            return self._apply(_simplify(_write_out(messages)), tools, answer)
        except TemplateError as error:
            raise LlmError(
                f"the chat template of {self._name} does not take this conversation ({' '.join(str(error).split())}); "
                "take another model, or change its chat_template.jinja"
            ) from None

    def write_begun(self, messages: Sequence[ChatMessage], tools: Tools = ()) -> str:
        """The text up to the last word so far, where the last message may still grow.

        Raises:
            LlmError: the template refuses it.
        """
        *earlier, last = messages
        grown = [replace(last, content=f"{last.content} {end}") for end in "ab"]
        one, other = (self.write([*earlier, message], tools, answer=False) for message in grown)
        same = next((index for index, pair in enumerate(zip(one, other, strict=False)) if len(set(pair)) > 1), len(one))
        return one[:same].rstrip()

    def encode(self, text: str) -> list[int]:
        """Ids of a text that came from here."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False)
        return ids

    def count(self, message: ChatMessage) -> int:
        """Tokens of a message with its marks, about."""
        calls = "".join(call.name + call.arguments for call in message.calls)
        return len(self.encode(message.content + calls)) + self.marks

    def end_of_turn(self) -> set[int]:
        """The special token that the template writes after an answer, if it writes one."""
        text = self.write([ChatMessage("user", "a"), ChatMessage("assistant", _PROBE)], answer=False)
        ids = self.encode(text.rpartition(_PROBE)[2].lstrip())
        added = self._tokenizer.added_tokens_decoder
        return {token for token in ids[:1] if token in added and added[token].special}

    @staticmethod
    def begins_inside(prompt: str) -> bool:
        """Whether the answer to a prompt begins inside a thought."""
        return prompt.rstrip().endswith(_OPENS_THOUGHT)

    def _apply(self, messages: Sequence[ChatMessage], tools: Tools, answer: bool) -> str:
        continues = answer and messages[-1].role == "assistant" and not messages[-1].calls
        text: str = self._tokenizer.apply_chat_template(
            [self._entry(message) for message in messages],
            tools=list(tools) or None,
            add_generation_prompt=answer and not continues,
            continue_final_message=continues,
            tokenize=False,
            **_BRIEF,
        )
        return text

    def _entry(self, message: ChatMessage) -> dict[str, Any]:
        """A message in the form that templates know."""
        entry: dict[str, Any] = {"role": message.role, "content": message.content}
        calls = [{"name": call.name, "arguments": _read_arguments(call.arguments)} for call in message.calls]
        if calls:
            entry["tool_calls"] = [{"type": "function", "function": call} for call in calls]
        return entry

    def _writes_tools(self) -> bool:
        """Whether the template writes functions down, and their calls in the form that `CallParser` reads."""
        self.takes_tools = True
        call = ChatMessage("assistant", "", (RequestedCall("0", _PROBE, "{}"),))
        with suppress(Exception):  # templates fail in many ways on what they do not expect
            defined = self._apply([ChatMessage("user", "a")], [_TOOL], answer=True)
            called = self._apply([ChatMessage("user", "a"), call], [], answer=False)
            return _PROBE in defined and ToolCall(_PROBE, {}) in CallParser().feed(called)
        return False

    def _count_marks(self) -> int:
        """Tokens that a template writes around a message."""
        turn = [ChatMessage("user", "a"), ChatMessage("assistant", "a")]
        once, twice = (len(self.encode(self.write(turn * times))) for times in (1, 2))
        return max((twice - once) // 2, 1)


def _read_arguments(text: str) -> Any:
    try:
        return parse_json(text)
    except ValueError:
        return text


def _write_out(messages: Sequence[ChatMessage], tools: Tools = ()) -> list[ChatMessage]:
    """The same in Hermes form: functions in the system prompt, calls in the text, results in the user's turn."""
    written: list[ChatMessage] = []
    for message in messages:
        plain = _write_out_message(message)
        if message.role == "tool" and written and written[-1].role == "user":
            plain = replace(plain, content=f"{written.pop().content}\n{plain.content}")
        written.append(plain)
    if not tools:
        return written
    prompt = written.pop(0).content if written and written[0].role == "system" else ""
    return [ChatMessage("system", f"{prompt}\n{tools_section(tools)}".lstrip()), *written]


def _write_out_message(message: ChatMessage) -> ChatMessage:
    if message.role == "tool":
        return ChatMessage("user", response_text([message.content]))
    if not message.calls:
        return message
    calls = ({"name": call.name, "arguments": _read_arguments(call.arguments)} for call in message.calls)
    texts = (f"<tool_call>\n{json.dumps(call, ensure_ascii=False)}\n</tool_call>" for call in calls)
    return ChatMessage("assistant", "\n".join(filter(None, [message.content, *texts])))


def _simplify(messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    """The same by user and assistant alone, who take turns: what every template takes."""
    simple: list[ChatMessage] = []
    for message in messages:
        plain = message if message.role == "assistant" else ChatMessage("user", message.content)
        if simple and simple[-1].role == plain.role:
            last = simple.pop()
            joined = "\n\n".join(filter(None, [last.content, plain.content]))
            plain = replace(last, content=joined, calls=last.calls + plain.calls)
        simple.append(plain)
    return simple
