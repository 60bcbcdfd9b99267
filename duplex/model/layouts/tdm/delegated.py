"""Answers of one conversation that a language model writes: when it is asked, what came of it, what history keeps.

The state head still decides who speaks. A delegated answer begins when the state head wants one and its first words are
there; until then the assistant stays mute and is said to be thinking. Deterministic: all that comes from outside is the
`Came` of each slot. Knows words and slots; knows nothing of tensors, threads or servers.
"""

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from duplex.model.interface import Came, UserWords
from duplex.model.language_models.answers import AnswerSource
from duplex.model.language_models.dialogue import ChatHistory, alike
from duplex.model.language_models.go_on import asks_to_go_on, asks_to_wait
from duplex.model.language_models.interface import ChatMessage
from duplex.model.layouts.tdm.items import Item, list_items
from duplex.model.text.reading.written_words import WrittenWords
from duplex.model.text.spoken import list_spoken_words

REMIND_SLOTS: Final = 10
"""An answer that had to wait longer than the state head expects a pause to last begins when the head hears the question
again: its last words enter the user's side once more, and again after so many slots."""
REMINDED_WORDS: Final = 8
RESUME_SLOTS: Final = 15
"""So long after an answer was cut although nobody said anything, the state head may have it resumed."""
GO_ON: Final = "please continue"
"""What the state head hears besides a request to go on. It knows these words as a request: p(speak) is 0.99 and stays
there, whereas behind "okay, go on" it begins at 0.8 and falls to 0.1 with the answer's first word."""


@dataclass(frozen=True)
class Rest:
    """What was not heard of an answer that was cut: its written words so far; `whole`: the answer ends with them."""

    words: tuple[str, ...]
    whole: bool


class DelegatedAnswers:
    """One conversation's.

    Attributes:
        dialogue: what was said so far.
        came: in the present slot.
        thinking: the assistant is to answer, and there are no words yet.
        answering: an answer is being given, by the language model or by the embedded mind.
        speaking: the present answer is delegated.
        written: its words.
    """

    def __init__(
        self, answers: AnswerSource, row: int, system_prompt: str | None, tools: Collection[str] | None = None
    ) -> None:
        """`tools`: names of the functions that may be called; None allows all of them.

        Raises:
            ConfigError: there is no function of that name.
        """
        self.dialogue = ChatHistory(answers.config.system_prompt if system_prompt is None else system_prompt)
        self.came: Came | None = None
        self.thinking = False
        self.speaking = self.answering = False
        self.written = WrittenWords()
        self.heard_fraction = answers.config.heard_fraction
        self._answers, self._row = answers, row
        self._asked: tuple[ChatMessage, ...] = ()
        self._queue: deque[Item] = deque()
        self._finished = False
        self._part = ""
        self._quiet = self._taken = self._since_cut = 0
        self._chosen = self._typed = self._asks_on = False
        self._rest: Rest | None = None
        answers.open(row, tools)
        answers.prefill(row, self.dialogue.opening)

    def receive(self, absent: bool = False) -> None:
        """A slot begins: take what came. `absent`: nobody is there to hear the assistant."""
        self._since_cut += not absent
        self.came = self._answers.poll(self._row)
        if self.came is not None:
            self._read(self.came.text)
            self._finished = self._finished or self.came.finished
            self._note_calls(self.came)
            if self._finished and not self._ready and not self.speaking:
                self._give_up()

    def hear(self, words: UserWords, expected: str = "") -> None:
        """Words of the user became known.

        `expected`: the turn's caption with the words that may follow; where answers may begin before the end of the
        turn is decided, this is what they answer. "" where nothing more is expected.
        """
        self._close_part()
        self.dialogue.hear(words)
        if not self.answering:
            self._prepare(self.dialogue.expect(words.turn, expected) if expected else ())

    def write(self, text: str) -> None:
        """The user wrote: an answer that is under way is broken off, and this is asked."""
        self._typed = self.answering
        self._close_part()
        self.dialogue.write(text)
        if not self.answering:
            self._prepare()

    def takes(self, refuses: bool) -> bool:
        """Whether the language model answers; `refuses`: the embedded mind would say that it does not know.

        Once it has been chosen for a question, it stays, unless it has nothing to say and the embedded mind may answer.
        Where it has not been chosen, the embedded mind's answer begins.
        """
        alone = self._answers.config.answers == "all"
        failed = self._finished and not self._ready
        self._chosen = alone or ((self._chosen or refuses or self._goes_on) and not failed)
        if not self._chosen:
            self._forget()
            self.dialogue.begin_answer()
            self._typed, self.answering = False, True
        return self._chosen

    @property
    def interrupts(self) -> bool:
        """The user wrote while the assistant spoke."""
        return self._typed and self.answering

    def want(self) -> bool:
        """The assistant is to speak now: whether there is something to say.

        The answer is now wanted for certain. Where it has paused, it goes on: words that were said meanwhile over its
        first part ("okay") are no new question.
        """
        if not (self._part and self._asked):
            self._ask()
        self._answers.confirm(self._row)
        self.thinking = bool(self._asked) and not self._finished and not self._ready
        return self._ready

    def find_reminder(self, p_high: bool) -> str:
        """Words that enter the user's side besides what was said.

        They are words of the question, where there is an answer and the state head does not ask for one.

        Args:
            p_high: the state head asked for an answer in the slot before.
        """
        if self._asks_on:
            self._asks_on = False
            return GO_ON
        if p_high or self.speaking or not (self._chosen and self._ready):
            self._quiet = 0
            return ""
        self._quiet += 1
        words = list_spoken_words(self.dialogue.question)
        return " ".join(words[-REMINDED_WORDS:]) if self._quiet % REMIND_SLOTS == 1 else ""

    def begin(self) -> None:
        """The answer, or its next part, begins to be spoken."""
        self._typed = False
        if not self._part:
            self.dialogue.begin_answer()
        self.thinking = False
        self.speaking = self.answering = True

    def take_items(self) -> list[Item]:
        """The next items up to a word that sounds and the marks behind it; none where no word is there."""
        taken: list[Item] = []
        while self._queue and (self._queue[0].is_mark or not any(item.sounds for item in taken)):
            taken.append(self._queue.popleft())
        self._taken += sum(item.written is not None for item in taken)
        return taken

    @property
    def over(self) -> bool:
        """All text has been taken."""
        return self._finished and not self._queue

    def end(self, heard: str, words: int, cut: bool) -> None:
        """An answer is over, by whomever it was given; `heard` of it, that is so many of its written words.

        A delegated one may only pause: its text comes more slowly than it is spoken.
        """
        part = f"{self._part} {heard}".strip()
        if self.speaking and not cut and not self.over:
            self._part = part
            self._say(self.written.words[self._taken :])
            self.speaking, self.answering, self.thinking = False, False, True
            return
        self._since_cut = 0
        self._keep_rest(self.written.words[words:], cut and self.speaking)
        self._part = ""
        self.dialogue.keep(part, cut)
        self._forget()
        if cut and self.dialogue.question:
            self._prepare()

    def retract(self) -> None:
        """The answer that had begun was taken back before it sounded."""
        self._forget()
        self._prepare()

    @property
    def _ready(self) -> bool:
        return any(item.sounds for item in self._queue)

    def _prepare(self, expected: tuple[ChatMessage, ...] = ()) -> None:
        """The user's words have changed, and perhaps will again: to those of `expected`."""
        self._chosen = False
        self._asks_on = self._goes_on
        self.thinking = False
        if self._answers.config.speculates:
            asks_on = self._goes_on or (self._rest is not None and asks_to_go_on(_last_words(expected)))
            self._ask(() if asks_on else expected)
        else:
            self._drop()
            self._answers.prefill(self._row, self.dialogue.messages)

    def _note_calls(self, came: Came) -> None:
        """Functions are called, or have ended: the request under way has gone on with these messages."""
        current = alike(self.dialogue.messages, self._asked)
        self.dialogue.note_calls(came.started, came.ended)
        if current:
            self._asked = self.dialogue.messages

    def _give_up(self) -> None:
        """The answer is over and has no more words: what was said of it is all of it."""
        part, self._part = self._part, ""
        self.thinking = False
        if part:
            self._keep_rest([], cut=False)
            self.dialogue.keep(part, cut=False)
            self._forget()

    def _close_part(self) -> None:
        """The user takes the turn while an answer pauses."""
        if self._part:
            self._keep_rest(self.written.words, cut=True)
            self.dialogue.keep(self._part, cut=True)
            self._part = ""

    def _keep_rest(self, words: list[str], cut: bool) -> None:
        """An answer is over: of one that was cut, what was not heard waits for a "go on".

        What was said since to someone who asked for a moment does not count.
        """
        if cut:
            self._rest = Rest(tuple(words), self._finished) if words or not self._finished else None
        elif not asks_to_wait(self.dialogue.question):
            self._rest = None

    @property
    def _goes_on(self) -> bool:
        """The user wants to hear the rest of the answer that was cut, or said nothing when it was cut."""
        silent = bool(self.dialogue.cut_short) and self._since_cut < RESUME_SLOTS
        return self._rest is not None and (silent or asks_to_go_on(self.dialogue.question))

    def _ask(self, expected: tuple[ChatMessage, ...] = ()) -> None:
        messages = expected or self.dialogue.messages or (self.dialogue.cut_short if self._goes_on else ())
        if not messages:
            return
        if alike(messages, self._asked):
            self.dialogue.note_asked()
            return
        rest = self._rest if self._goes_on else None
        self._forget()
        self._asked = messages
        self.dialogue.note_asked()
        if rest is None:
            self._answers.ask(self._row, messages)
        elif rest.whole:
            self._say(rest.words)
            self._finished = True
        else:
            self._answers.resume(self._row, messages, rest.words)

    def _read(self, text: str) -> None:
        for said in self.written.read(text) if text else ():
            self._queue.extend(list_items(said))

    def _say(self, words: Sequence[str]) -> None:
        """These are the first words of an answer, or of its next part."""
        self._queue.clear()
        self.written, self._taken = WrittenWords(), 0
        self._read("".join(f"{word} " for word in words))

    def _drop(self) -> None:
        self._answers.drop(self._row)
        self._asked = ()

    def _forget(self) -> None:
        self._drop()
        self._say(())
        self._finished = self.speaking = self.answering = self.thinking = False


def _last_words(messages: tuple[ChatMessage, ...]) -> str:
    return messages[-1].content if messages else ""
