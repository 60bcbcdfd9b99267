"""The core as a text assistant (pattern T2T): it answers written questions greedily, slot by slot as it runs live.

This module uses the core and the tokenizer; whether an answer is correct is judged elsewhere.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from configs.schedule import ScheduleConfig
from duplex.model.layouts.tdm.core import Core, CoreInput
from duplex.model.stages.fusion import pad
from duplex.model.stages.llm import LlmState
from duplex.model.text.tokenizer import TextTokenizer
from tdm.layout import TdmLayout


class TextAssistant:
    """Answers batches of questions under one system prompt; greedy."""

    def __init__(
        self,
        core: Core,
        tokenizer: TextTokenizer,
        schedule: ScheduleConfig,
        longest: int,
        onset: Callable[[Tensor], Tensor] = lambda logits: logits,
    ) -> None:
        """`longest`: answers are cut after this many tokens. `onset`: changes the logits [B, V] of their first
        token."""
        self._onset = onset
        self._core = core
        self._tokenizer = tokenizer
        self._schedule = schedule
        self._longest = longest
        self._places = core.config.user.words

    @torch.inference_mode()
    def answer(self, prompt: str, questions: Sequence[str]) -> list[str]:
        """Answer questions in lower case; every question begins a conversation of its own."""
        run = _Run(self._core, self._tokenizer, self._schedule, prompt, len(questions))
        ids = [self._tokenizer.encode(question) for question in questions]
        said = self._onset(run.hear(ids, self._places)).argmax(dim=-1)
        answers: list[list[int]] = [[] for _ in questions]
        open_rows = torch.ones(len(questions), dtype=torch.bool)
        for _ in range(self._longest):
            open_rows &= ~torch.isin(said, torch.tensor([self._tokenizer.eos, self._tokenizer.sil]))
            if not open_rows.any():
                break
            for row in open_rows.nonzero().flatten().tolist():
                answers[row].append(int(said[row]))
            said = run.speak(said, open_rows).argmax(dim=-1)
        return [self._tokenizer.decode(answer) for answer in answers]


class _Run:
    """One batch of conversations."""

    def __init__(self, core: Core, tokenizer: TextTokenizer, schedule: ScheduleConfig, prompt: str, rows: int) -> None:
        prefix = tokenizer.encode(prompt)
        self._core = core
        self._tokenizer = tokenizer
        self._layout = TdmLayout(schedule, len(prefix))
        self._state: LlmState = core.init_state(rows, self._layout)
        everyone = torch.ones(rows, dtype=torch.bool)
        core.prefill(torch.tensor([prefix] * rows, dtype=torch.long), self._layout, self._state, everyone)
        self._slots = [0] * rows
        self._since = torch.zeros(rows, dtype=torch.long)

    def hear(self, ids: Sequence[Sequence[int]], places: int) -> Tensor:
        """Feed all user words; returns the logits [B, V] of each answer's first token."""
        logits = torch.zeros(len(ids), self._core.config.llm.vocab_size)
        for first in range(0, max(map(len, ids)), places):
            active = torch.tensor([len(row) > first for row in ids])
            words = torch.tensor([pad(row[first : first + places], places) for row in ids])
            text = torch.full((len(ids),), self._tokenizer.sil)
            heard = self._step(words, text, torch.zeros_like(text), active)
            logits = torch.where(active[:, None], heard, logits)
        self._since.zero_()
        self._nothing = torch.tensor([pad((), places)] * len(ids))
        return logits

    def speak(self, said: Tensor, active: Tensor) -> Tensor:
        """Say tokens [B]; returns the logits [B, V] of the next ones."""
        return self._step(self._nothing, said, torch.ones_like(said), active)

    def _step(self, words: Tensor, text: Tensor, state: Tensor, active: Tensor) -> Tensor:
        plans = [self._layout.plan(slot) for slot in self._slots]
        slots = CoreInput(None, words, text, None, state, self._since)
        out = self._core.step(slots, plans, self._layout, self._state, active)
        self._slots = [slot + bool(moved) for slot, moved in zip(self._slots, active, strict=True)]
        self._since = self._since + active.long()
        return self._core.text_logits(out.hidden)
