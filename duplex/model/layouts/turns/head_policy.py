"""Decides who speaks next by the state head of another model, which was trained on both sides of conversations.

That model listens alongside the one that answers: it hears the user's audio, recognises the user's words, and is told
the words of the answer. Its refined head speaks them silently, so that its own side of every slot holds text and speech
as if it had given the answer itself. It never answers. This module uses the model's ears, core and refined head; it
does not depend on turns. The state head is that of OmniDRCA, Appendix A; using it to control another model is ours.
"""

import hashlib
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
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
from duplex.model.layouts.turns.shadow_answer import ShadowAnswer, ShadowSlot
from duplex.model.layouts.turns.turn_interface import PolicyInput, PolicyOutput, ToldAnswer
from duplex.model.stages.fusion import pad
from duplex.model.stages.llm import LlmState
from duplex.model.stages.srh import SrhInput
from duplex.model.stages.word_source import WordsInput
from duplex.model.stages.words_beside import WordsBeside
from tdm.layout import TdmLayout

_SETTLED = 0.5
"""p(speak) below which the head has stopped wanting to speak."""


@dataclass
class _ListenerRow:
    """One conversation: its slot, the assistant's newest state and how long it has lasted, words that wait for U.

    `shadow` is the present answer, of which `queued` speech units are known and unspoken, and `spoken` words and marks
    have been begun; `sounding`: one of its words can be heard. `settled`: the head has stopped wanting to speak since
    the newest answer.
    """

    waiting: deque[int]
    slot: int = 0
    speaking: bool = False
    since: int = 0
    shadow: ShadowAnswer | None = None
    queued: int = 0
    spoken: int = 0
    settled: bool = True
    sounding: bool = False

    def follow(self, speaking: bool) -> None:
        """Take the assistant's state in the present slot."""
        self.since = self.since + 1 if speaking == self.speaking and self.slot else 0
        self.speaking = speaking

    def judge(self, p_speak: float, trust: float) -> float:
        """p(speak) as the policy gives it, from that of the head.

        Another voice may be faster and end before the head has spoken all it was told, so that the head wants to go on.
        A new answer therefore begins only once the head has stopped wanting that.
        """
        if self.speaking:
            self.settled = False
            if not self.sounding:
                return p_speak
            return trust * p_speak / (1 - p_speak + trust * p_speak)
        self.settled |= p_speak < _SETTLED
        return p_speak if self.settled else 0.0


@dataclass
class _Group:
    """States of the rows `first` to `first + size` in every stage.

    `hidden` [size, D] is the core's vector for the refined head after the slot before.
    """

    first: int
    encoder: Any
    words: WordsBeside
    core: LlmState
    srh: Any
    hidden: Tensor
    rows: list[_ListenerRow]

    def reset(self, rows: Tensor) -> None:
        """Forget the rows that are True in `rows [size]`."""
        for state in (self.encoder, self.words, self.core, self.srh):
            state.reset(rows)
        self.hidden[rows] = 0
        for index in rows.nonzero().flatten().tolist():
            self.rows[index] = _ListenerRow(deque())


@dataclass
class HeadPolicyState:
    """State of B conversations, in groups of as many rows as the model runs in one step."""

    groups: list[_Group]

    def reset(self, rows: Tensor) -> None:
        """Forget the rows that are True in `rows [B]`."""
        for group in self.groups:
            group.reset(rows[group.first : group.first + len(group.rows)])


class HeadPolicy:
    """`TurnPolicy` over a `TdmModel`. With `beside`, words are recognised in a thread in parallel with the steps; they
    enter one slot later in any case, and the results are the same."""

    reconsiders = True
    """The head takes back its own answers if more words come before they sound, a slot after the decision."""

    def __init__(self, model: TdmModel, config: HeadPolicyConfig, beside: bool = True) -> None:
        """
        Raises:
            ConfigError: the model has no text or no pointer head.
        """
        if not (isinstance(model.mind, EmbeddedMind) and isinstance(model.voice, EmbeddedVoice)):
            raise ConfigError(
                f"'{config.model}' cannot decide for others: its parts differ from mini's; name another model"
            )
        told = f"{model.fingerprint} {config.lead_words} {config.slow_words} {config.trust}"
        self.fingerprint = hashlib.sha256(told.encode()).hexdigest()[:16]
        self._config = config
        self._model, self._tokenizer = model, model.mind.tokenizer
        self._head, self._schedule = model.voice.head, model.mind.config.schedule
        self._prefix = self._tokenizer.encode(model.mind.config.system_prompt)
        self._layout = TdmLayout(self._schedule, len(self._prefix))
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
            return self._step(x.pcm[span], x.speaking[span], x.answers[span], group, active[span])

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
        return _Group(
            first=first,
            encoder=model.ears.encoder.init_state(size),
            words=WordsBeside(model.ears.words, size, self._worker),
            core=model.mind.core.init_state(size, self._layout),
            srh=self._head.init_state(size),
            hidden=torch.zeros(size, model.mind.config.core.llm.hidden_size),
            rows=[_ListenerRow(deque()) for _ in range(size)],
        )

    def _prefill(self, group: _Group, rows: Tensor) -> None:
        prefix = torch.tensor([self._prefix]).expand(len(group.rows), -1)
        self._model.mind.core.prefill(prefix, self._layout, group.core, rows)

    @torch.inference_mode()
    def _step(
        self, pcm: Tensor, speaking: Tensor, answers: Sequence[ToldAnswer | None], group: _Group, active: Tensor
    ) -> tuple[list[float], list[UserWords | None]]:
        """Run one slot of a group's active rows: p(speak), and words that became known."""
        features = self._model.ears.encoder.step(pcm, group.encoder, active)
        heard = self._hear(WordsInput(pcm, features, speaking), group, active)
        for index in active.nonzero().flatten().tolist():
            group.rows[index].follow(bool(speaking[index]))
        text, tokens = self._speak(answers, group, active)
        plans = [self._layout.plan(row.slot) for row in group.rows]
        both = self._slot(features, text, tokens, group, active)
        out = self._model.mind.core.step(both, plans, self._layout, group.core, active)
        group.hidden[active] = out.hidden[active]
        p_speak = out.state.sigmoid().tolist()
        for index in active.nonzero().flatten().tolist():
            group.rows[index].slot += 1
            p_speak[index] = group.rows[index].judge(p_speak[index], self._config.trust)
        return p_speak, heard

    def _hear(self, x: WordsInput, group: _Group, active: Tensor) -> list[UserWords | None]:
        """Words of the previous slot; those of this slot are recognised until the next one."""
        heard = group.words.collect(active)
        for row, news in zip(group.rows, heard, strict=True):
            if news is not None:
                row.waiting.extend(self._tokenizer.encode(news.text))
        group.words.submit(x, active)
        return heard

    def _speak(self, answers: Sequence[ToldAnswer | None], group: _Group, active: Tensor) -> tuple[Tensor, Tensor]:
        """The assistant's side of the slot: text ids [size] and the tokens [size, 5, digits] of a silent voice."""
        slots = [
            self._shadow(row, told) if is_active and row.speaking else ShadowSlot(self._tokenizer.sil)
            for row, told, is_active in zip(group.rows, answers, active.tolist(), strict=True)
        ]
        said = SrhInput(
            words=[slot.items for slot in slots],
            finished=torch.tensor([slot.finished for slot in slots]),
            speaking=torch.tensor([row.speaking for row in group.rows]),
            hidden=group.hidden,
        )
        out = self._head.step(said, group.srh, active)
        for row, queued, sounding in zip(group.rows, out.queued.tolist(), out.spoken, strict=True):
            row.queued = queued
            row.spoken = max([row.spoken, *(word.item + 1 for word in sounding)])
        return torch.tensor([slot.text_id for slot in slots]), out.tokens

    def _shadow(self, row: _ListenerRow, told: ToldAnswer | None) -> ShadowSlot:
        """What `row` says of the answer in this slot; the first slot of a state begins a new one."""
        if row.shadow is None or not row.since:
            row.shadow = ShadowAnswer(self._tokenizer, self._schedule.text_lead_units, self._config)
            row.spoken = 0
        row.sounding = told is not None and told.begun > 0
        return row.shadow.next_slot(told, row.queued, row.spoken)

    def _slot(self, features: Tensor, text: Tensor, tokens: Tensor, group: _Group, active: Tensor) -> CoreInput:
        """Both sides of the slot."""
        places = self._schedule.user_words_per_slot
        taken = [places if is_active else 0 for is_active in active.tolist()]
        words = [_take(row.waiting, count) for row, count in zip(group.rows, taken, strict=True)]
        return CoreInput(
            features=features,
            words=torch.tensor([pad(ids, places) for ids in words]),
            text=text,
            tokens=tokens,
            state=torch.tensor([int(row.speaking) for row in group.rows]),
            since=torch.tensor([row.since for row in group.rows]),
        )


def _take(waiting: deque[int], count: int) -> list[int]:
    return [waiting.popleft() for _ in range(min(count, len(waiting)))]
