"""The partner of `duplex chat`: a half-duplex checkpoint, or a live model under a virtual clock.

This module handles model names; it does not depend on the terminal or on files.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from configs.base import ConfigError
from configs.model.chat import ChatConfig
from configs.model.descriptions import describe_tdm
from configs.model.families import TWINS
from configs.model.language_models import LanguageModelConfig, take_llm
from configs.model.patterns import Pattern
from configs.model.turn_model import TurnModelConfig
from duplex.model.chat.aloud import Written
from duplex.model.chat.chat_events import ChatEvent
from duplex.model.chat.chat_session import ChatSession
from duplex.model.chat.chat_voice import ChatVoice
from duplex.model.families.checkpoint import load_tdm_model, random_tdm_model
from duplex.model.funaudiochat.load_parts import describe, load_parts
from duplex.model.interface import ConversationOptions, Samples
from duplex.model.layouts.tdm.mind import EmbeddedMind
from duplex.model.layouts.tdm.voice import EmbeddedVoice
from duplex.model.load import make_generator
from duplex.model.tools.tool_runner import ToolRunner
from runtime.cli.chat_screen.live import LiveChat


class Partner(Protocol):
    """A conversation; see `duplex.model.chat.chat_session.ChatSession`."""

    fingerprint: str
    llm: dict[str, Any]
    """The language model behind it, see `describe_llm`; empty where it answers by itself."""
    pattern: Pattern

    @property
    def note(self) -> str:
        """What someone who picked the pattern should know; "" if there is nothing to say."""
        ...

    def new(self, pattern: Pattern) -> None:
        """Begin a new conversation."""
        ...

    def ask(self, text: str = "", pcm: Samples | None = None) -> Iterator[ChatEvent]:
        """Take a turn of the user, written or spoken; yields events until the answer has ended."""
        ...

    def give(self, contents: Sequence[str]) -> Iterator[ChatEvent]:
        """Give the results of calls that wait for the user."""
        ...

    def close(self) -> None:
        """End the conversation."""
        ...


@dataclass(frozen=True)
class ChatOptions:
    """What the user asked for.

    Attributes:
        model: name, folder or hub id. pattern: pattern of the first conversation.
        changes: fields of the model's description that the user set (`configs.model.turn_model`).
        chat: seed, prompt, history. places: elements of a conversation; None keeps the model's value.
        temperature: sampling of the text; None keeps the model's. longest: tokens of an answer; None keeps the model's.
        tools: functions it may call. heard: whether answers are to be heard.
    """

    model: str
    pattern: Pattern
    chat: ChatConfig
    changes: Mapping[str, object]
    tools: ToolRunner
    places: int | None = None
    temperature: float | None = None
    longest: int | None = None
    heard: bool = False


def load_partner(wanted: ChatOptions) -> Partner:
    """
    Raises:
        ConfigError: the model does not exist, cannot be used, or cannot do what is wanted.
    """
    changes = dict(wanted.changes)
    tdm = describe_tdm(wanted.model)
    llm, wanted = take_llm(changes, tdm.llm), replace(wanted, changes=changes)
    described = None if tdm.checkpoint in TWINS else describe(tdm.checkpoint)
    if described is None:
        return _live(wanted, tdm.checkpoint, llm)
    if llm is not None:
        raise ConfigError(f"{wanted.model} answers by itself; a language model (--llm) goes with mini")
    return _half_duplex(wanted, described)


def _half_duplex(wanted: ChatOptions, described: TurnModelConfig) -> Partner:
    if described.kind != "funaudiochat":
        raise ConfigError(f"'{wanted.model}' only says fixed sentences; choose another model to chat with")
    described = described.change(wanted.changes, f"--set for {wanted.model}")
    turns, answering = described.turns, described.answer
    if wanted.places is not None:
        turns = turns.model_copy(update={"places": wanted.places})
    if wanted.longest is not None:
        answering = answering.model_copy(update={"max_steps": wanted.longest})
    if wanted.temperature is not None:
        text = answering.text.model_copy(update={"temperature": wanted.temperature})
        answering = answering.model_copy(update={"text": text})
    config = wanted.chat.model_copy(update={"turns": turns, "answering": answering})
    parts = load_parts(described.model_copy(update={"turns": turns}), heard=wanted.heard)
    voice = None if parts.detokenizer is None else ChatVoice(parts.detokenizer, described.voice)
    return ChatSession(parts.chat, wanted.pattern, config, tools=wanted.tools, voice=voice)


def _live(wanted: ChatOptions, checkpoint: str, llm: LanguageModelConfig | None) -> Partner:
    if wanted.tools.definitions:
        raise ConfigError(
            f"{wanted.model} calls no functions; add --llm, leave out --tools, or choose a Fun-Audio-Chat checkpoint"
        )
    if wanted.changes or wanted.places is not None or wanted.longest is not None or wanted.chat.persona:
        raise ConfigError(f"{wanted.model} takes only --seed, --temperature and --system-prompt; leave out the others")
    if llm is not None and wanted.chat.system_prompt is not None:
        llm = llm.model_copy(update={"system_prompt": wanted.chat.system_prompt})
    random = TWINS.get(checkpoint)
    model = load_tdm_model(checkpoint) if random is None else random_tdm_model(random)
    options = ConversationOptions(
        wanted.chat.seed, system_prompt=wanted.chat.system_prompt, temperature=wanted.temperature or 0.0
    )
    generator = make_generator(model, 1, False, llm)
    reads = Written(generator, model.mind, datetime.now) if isinstance(model.mind, EmbeddedMind) else None
    voice = model.voice if isinstance(model.voice, EmbeddedVoice) else None
    return LiveChat(generator, wanted.model, wanted.pattern, options, reads, voice, model.mind.config.schedule)
