"""The engine as a system that `duplex.eval` measures. The only place that knows both."""

from dataclasses import dataclass

from configs.audio import AUDIO
from configs.policy import PolicyConfig
from duplex.eval.recording import AnswerText, Converse, Recording, SlotTrace, System, TimedWord
from duplex.eval.users.user import User
from duplex.model.interface import ConversationOptions, SlotGenerator, Writer
from runtime.converse import Conversation, converse_with
from runtime.engine.worker import load
from runtime.pcm import to_float
from runtime.session.transcript import AssistantSide
from tdm.slots import State

SLOT_OUT = AUDIO.slot_output_samples


@dataclass(frozen=True)
class EngineSystem:
    """Loads the model in the process that calls it."""

    model: str
    options: ConversationOptions

    def __call__(self) -> System:
        """The engine with its own model."""
        return system_of(load(self.model, 1), self.options)


def system_of(generator: SlotGenerator, options: ConversationOptions) -> System:
    """The engine under a virtual clock; every conversation has a seed of its own."""

    def under(policy: PolicyConfig) -> Converse:
        def converse(user: User, seed: int) -> Recording:
            seeded = ConversationOptions(seed, policy, started_at=options.started_at)
            talk = converse_with(generator, lambda live: user.next_slot(live.assistant[-SLOT_OUT:]), seeded)
            return recording_of(talk)

        return converse

    return System(under(options.policy), generator.write if isinstance(generator, Writer) else None, under)


def recording_of(talk: Conversation) -> Recording:
    """A conversation of the engine as the evaluation sees it; both channels end together."""
    slots = tuple(SlotTrace(row.slot, row.p_speak, row.state == State.SPEAK.name, row.event) for row in talk.rows)
    side = talk.transcript.assistant
    answers = tuple(
        AnswerText(a.text, a.unheard, a.start, a.end, a.how, _heard_words(side, a.answer)) for a in side.answers
    )
    heard = tuple(turn.text for turn in talk.transcript.user.words)
    return Recording(to_float(talk.user), talk.assistant[: len(talk.rows) * SLOT_OUT], slots, answers, heard)


def _heard_words(side: AssistantSide, answer: int) -> tuple[TimedWord, ...]:
    mine = (word for word in side.words if word.answer == answer and word.heard)
    return tuple(TimedWord(word.text, word.start, word.end) for word in mine)
