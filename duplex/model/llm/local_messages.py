"""What a language model's process and its owner tell each other, pickled one behind the other in two pipes."""

from dataclasses import dataclass
from typing import Any

from configs.model.llm import LlmConfig
from duplex.model.llm.interface import Message, Piece
from duplex.model.llm.text_pieces import MakeFilter


@dataclass(frozen=True)
class Load:
    """The first message to the process: which model."""

    config: LlmConfig
    make_filter: MakeFilter


@dataclass(frozen=True)
class Generate:
    """See `LocalModel.begin`."""

    request: int
    conversation: int
    messages: tuple[Message, ...]
    tools: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Prefill:
    """See `LocalModel.prefill`."""

    conversation: int
    messages: tuple[Message, ...]


@dataclass(frozen=True)
class Cancel:
    """See `LocalModel.cancel`."""

    request: int


@dataclass(frozen=True)
class Forget:
    """See `LocalModel.forget`."""

    conversation: int


@dataclass(frozen=True)
class Loaded:
    """The first message from the process: the model is ready."""

    name: str
    fingerprint: str
    takes_tools: bool


@dataclass(frozen=True)
class Ended:
    """The last message from a process that cannot go on: why."""

    error: str


@dataclass(frozen=True)
class Came:
    """A piece of an answer."""

    request: int
    piece: Piece
