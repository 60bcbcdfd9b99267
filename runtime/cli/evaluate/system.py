"""The engine as a system that `duplex.eval` measures. No other module depends on both."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from configs.audio import AUDIO
from configs.model.language_models import LLM
from configs.policy import PolicyConfig
from configs.runtime.runtime import EchoGuardConfig, RuntimeConfig
from duplex.eval.conversation_record import AnswerText, Converse, Recording, SlotTrace, System, TimedWord
from duplex.eval.suite import Facts
from duplex.eval.users.user import User
from duplex.model.abilities import DelegatingGenerator, Writer
from duplex.model.interface import ConversationOptions, SlotGenerator
from duplex.model.language_models.interface import LlmError
from runtime.converse import Conversation, converse_with
from runtime.engine.worker import load, loader_with
from runtime.pcm import to_float
from runtime.session.log_records import SlotRow
from runtime.session.transcript import AssistantSide
from tdm.slots import State

SLOT_OUT = AUDIO.slot_output_samples
_AS_HEARD = RuntimeConfig(echo=EchoGuardConfig(enabled=False))
"""The model itself is measured, with microphones that belong to the users: no echo is removed from their audio."""


@dataclass(frozen=True)
class ModelChoice:
    """A model as the command line names it; picklable.

    Attributes:
        name: see docs/models.md. changes: values of its description by key. pattern: pattern of the conversations.
    """

    name: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    pattern: str | None = None

    @property
    def file_name(self) -> str:
        """Name for files; models that differ only in `changes` share it."""
        return "-".join(filter(None, (Path(self.name).name, self.pattern)))

    def load(self) -> SlotGenerator:
        """Load the model with room for one conversation.

        Raises:
            ModelLoadError: the model cannot be loaded. LlmError: its language model cannot be used.
        """
        generator = load(self.name, 1, loader_with(self.changes))
        if isinstance(generator, DelegatingGenerator) and generator.llm_missing:
            generator.close()
            raise LlmError(generator.llm_missing)
        return generator

    def facts(self) -> Facts:
        """The values that a run depends on, without those of a language model (`describe_llm`)."""
        changes = {key: value for key, value in self.changes.items() if not key.startswith(LLM)}
        given = {"set": changes, "pattern": self.pattern}
        return {"model": self.name, **{name: value for name, value in given.items() if value}}


@dataclass(frozen=True)
class EngineSystem:
    """Loads the model in the process that calls it."""

    model: ModelChoice
    options: ConversationOptions

    def __call__(self) -> System:
        """Make the engine with its own model."""
        return system_of(self.model.load(), self.options)


def system_of(generator: SlotGenerator, options: ConversationOptions) -> System:
    """The engine under a virtual clock; every conversation has a seed of its own.

    A conversation whose language model failed measures nothing and raises `LlmError`.
    """

    def under(policy: PolicyConfig) -> Converse:
        def converse(user: User, seed: int) -> Recording:
            seeded = replace(options, seed=seed, policy=policy)
            talk = converse_with(
                generator, lambda live: user.next_slot(live.assistant[-SLOT_OUT:]), seeded, config=_AS_HEARD
            )
            _check_answers(talk.rows)
            return recording_of(talk)

        return converse

    return System(under(options.policy), writing(generator), under)


def writing(generator: SlotGenerator) -> Callable[[str], str] | None:
    """A function that answers a written question; None if the model does not read."""
    return generator.write if isinstance(generator, Writer) and generator.writes else None


def _check_answers(rows: Sequence[SlotRow]) -> None:
    for row in rows:
        if row.came is not None and row.came.error:
            raise LlmError(row.came.error)


def recording_of(talk: Conversation) -> Recording:
    """A conversation of the engine as the evaluation sees it; both channels end together."""
    slots = tuple(SlotTrace(row.slot, row.p_speak, row.state == State.SPEAK.name, row.event) for row in talk.rows)
    side = talk.transcript.assistant
    answers = tuple(
        AnswerText(a.text, a.unheard, a.start, a.end, a.how, _collect_heard(side, a.answer)) for a in side.answers
    )
    heard = tuple(turn.text for turn in talk.transcript.user.words)
    return Recording(to_float(talk.user), talk.assistant[: len(talk.rows) * SLOT_OUT], slots, answers, heard)


def _collect_heard(side: AssistantSide, answer: int) -> tuple[TimedWord, ...]:
    mine = (word for word in side.words if word.answer == answer and word.heard)
    return tuple(TimedWord(word.text, word.start, word.end) for word in mine)
