"""A conversation as a language model reads it: what the user said, and what was heard of the answers.

An answer that was cut is kept up to the last word that was heard, with a dash behind it. Words that the user says while
an answer is heard to its end ("mm-hm") are no turn. Knows words; knows nothing of slots or models.
"""

from collections.abc import Sequence
from typing import Final

from duplex.model.interface import UserWords
from duplex.model.language_models.interface import ChatMessage

CUT: Final = " —"
"""Stands behind an answer that the user interrupted."""


class ChatHistory:
    """Messages of one conversation. `system_prompt`: its first one."""

    def __init__(self, system_prompt: str) -> None:
        self._history = [ChatMessage("system", system_prompt)] if system_prompt else []
        self._waiting: dict[int, str] = {}
        self._written = 0
        self._answered: dict[int, str] = {}

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
        return (*self._history, ChatMessage("user", self.question)) if self.question else ()

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
        question = " ".join(filter(None, self._answered.values()))
        if question:
            self._history.append(ChatMessage("user", question))
        self._history.append(ChatMessage("assistant", heard + CUT if cut else heard))
        rest = {turn: _without(text, self._answered.get(turn, "")) for turn, text in self._waiting.items()}
        self._waiting = {turn: text for turn, text in rest.items() if text} if cut else {}
        self._answered = {}


def uncut(messages: Sequence[ChatMessage], words: Sequence[str]) -> tuple[ChatMessage, ...]:
    """Messages up to the last answer, which was cut, with `words` behind what was heard of it.

    For a language model that goes on with its last message.
    """
    last = max(index for index, message in enumerate(messages) if message.role == "assistant")
    heard = messages[last].content.removesuffix(CUT)
    return (*messages[:last], ChatMessage("assistant", " ".join(filter(None, [heard, *words]))))


def _without(text: str, begin: str) -> str:
    """A caption that has grown, without what was answered of it."""
    return " ".join(text.split()[len(begin.split()) :])
