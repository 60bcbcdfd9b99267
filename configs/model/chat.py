"""A chat in turns with a half-duplex checkpoint: its history, its answers, the tools it may call."""

from typing import Final, Literal

from pydantic import Field

from configs.base import Config
from configs.model.funaudiochat import TURNS, AnswerConfig, TurnsConfig
from configs.model.tools import ToolsConfig


class ChatConfig(Config):
    """One conversation.

    Attributes:
        seed: seed of all sampling.
        system_prompt: used instead of the pattern's; tools are added to it.
        persona: text added to the pattern's prompt.
        history: answers are remembered as text, as the authors do, or with their speech; with tools always as text.
        keep_turns: how many earlier turns of the user are remembered at most; fewer if places run out.
        answer_room: places kept free for an answer; earlier turns are forgotten to make room.
        answering: how answers are made; the pattern decides whether they are spoken.
        turns: number of places, and how the user's speech is heard.
        tools: how function calls are run.
    """

    seed: int = 0
    system_prompt: str | None = None
    persona: str = ""
    history: Literal["text", "speech"] = "text"
    keep_turns: int = Field(default=8, ge=0)
    answer_room: int = Field(default=256, ge=1)
    answering: AnswerConfig = AnswerConfig()
    turns: TurnsConfig = TURNS
    tools: ToolsConfig = ToolsConfig()


CHAT: Final = ChatConfig()
