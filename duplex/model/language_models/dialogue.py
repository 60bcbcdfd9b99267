"""A conversation as a language model reads it: what the user said, and what was heard of the answers.

An answer that was cut is kept up to the last word that was heard, with a dash behind it. Words that the user says while
an answer is heard to its end ("mm-hm") are no turn. Knows words; knows nothing of slots or models.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from duplex.model.interface import EndedCall, StartedCall, UserWords
from duplex.model.language_models.interface import ChatMessage, RequestedCall
from duplex.model.tools.tool_runner import error_text

_WORD: Final = re.compile(r"[\w'’$€£%+*/=-]+")
"""Signs that are spoken belong to words."""
_MARKS: Final = " .,!?…-"
_SENTENCE_END: Final = re.compile(r"[.!?]\s+")
_ASKING: Final = re.compile(
    r"(?:who|whom|whose|which|why|how|what(?!\s+an?\b)|(?:when|where)(?:'s|\s+(?:is|are|was|were|do|does|did|can|will)))\b",
    re.IGNORECASE,
)
"""How questions begin that are known as such without their mark."""
CUT: Final = " —"
"""Stands behind an answer that the user interrupted."""
RESUME: Final = "Go on."
"""Asks for the rest of an answer where the user did not."""
NOT_AWAITED: Final = error_text(
    "the result was not waited for, because the user spoke; call again if it is still needed"
)
"""The result of a call whose answer nobody wanted any more."""


class ChatHistory:
    """Messages of one conversation. `system_prompt`: its first one."""

    def __init__(self, system_prompt: str) -> None:
        self._history = [ChatMessage("system", system_prompt)] if system_prompt else []
        self._waiting: dict[int, str] = {}
        self._written = 0
        self._answered: dict[int, str] = {}
        self._asked: dict[int, str] = {}
        self._called: dict[int, str] = {}

    def recall(self, turns: Sequence[tuple[str, str]]) -> None:
        """What was said before, as (role, text); role is "user" or "assistant"."""
        self._history += [ChatMessage("user" if role == "user" else "assistant", text) for role, text in turns]

    def hear(self, words: UserWords) -> None:
        """Words of the user became known."""
        self._waiting[words.turn] = words.caption

    def write(self, text: str) -> None:
        """The user wrote."""
        self._written -= 1
        self._waiting[self._written] = text

    @property
    def question(self) -> str:
        """What the user said that has no answer yet."""
        return " ".join(filter(None, self._waiting.values()))

    @property
    def opening(self) -> tuple[ChatMessage, ...]:
        """What is known before the user says something."""
        return (*self._history, ChatMessage("user", ""))

    @property
    def messages(self) -> tuple[ChatMessage, ...]:
        """All of it; empty where there is nothing to answer."""
        return self._with(self._waiting)

    def expect(self, turn: int, caption: str) -> tuple[ChatMessage, ...]:
        """What `messages` will be, should that be the turn's caption."""
        return self._with({**self._waiting, turn: caption})

    @property
    def cut_short(self) -> tuple[ChatMessage, ...]:
        """Messages that ask for the rest of an answer that was cut although nobody said anything; empty where the user
        did, or no answer was cut."""
        is_silent = not any(self._waiting.values())
        return (*self._history, ChatMessage("user", RESUME)) if is_silent and self._ends_cut else ()

    def note_asked(self) -> None:
        """The messages are sent to the language model: what it calls is for what was said so far."""
        self._asked = dict(self._waiting)

    def note_calls(self, started: Sequence[StartedCall], ended: Sequence[EndedCall]) -> None:
        """The language model calls functions, or has their results; it has what it calls before it answers."""
        if started:
            self._keep_question(self._asked)
            self._called = self._asked
            calls = tuple(RequestedCall(call.id, call.name, call.arguments) for call in started)
            self._history.append(ChatMessage("assistant", "", calls))
            self._history += [ChatMessage("tool", NOT_AWAITED, call_id=call.id) for call in calls]
        for call in ended:
            self._keep_result(call)

    def begin_answer(self) -> None:
        """An answer begins: it is one to what was said so far."""
        self._answered = dict(self._waiting)

    def keep(self, heard: str, cut: bool) -> None:
        """The answer is over: `heard` of it; where nothing was heard, its question still waits.

        Args:
            cut: the user interrupted it, and what was said since is the next question.
        """
        if not heard:
            return
        if self._ends_cut and not any(self._answered.values()):
            heard = f"{self._history.pop().content.removesuffix(CUT)} {heard}"
        self._keep_question(self._answered)
        self._history.append(ChatMessage("assistant", heard + CUT if cut else heard))
        rest = {turn: _without(text, self._answered.get(turn, "")) for turn, text in self._waiting.items()}
        self._waiting = {turn: text for turn, text in rest.items() if text} if cut else {}
        self._answered, self._called = {}, {}

    @property
    def _ends_cut(self) -> bool:
        """The last message is an answer that was cut."""
        return bool(self._history) and self._history[-1].role == "assistant" and self._history[-1].content.endswith(CUT)

    def _with(self, said: Mapping[int, str]) -> tuple[ChatMessage, ...]:
        if not any(said.values()):
            return ()
        rest = _message(said, self._called)
        return (*self._history, ChatMessage("user", rest)) if rest else tuple(self._history)

    def _keep_question(self, asked: Mapping[int, str]) -> None:
        """What was asked, without what calls have been made for."""
        if question := _message(asked, self._called):
            self._history.append(ChatMessage("user", question))

    def _keep_result(self, call: EndedCall) -> None:
        for place in reversed(range(len(self._history))):
            if self._history[place].call_id == call.id:
                self._history[place] = replace(self._history[place], content=call.result)
                return


def as_written(caption: str) -> str:
    """What was heard as a person would write it: a capital at the beginning, a mark at the end. English.

    The recogniser's own marks depend on how much of the pause it has heard, and small models answer one question with
    "?" and with "." differently.
    """
    text = caption.strip()
    if not text:
        return ""
    said = text.rstrip(_MARKS)
    asks = text.endswith("?") or _ASKING.match(_SENTENCE_END.split(said)[-1])
    if not said:
        return text
    begin = said[0].upper() if said.split()[0].islower() else said[0]
    return begin + said[1:] + ("?" if asks else "!" if text.endswith("!") else ".")


def alike(left: Sequence[ChatMessage], right: Sequence[ChatMessage]) -> bool:
    """Whether messages are the same up to the case and the punctuation marks of the last one, its last mark excepted:
    a question is no statement."""
    if not (left and right):
        return not left and not right
    last = [messages[-1].content for messages in (left, right)]
    words = [(_WORD.findall(text.lower()), text.endswith("?")) for text in last]
    same = words[0] == words[1] if words[0][0] else left[-1] == right[-1]
    return same and left[-1].role == right[-1].role and tuple(left[:-1]) == tuple(right[:-1])


def _message(said: Mapping[int, str], known: Mapping[int, str]) -> str:
    """What was said, without what is known of it; what was heard as it would be written, what was written as it was."""
    text = _join(said, known)
    return text if not said or list(said)[-1] < 0 else as_written(text)


def _join(said: Mapping[int, str], known: Mapping[int, str]) -> str:
    """What was said, without what is known of it."""
    return " ".join(filter(None, (_without(text, known.get(turn, "")) for turn, text in said.items())))


def uncut(messages: Sequence[ChatMessage], words: Sequence[str]) -> tuple[ChatMessage, ...]:
    """Messages up to the last answer, which was cut, with `words` behind what was heard of it.

    For a language model that goes on with its last message.
    """
    last = max(index for index, message in enumerate(messages) if message.role == "assistant")
    heard = messages[last].content.removesuffix(CUT)
    return (*messages[:last], ChatMessage("assistant", " ".join(filter(None, [heard, *words]))))


def _without(text: str, begin: str) -> str:
    """A caption that has grown, without what was answered of it."""
    return text if not begin else " ".join(text.split()[len(begin.split()) :])
