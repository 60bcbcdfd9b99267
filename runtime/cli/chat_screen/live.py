"""A live model as a partner in turns: it hears a recording and then silence, until its answer has ended.

One conversation continues over all spoken turns; written questions are a conversation each, because the text core of a
live model has no turns. Nothing here depends on files or the terminal.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np

from configs.audio import AUDIO
from configs.base import ConfigError
from configs.model.patterns import Pattern
from configs.schedule import ScheduleConfig
from duplex.model.chat.aloud import Written, aloud
from duplex.model.chat.chat_events import AnswerEnded, AudioChunk, ChatEvent, TextPiece, ToolCalled
from duplex.model.interface import Came, ConversationOptions, Samples, SlotGenerator
from duplex.model.language_models.description import describe_llm
from duplex.model.layouts.tdm.voice import EmbeddedVoice
from duplex.model.text.truecase import MARKS
from duplex.model.tools.calls import read_call
from duplex.model.tools.records import BrokenCall, ToolCall, ToolResult
from runtime.converse import TAIL_S, VirtualConversation, user_slots
from runtime.session.log_records import SlotRow
from tdm.slots import State

_QUIET_S = 1.0
"""Time after an answer during which a further one may still begin."""


class LiveChat:
    """Patterns S2T and S2M of any live model; T2T if it `reads`, T2M if it has a `voice` for that."""

    note = ""

    def __init__(
        self,
        generator: SlotGenerator,
        name: str,
        pattern: Pattern,
        options: ConversationOptions,
        reads: Written | None,
        voice: EmbeddedVoice | None,
        schedule: ScheduleConfig,
    ) -> None:
        self.fingerprint, self.llm = generator.fingerprint, describe_llm(generator)
        self._generator, self._name, self._options = generator, name, _now(options)
        self._reads, self._voice, self._schedule = reads, voice, schedule
        self.new(pattern)

    def new(self, pattern: Pattern) -> None:
        """Begin a new conversation.

        Raises:
            ConfigError: the model does not have the pattern.
        """
        known = [Pattern.S2M, Pattern.S2T]
        known += [Pattern.T2T] if self._reads else []
        known += [Pattern.T2M] if self._reads and self._voice else []
        if pattern not in known:
            raise ConfigError(f"{self._name} does not know pattern {pattern}; it has {', '.join(known)}")
        self.pattern = pattern
        self._live: VirtualConversation | None = None

    def ask(self, text: str = "", pcm: Samples | None = None) -> Iterator[ChatEvent]:
        """See `Partner.ask`.

        Raises:
            ConfigError: the turn is not of the kind that the pattern takes.
        """
        if pcm is not None and not self.pattern.hears:
            raise ConfigError(f"{self.pattern} reads text; leave out the recording, or choose S2M")
        if pcm is not None and text:
            raise ConfigError(f"{self._name} takes no instruction with a recording; leave out the text")
        if pcm is not None:
            return self._hear(pcm)
        if self.pattern.hears:
            raise ConfigError(f"{self.pattern} hears speech; give a recording, or choose T2M or T2T")
        if not text.strip():
            raise ConfigError("there is nothing to answer; write something")
        return self._read(text)

    def give(self, contents: Sequence[str]) -> Iterator[ChatEvent]:
        """See `Partner.give`; a live model calls no functions."""
        raise ValueError("no call is waiting for a result")

    def close(self) -> None:
        """Release the model's threads."""
        self._generator.close()

    def _read(self, text: str) -> Iterator[ChatEvent]:
        assert self._reads is not None, "a written pattern needs a model that reads"
        everything: list[Came] = []
        answer = self._reads.answer(text, everything.append)
        calls = _Calls()
        for came in everything:
            yield from calls.take(came)
        shown = self._reads.show(answer)
        yield TextPiece(shown, spoken=self.pattern.speaks)
        if self.pattern.speaks and self._voice is not None:
            for samples in aloud(self._voice, answer, self._schedule.text_lead_units, self._options.seed):
                yield AudioChunk(samples)
        yield AnswerEnded("end", shown)

    def _hear(self, pcm: Samples) -> Iterator[ChatEvent]:
        if self._live is None:
            self._live = VirtualConversation(self._generator, self._options, model=self._name)
        words: list[str] = []
        calls = _Calls()
        for row in self._slots(self._live, pcm):
            yield from calls.take(row.came)
            for word in row.answer_words:
                piece = word if not words or word in MARKS else f" {word}"
                words.append(piece)
                yield TextPiece(piece, spoken=self.pattern.speaks)
            if self.pattern.speaks and _sounds(row):
                yield AudioChunk(self._live.assistant[-AUDIO.slot_output_samples :].copy())
        yield AnswerEnded("end", "".join(words))

    def _slots(self, live: VirtualConversation, pcm: Samples) -> Iterator[SlotRow]:
        """Play the recording, then silence until an answer has ended or none has begun for a long time.

        An answer that waits for its next words, because a function runs for example, has not ended.
        """
        for slot in user_slots(pcm, 0.0):
            yield live.step(slot)
        silence = np.zeros(AUDIO.slot_input_samples, dtype=np.int16)
        mute, answered = 0, False
        while mute * AUDIO.slot_seconds < (_QUIET_S if answered else TAIL_S):
            row = live.step(silence)
            speaks = row.state == State.SPEAK.name
            mute, answered = 0 if speaks or row.thinking else mute + 1, answered or speaks
            yield row


class _Calls:
    """Calls of functions as events of a chat."""

    def __init__(self) -> None:
        self._running: dict[str, ToolCall | BrokenCall] = {}

    def take(self, came: Came | None) -> Iterator[ChatEvent]:
        """The events of what came with a slot."""
        for started in came.started if came else ():
            self._running[started.id] = read_call(started.name, started.arguments)
            yield ToolCalled(self._running[started.id])
        for ended in came.ended if came else ():
            if call := self._running.pop(ended.id, None):
                yield ToolResult(call, ended.result, ended.failed)


def _sounds(row: SlotRow) -> bool:
    """Whether the slot is spoken, or begins with a fade-out."""
    return row.state == State.SPEAK.name or row.event in ("end", "cut")


def _now(options: ConversationOptions) -> ConversationOptions:
    """The options with the present time, for answers about it."""
    moment = datetime.now().astimezone()
    offset = moment.utcoffset()
    return replace(options, started_at=moment.timestamp(), utc_offset_s=int(offset.total_seconds()) if offset else 0)
