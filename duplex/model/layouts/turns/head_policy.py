"""Decides who speaks next by the state head of another model, which was trained on both sides of conversations.

That model listens alongside the one that answers: it hears the user's audio, recognises the user's words, and is told
when the assistant speaks. It never answers itself. This module uses the model's ears, core and voice; it does not
depend on turns. The state head is that of OmniDRCA, Appendix A; using it to control another model is ours.
"""

import hashlib
from collections import deque
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from configs.base import ConfigError
from configs.model.live_turns import HeadPolicyConfig
from duplex.model.interface import ConversationOptions, UserWords
from duplex.model.layouts.tdm.core import CoreInput
from duplex.model.layouts.tdm.mind import EmbeddedMind
from duplex.model.layouts.tdm.tdm_model import TdmModel
from duplex.model.layouts.tdm.voice import EmbeddedVoice
from duplex.model.layouts.turns.turn_interface import PolicyInput, PolicyOutput
from duplex.model.stages.fusion import pad
from duplex.model.stages.llm import LlmState
from duplex.model.stages.srh import PointerRefinedHead, SrhInput
from duplex.model.stages.word_source import WordsInput, WordsResult
from duplex.model.text.reading.reader import read
from tdm.layout import TdmLayout

_LONGEST_SPEECH = 300
"""Number of slots of `speech` that are kept."""


@dataclass
class _ListenerRow:
    """One conversation: its slot, the assistant's newest state and how long it has lasted, words that wait for U."""

    waiting: deque[int]
    slot: int = 0
    speaking: bool = False
    since: int = 0

    def follow(self, speaking: bool) -> None:
        """Take the assistant's state in the present slot."""
        self.since = self.since + 1 if speaking == self.speaking and self.slot else 0
        self.speaking = speaking


@dataclass
class _Group:
    """States of the rows `first` to `first + size` in every stage; `words_due` is being computed for the next slot."""

    first: int
    encoder: Any
    words: Any
    core: LlmState
    rows: list[_ListenerRow]
    words_due: "Future[WordsResult] | None" = None


@dataclass
class HeadPolicyState:
    """State of B conversations, in groups of as many rows as the model runs in one step."""

    groups: list[_Group]

    def reset(self, rows: Tensor) -> None:
        """Forget the rows that are True in `rows [B]`."""
        for group in self.groups:
            mask = rows[group.first : group.first + len(group.rows)]
            for state in (group.encoder, group.words, group.core):
                state.reset(mask)
            for index in mask.nonzero().flatten().tolist():
                group.rows[index] = _ListenerRow(deque())


class HeadPolicy:
    """`TurnPolicy` over a `TdmModel`. With `beside`, words are recognised in a thread in parallel with the steps; they
    enter one slot later in any case, and the results are the same."""

    def __init__(self, model: TdmModel, config: HeadPolicyConfig, beside: bool = True) -> None:
        """
        Raises:
            ConfigError: the model has no text or no pointer head.
        """
        if not (isinstance(model.mind, EmbeddedMind) and isinstance(model.voice, EmbeddedVoice)):
            raise ConfigError(
                f"'{config.model}' cannot decide for others: its parts differ from mini's; name another model"
            )
        told = f"{model.fingerprint} {config.opening} {config.speech}"
        self.fingerprint = hashlib.sha256(told.encode()).hexdigest()[:16]
        self._model, self._tokenizer = model, model.mind.tokenizer
        self._silence = model.voice.head.silent
        self._speech = _speech(model.voice.head, config.speech)
        self._text = [*self._tokenizer.encode(config.opening), self._tokenizer.eos]
        self._prefix = self._tokenizer.encode(model.mind.config.system_prompt)
        self._layout = TdmLayout(model.mind.config.schedule, len(self._prefix))
        self._listeners = ThreadPoolExecutor(config.threads, "listener") if config.threads > 1 else None
        self._worker: Executor | None = ThreadPoolExecutor(config.threads, "words") if beside else None

    @torch.inference_mode()
    def init_state(self, batch: int) -> HeadPolicyState:
        """Fresh state for `batch` conversations."""
        size = self._model.mind.config.rows_per_step
        state = HeadPolicyState([self._group(first, min(size, batch - first)) for first in range(0, batch, size)])
        for group in state.groups:
            self._prefill(group, torch.ones(len(group.rows), dtype=torch.bool))
        return state

    @torch.inference_mode()
    def open(self, row: int, options: ConversationOptions, state: HeadPolicyState) -> None:
        """Begin a new conversation in `row`; the system prompt is for the answering model and not used here."""
        rows = torch.arange(sum(len(group.rows) for group in state.groups)) == row
        state.reset(rows)
        for group in state.groups:
            mask = rows[group.first : group.first + len(group.rows)]
            if mask.any():
                self._prefill(group, mask)

    @torch.inference_mode()
    def step(self, x: PolicyInput, state: HeadPolicyState, active: Tensor) -> PolicyOutput:
        """Run one slot of the active rows."""
        p_speak: list[float] = [0.0] * len(active)
        heard: list[UserWords | None] = [None] * len(active)
        spans = [slice(group.first, group.first + len(group.rows)) for group in state.groups]
        busy = [(group, span) for group, span in zip(state.groups, spans, strict=True) if active[span].any()]

        def one(busy: tuple[_Group, slice]) -> tuple[list[float], list[UserWords | None]]:
            group, span = busy
            return self._step(x.pcm[span], x.speaking[span], group, active[span])

        results = map(one, busy) if self._listeners is None else self._listeners.map(one, busy)
        for (_, span), (p, words) in zip(busy, results, strict=True):
            p_speak[span], heard[span] = p, words
        return PolicyOutput(p_speak, heard)

    def close(self) -> None:
        """Stop the threads."""
        for threads in (self._listeners, self._worker):
            if threads is not None:
                threads.shutdown(wait=True, cancel_futures=True)

    def _group(self, first: int, size: int) -> _Group:
        model = self._model
        core = model.mind.core.init_state(size, self._layout)
        rows = [_ListenerRow(deque()) for _ in range(size)]
        return _Group(first, model.ears.encoder.init_state(size), model.ears.words.init_state(size), core, rows)

    def _prefill(self, group: _Group, rows: Tensor) -> None:
        prefix = torch.tensor([self._prefix]).expand(len(group.rows), -1)
        self._model.mind.core.prefill(prefix, self._layout, group.core, rows)

    @torch.inference_mode()
    def _step(
        self, pcm: Tensor, speaking: Tensor, group: _Group, active: Tensor
    ) -> tuple[list[float], list[UserWords | None]]:
        """Run one slot of a group's active rows: p(speak), and words that became known."""
        features = self._model.ears.encoder.step(pcm, group.encoder, active)
        heard = self._hear(WordsInput(pcm, features, speaking), group, active)
        for index in active.nonzero().flatten().tolist():
            group.rows[index].follow(bool(speaking[index]))
        plans = [self._layout.plan(row.slot) for row in group.rows]
        out = self._model.mind.core.step(self._slot(features, group, active), plans, self._layout, group.core, active)
        for index in active.nonzero().flatten().tolist():
            group.rows[index].slot += 1
        return out.state.sigmoid().tolist(), heard

    def _hear(self, x: WordsInput, group: _Group, active: Tensor) -> list[UserWords | None]:
        """Words of the previous slot; those of this slot are recognised until the next one."""
        words = self._model.ears.words
        result = group.words_due.result() if group.words_due is not None else ()
        heard = words.deliver(result, group.words, active)
        for row, news in zip(group.rows, heard, strict=True):
            if news is not None:
                row.waiting.extend(self._tokenizer.encode(news.text))
        request = words.prepare(x, group.words, active)
        if self._worker is not None:
            group.words_due = self._worker.submit(words.run, request)
        else:
            group.words_due = Future()
            group.words_due.set_result(words.run(request))
        return heard

    def _slot(self, features: Tensor, group: _Group, active: Tensor) -> CoreInput:
        """Both sides of the slot."""
        places = self._model.mind.config.schedule.user_words_per_slot
        taken = [places if is_active else 0 for is_active in active.tolist()]
        words = [_take(row.waiting, count) for row, count in zip(group.rows, taken, strict=True)]
        return CoreInput(
            features=features,
            words=torch.tensor([pad(ids, places) for ids in words]),
            text=torch.tensor([self._text_id(row) for row in group.rows]),
            tokens=torch.stack([self._tokens(row) for row in group.rows]),
            state=torch.tensor([int(row.speaking) for row in group.rows]),
            since=torch.tensor([row.since for row in group.rows]),
        )

    def _text_id(self, row: _ListenerRow) -> int:
        if not row.speaking:
            return self._tokenizer.sil
        return self._text[row.since] if row.since < len(self._text) else self._tokenizer.hold

    def _tokens(self, row: _ListenerRow) -> Tensor:
        """Tokens [5, digits] of the slot: the speech that stands in for the assistant's, or silence."""
        return self._speech[row.since % len(self._speech)] if row.speaking else self._silence


def _take(waiting: deque[int], count: int) -> list[int]:
    return [waiting.popleft() for _ in range(min(count, len(waiting)))]


def _speech(head: PointerRefinedHead, text: str) -> Tensor:
    """Tokens [T, 5, digits] of a text, from its first to its last sound."""
    state, on, slots = head.init_state(1), torch.ones(1, dtype=torch.bool), list[Tensor]()
    words, exhausted = [item for said in read(text) for item in said.items], False
    while not exhausted and len(slots) < _LONGEST_SPEECH:
        out = head.step(SrhInput([words], finished=on, speaking=on), state, on)
        words, exhausted = [], bool(out.exhausted[0])
        slots.append(out.tokens[0])
    return torch.stack(slots)
