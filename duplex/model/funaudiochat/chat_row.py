"""One conversation in ChatML turns, on the host: what its elements are, which of them wait, and its answer so far.

Knows the order of turns; knows no tensors but the vectors of user groups that it keeps. The rules of an answer are the
authors' generation loop, for one row: the first text token opens speech, five end-of-speech tokens close it, the text
token of that step becomes the end of speech, and the end-of-turn token ends the answer.
"""

from dataclasses import dataclass, field
from enum import Enum

from torch import Tensor

from configs.model.funaudiochat import AnswerConfig, FunAudioChatConfig

Group = tuple[int, ...]


class Phase(Enum):
    """What a conversation is doing."""

    IDLE = "between turns"
    USER = "in a user's spoken turn"
    ANSWER = "answering"


@dataclass(frozen=True)
class ChatElement:
    """A place of the LLM: a text id; with the vector of a user's group, or the speech tokens spoken with it."""

    id: int
    heard: Tensor | None = None
    spoken: Group | None = None


@dataclass(frozen=True)
class AnswerStep:
    """What a step of an answer added.

    Attributes:
        text_id: the text token.
        tokens: speech tokens of 200 ms, None while the answer is not speaking.
        finished: the answer ended with it.
    """

    text_id: int
    tokens: Group | None
    finished: bool


@dataclass
class ChatAnswer:
    """An answer being made.

    Attributes:
        start: elements before the last token of its prompt, which is what the first step takes.
        next: the element the next step takes.
        carried: the speech token before the next group.
        speaking: since the last begin of speech.
        text, groups: all made so far.
    """

    start: int
    next: ChatElement
    carried: int
    speaking: bool = False
    text: list[int] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    finished: bool = False


@dataclass
class ChatRow:
    """One conversation.

    Attributes:
        answering: how it answers.
        seed: of its draws; `steps` counts them, over all turns.
        log: elements in the caches, in order.
        waiting: elements that are to follow.
        turns: where each user turn begins in `log + waiting`.
        unfinished: elements before the end of the newest spoken turn, and before what its unfinished chunk gave.
    """

    answering: AnswerConfig = field(default_factory=AnswerConfig)
    seed: int = 0
    steps: int = 0
    phase: Phase = Phase.IDLE
    log: list[ChatElement] = field(default_factory=list)
    waiting: list[ChatElement] = field(default_factory=list)
    turns: list[int] = field(default_factory=list)
    unfinished: int | None = None
    answer: ChatAnswer | None = None

    @property
    def size(self) -> int:
        """Elements, those that wait included."""
        return len(self.log) + len(self.waiting)

    def expect(self, *phases: Phase) -> None:
        """Fails where a call comes in the wrong phase: a fault of the caller."""
        if self.phase not in phases:
            raise ValueError(f"the conversation is {self.phase.value}, not {' or '.join(p.value for p in phases)}")

    def add(self, ids: list[int]) -> None:
        """Text tokens that are to follow."""
        self.waiting += [ChatElement(number) for number in ids]

    def begin_answer(self, bos: int) -> None:
        """The prompt is complete: its last token is left for the first step."""
        last = self.waiting.pop()
        self.phase = Phase.ANSWER
        self.answer = ChatAnswer(start=self.size, next=last, carried=bos)

    def truncate(self, length: int) -> None:
        """Forget all elements but the first `length`, and the answer."""
        self.waiting = [*self.log, *self.waiting][len(self.log) : length]
        self.log = self.log[:length]
        self.turns = [turn for turn in self.turns if turn < length]
        self.unfinished = None
        self.answer = None
        self.phase = Phase.IDLE


def advance(answer: ChatAnswer, text_id: int, raw: Group | None, config: FunAudioChatConfig, end: int) -> Group | None:
    """Take a step's choices into an answer. Where it ends while it speaks, its last group has silence as its text.

    Args:
        answer: changed.
        text_id: the text token chosen.
        raw: the speech tokens chosen, None where the refined head did not run.
        config: for the ids with a meaning.
        end: text id that ends the turn.

    Returns:
        The speech tokens that count.
    """
    ids, group = config.ids, None
    answer.finished = text_id == end
    if raw is not None:
        answer.carried = raw[-1]
    if raw is not None and answer.speaking:
        group = raw
        if config.codes.eos in raw:
            group, text_id, answer.speaking = (config.codes.eos,) * len(raw), ids.audio_eos, False
        answer.groups.append(group)
    answer.text.append(text_id)
    answer.next = ChatElement(text_id, spoken=group) if answer.speaking else ChatElement(text_id)
    if answer.finished and answer.speaking:
        answer.next = ChatElement(ids.sil, spoken=group)
    answer.speaking = answer.speaking or text_id == ids.audio_bos
    return group


def list_spoken_elements(answer: ChatAnswer, log: list[ChatElement], groups: int, opens: int) -> list[ChatElement]:
    """Elements of an answer from the last token of its prompt to its `groups`-th group of speech."""
    made = [*log[answer.start :], answer.next]
    ends = [index for index, element in enumerate(made) if element.spoken is not None][:groups]
    if not ends:
        ends = [index for index, element in enumerate(made) if element.id == opens][:1]
    return made[: ends[-1] + 1] if ends else made[:1]
