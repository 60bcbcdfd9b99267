"""What a language model's process and its owner tell each other, pickled one behind the other in two pipes."""

from dataclasses import dataclass
from typing import Any

from configs.model.language_models import LanguageModelConfig
from duplex.model.language_models.interface import AnswerPiece, ChatMessage
from duplex.model.language_models.text_pieces import MakeFilter


@dataclass(frozen=True)
class Load:
    """The first message to the process: which model. `beside_speech`: conversations are under way while it loads."""

    config: LanguageModelConfig
    make_filter: MakeFilter
    beside_speech: bool = False


@dataclass(frozen=True)
class Generate:
    """See `LocalModel.begin`."""

    request: int
    conversation: int
    messages: tuple[ChatMessage, ...]
    tools: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Prefill:
    """See `LocalModel.prefill`."""

    conversation: int
    messages: tuple[ChatMessage, ...]
    tools: tuple[dict[str, Any], ...]


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


@dataclass(frozen=True)
class ProcessEnded:
    """The last message from a process that cannot go on: why."""

    error: str


@dataclass(frozen=True)
class PieceCame:
    """A piece of an answer."""

    request: int
    piece: AnswerPiece
