"""One conversation in ChatML turns, on the host: its elements, which of them are waiting, and its answer so far.

This module handles the order of turns; the only tensors are the stored vectors of user groups. The rules of an answer
are those of the authors' generation loop (`_sample` in `modeling_funaudiochat.py`), for one row: the first text token
opens speech, five end-of-speech tokens close it, the text token of that step becomes the end of speech, and the
end-of-turn token ends the answer.
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
    """An element of the LLM's sequence: a text id, perhaps with the vector of a user group or with spoken tokens."""

    id: int
    heard: Tensor | None = None
    spoken: Group | None = None


@dataclass(frozen=True)
class AnswerStep:
    """What one step added to an answer.

    Attributes:
        text_id: the text token.
        tokens: speech tokens of 200 ms; None while the answer is not speaking.
        finished: whether the answer ended with this step.
    """

    text_id: int
    tokens: Group | None
    finished: bool


@dataclass
class ChatAnswer:
    """An answer being made.

    Attributes:
        start: number of elements before the last token of its prompt, which is the first step's input.
        next: the next step's input.
        carried: the speech token before the next group.
        speaking: True after a begin of speech.
        text, groups: all text and speech made so far.
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
        seed: seed of its random draws; `steps` counts them over all turns.
        log: elements in the caches, in order.
        waiting: elements that are not in the caches yet.
        turns: where each user turn begins in `log + waiting`.
        unfinished: numbers of elements before the end of the newest spoken turn, and before the groups of its
            unfinished chunk.
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
        """Number of elements, including waiting ones."""
        return len(self.log) + len(self.waiting)

    def expect(self, *phases: Phase) -> None:
        """Raise ValueError if a call comes in the wrong phase, which is the caller's mistake."""
        if self.phase not in phases:
            raise ValueError(f"the conversation is {self.phase.value}, not {' or '.join(p.value for p in phases)}")

    def add(self, ids: list[int]) -> None:
        """Append text tokens."""
        self.waiting += [ChatElement(number) for number in ids]

    def begin_answer(self, bos: int) -> None:
        """Begin an answer: the prompt is complete, and its last token is left for the first step."""
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
    """Add a step's choices to an answer. If it ends while speaking, its last group has silence as its text.

    Args:
        answer: changed.
        text_id: the chosen text token.
        raw: the chosen speech tokens; None if the refined head did not run.
        config: supplies the special ids.
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
