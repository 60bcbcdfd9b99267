"""A chat with a Fun-Audio-Chat checkpoint, turn by turn: a question in, events while it is answered, history kept.

    session = ChatSession(chat, Pattern.S2M, voice=ChatVoice(stage))
    for event in session.ask(pcm=samples):      # TextPiece, AudioChunk, ..., Ended
        ...

A session is one conversation in a row of `ChatRows`; it does not depend on files or a terminal. It is half-duplex: the
model hears nothing while it answers.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from configs.base import ConfigError
from configs.model.chat import CHAT, ChatConfig
from configs.model.funaudiochat import AnswerConfig
from configs.model.patterns import Pattern, system_prompt, wording_of
from duplex.model.chat.chat_events import ChatEvent
from duplex.model.chat.chat_voice import ChatVoice
from duplex.model.chat.speaker import RowSpeaker
from duplex.model.chat.tool_loop import ToolLoop
from duplex.model.funaudiochat.chat_rows import ChatRows
from duplex.model.funaudiochat.model import FunAudioChat
from duplex.model.interface import Samples
from duplex.model.tools.calls import tools_section
from duplex.model.tools.tool_runner import ToolRunner

_NO_TOOLS = ToolRunner([])


class ChatSession:
    """One conversation. If the caller stops reading an answer's events, the part made so far is kept.

    `llm` is empty: the checkpoint answers by itself (`describe_llm`).
    """

    def __init__(
        self,
        chat: FunAudioChat,
        pattern: Pattern,
        config: ChatConfig = CHAT,
        *,
        tools: ToolRunner = _NO_TOOLS,
        voice: ChatVoice | None = None,
    ) -> None:
        """`tools`: functions that the model may call. `voice`: without one, spoken answers give no audio.

        Raises:
            ConfigError: the system prompt, tools included, leaves no room, or the checkpoint cannot speak.
        """
        self.fingerprint = chat.fingerprint
        self.llm: dict[str, Any] = {}
        self.pattern = pattern
        self._chat, self._config, self._tools, self._voice = chat, config, tools, voice
        if tools.definitions:
            self._config = config.model_copy(update={"history": "text"})
        self._wording = wording_of(chat.config.name)
        self._rows = ChatRows(chat, 1, config.turns)
        self.new(pattern)

    @property
    def note(self) -> str:
        """What someone who picked the pattern should know; "" if there is nothing to say."""
        return self._wording.note(self.pattern)

    @property
    def history(self) -> list[tuple[str, str]]:
        """What was said, as (role, text); a user's speech is "(speech)" plus any text written with it."""
        return [*self._speaker.history]

    @property
    def prompt(self) -> str:
        """The system prompt."""
        told = self._config.system_prompt
        prompt = system_prompt(self._wording, self.pattern, self._config.persona) if told is None else told
        return prompt + (tools_section(self._tools.definitions) if self._tools.definitions else "")

    def new(self, pattern: Pattern) -> None:
        """Begin a new conversation.

        Raises:
            ConfigError: see the constructor.
        """
        if pattern.speaks and self._chat.config.refined is None:
            raise ConfigError(f"this checkpoint cannot speak, and {pattern} speaks; choose S2T or T2T")
        self.pattern = pattern
        self._rows.open(0, self.prompt, self._answering, self._config.seed)
        if self._rows.room(0) <= self._config.answer_room:
            places = self._config.turns.places
            raise ConfigError(f"the system prompt and tools leave no room in {places} places; shorten them")
        self._speaker = RowSpeaker(self._chat, self._rows, self._config, self._voice if pattern.speaks else None)
        self._loop: ToolLoop | None = None

    def ask(self, text: str = "", pcm: Samples | None = None) -> Iterator[ChatEvent]:
        """Take a turn of the user, written or spoken (samples [n] at 16 kHz, optionally with a written instruction).

        Raises:
            ConfigError: the turn is not of the kind that the pattern takes, or is too long for the conversation.
        """
        self._speaker.settle()
        if pcm is None:
            self._refuse(self.pattern.hears, f"{self.pattern} hears speech; give a recording, or choose T2M or T2T")
            self._refuse(not text.strip(), "there is nothing to answer; write something")
            self._speaker.write(text)
        else:
            self._refuse(not self.pattern.hears, f"{self.pattern} reads text; leave out the recording, or choose S2M")
            self._speaker.hear(torch.from_numpy(pcm), text)
        self._loop = ToolLoop(self._speaker, self._tools)
        return self._loop.run()

    def give(self, contents: Sequence[str]) -> Iterator[ChatEvent]:
        """Give the results of the calls that an answer ended with (`AnswerEnded.waiting`), in order; the answer
        continues.

        Raises:
            ValueError: no call is waiting.
        """
        if self._loop is None:
            raise ValueError("no call is waiting for a result")
        return self._loop.give(contents)

    def close(self) -> None:
        """End the conversation."""
        self._speaker.settle()

    @property
    def _answering(self) -> AnswerConfig:
        """How answers are made in this pattern; a pattern that writes first opens speech by itself."""
        given, pattern, turns = self._config.answering, self.pattern, self._config.turns
        longest = given.max_steps
        if pattern.speaks and turns.refined_hears == "answer":
            longest = min(longest, turns.answer_places)
        opened = given.opened and not pattern.writes_first
        return given.model_copy(update={"speech": pattern.speaks, "opened": opened, "max_steps": longest})

    def _refuse(self, wrong: bool, reason: str) -> None:
        if wrong:
            raise ConfigError(reason)
