"""Autoregressive speech refined head (OmniDRCA, eq. 5-7): one vector of the LLM in, the speech tokens of a slot out.

The vector is projected and split into as many parts as the slot has tokens (eq. 5, 6); a small causal transformer
predicts each token from its part and the tokens before it (eq. 7), over the answer as far as its window reaches. This
module handles speech tokens and no sound. Of the text it only gets the words that became known; when they sound is
estimated.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from configs.audio import AUDIO
from configs.base import exact_div
from configs.model.family import RefinedHeadConfig
from duplex.model.sampling.choose import Choices, choose
from duplex.model.stages.llm import LlmState, VectorStack
from duplex.model.stages.srh import SrhInput, SrhOutput
from duplex.model.text.sounding_word import SoundingWord
from duplex.model.text.word_clock import WordClock

_OWN_DRAWS = 1 << 62
"""Separates the random draws of speech from those of text, which have the same seeds."""


@dataclass
class AutoregressiveHeadState:
    """Answers of B conversations.

    Attributes:
        cache: keys and values of the newest tokens.
        spoken: [B] tokens of the answer so far.
        before: [B] the newest token.
        seen: [B, codes] which tokens the answer has had.
        slots, tail: slots of the answer, and how many of them came after the end of its text.
        clocks: estimates of when its words sound.
    """

    config: RefinedHeadConfig
    cache: LlmState
    spoken: Tensor
    before: Tensor
    seen: Tensor
    slots: list[int]
    tail: list[int]
    clocks: list[WordClock]

    def reset(self, rows: Tensor) -> None:
        """Forget the rows that are True in `rows [B]`."""
        self.cache.reset(rows)
        self.still(rows)

    def still(self, rows: Tensor) -> None:
        """The next slot of these rows begins an answer. Stale places of the cache are not seen."""
        self.spoken[rows] = 0
        self.before[rows] = self.config.codes.bos
        self.seen[rows] = False
        for row in rows.nonzero().flatten().tolist():
            self.slots[row], self.tail[row] = 0, 0
            self.clocks[row] = WordClock(self.config.clock)


class AutoregressiveRefinedHead(nn.Module):
    """The stage (OmniDRCA, eq. 5-7). `width` is that of the LLM, D."""

    def __init__(self, config: RefinedHeadConfig, width: int) -> None:
        super().__init__()
        self.config = config
        self._token_ms = exact_div(AUDIO.slot_ms, config.group)
        hidden = config.llm.hidden_size
        self.ungroup = nn.Linear(width, config.group * hidden)
        self.codes = nn.Embedding(config.codes.size, hidden)
        self.transformer = VectorStack(config.llm)
        self.head = nn.Linear(hidden, config.codes.size, bias=False)
        for part in (self.ungroup, self.codes, self.head):
            nn.init.normal_(part.weight, std=_DEVIATION)
        nn.init.zeros_(self.ungroup.bias)

    @property
    def silent(self) -> Tensor:
        """[k, 1] tokens of a silent slot."""
        return torch.full((self.config.group, 1), self.config.codes.sil, dtype=torch.int16)

    @property
    def delay_ms(self) -> float:
        """0: tokens belong to the slot in which they are made."""
        return 0.0

    def init_state(self, batch: int) -> AutoregressiveHeadState:
        """Fresh state for `batch` conversations."""
        config = self.config
        return AutoregressiveHeadState(
            config=config,
            cache=self.transformer.init_state(batch, config.window_slots * config.group),
            spoken=torch.zeros(batch, dtype=torch.long),
            before=torch.full((batch,), config.codes.bos),
            seen=torch.zeros(batch, config.codes.size, dtype=torch.bool),
            slots=[0] * batch,
            tail=[0] * batch,
            clocks=[WordClock(config.clock) for _ in range(batch)],
        )

    def force(self, hidden: Tensor, tokens: Tensor) -> Tensor:
        """Teacher-forced logits (OmniDRCA, eq. 7): hidden [B, T, D], tokens [B, T, k] -> [B, T, k, codes]."""
        shape = tokens.shape
        before = torch.cat([torch.full_like(tokens[:, :1, 0], self.config.codes.bos), tokens.flatten(1)[:, :-1]], 1)
        x = self._parts(hidden).flatten(1, 2) + self.codes(before)
        index = torch.arange(x.shape[1], device=x.device)
        age = index[:, None] - index
        mask = (age >= 0) & (age < self.config.window_slots * self.config.group)
        logits: Tensor = self.head(self.transformer.pack(x, index[None], mask[None, None]))
        return logits.view(*shape, -1)

    @torch.inference_mode()
    def step(self, x: SrhInput, state: AutoregressiveHeadState, active: Tensor) -> SrhOutput:
        """Run one slot; changes the rows of `state` where `active [B]` is True. Rows that say nothing give silence."""
        assert x.hidden is not None, "this head speaks from the LLM's vectors"
        speaking = active & x.speaking
        state.still(active & ~x.speaking)
        rows = speaking.nonzero().flatten().tolist()
        for row in rows:
            state.clocks[row].add(x.words[row])
            state.slots[row] += 1
            state.tail[row] += bool(x.finished[row])
        begun = torch.tensor([slots > self.config.lead_slots for slots in state.slots]) & speaking
        tokens = self.silent.repeat(len(active), 1, 1)
        if begun.any():
            tokens[begun] = self._group(x, state, begun)[begun, :, None].to(tokens.dtype)
        ends = [self._end(tokens[row, :, 0], state, row) if row in rows else None for row in range(len(active))]
        return SrhOutput(
            tokens=tokens,
            queued=torch.zeros(len(active), dtype=torch.long),
            exhausted=torch.tensor([end is not None for end in ends]),
            spoken=tuple(self._words(state, row, end, bool(begun[row])) for row, end in enumerate(ends)),
        )

    def _parts(self, hidden: Tensor) -> Tensor:
        """Ungroup (OmniDRCA, eq. 5, 6): [..., D] -> [..., k, H]."""
        parts: Tensor = self.ungroup(hidden.to(self.ungroup.weight.dtype))
        return parts.unflatten(-1, (self.config.group, -1))

    def _group(self, x: SrhInput, state: AutoregressiveHeadState, rows: Tensor) -> Tensor:
        """[B, k] ids for the rows that are True; after an end of speech all ids are end of speech."""
        assert x.hidden is not None
        codes, places = self.config.codes, state.cache.keys[0].shape[2]
        parts, draws = self._parts(x.hidden), self._draws(x)
        choices = Choices.of([self.config.choice] * len(rows), rows.device)
        barred = torch.zeros(len(rows), codes.size, dtype=torch.bool)
        barred[:, [codes.bos, codes.sil]] = True
        barred[~x.finished, codes.eos] = True
        said: list[Tensor] = []
        for place in range(self.config.group):
            vector = parts[:, place : place + 1] + self.codes(state.before)[:, None]
            at = state.spoken[:, None]
            mask = torch.arange(places) <= at
            hidden = self.transformer.step(vector, at, at % places, mask[:, None, None], state.cache, rows)
            logits = self.head(hidden[:, 0]).float().masked_fill(barred, -torch.inf)
            chosen = choose(logits, state.seen, draws[:, place], choices)
            if said:
                chosen = torch.where(said[-1] == codes.eos, codes.eos, chosen)
            state.before[rows] = chosen[rows]
            state.seen[rows, chosen[rows]] = True
            state.spoken += rows
            said.append(chosen)
        return torch.stack(said, dim=1)

    def _draws(self, x: SrhInput) -> Tensor:
        """[B, k] uniform numbers that depend only on each row's seed."""
        draws = [
            torch.rand(
                self.config.group, generator=torch.Generator().manual_seed(seed | _OWN_DRAWS), dtype=torch.float64
            )
            for seed in x.seeds or [0] * len(x.finished)
        ]
        return torch.stack(draws)

    def _end(self, tokens: Tensor, state: AutoregressiveHeadState, row: int) -> float | None:
        """Milliseconds into the slot at which the answer ends; None if it continues."""
        ended = (tokens == self.config.codes.eos).nonzero()
        if len(ended):
            return float(ended[0, 0] * self._token_ms)
        return AUDIO.slot_ms if state.tail[row] > self.config.tail_slots else None

    def _words(
        self, state: AutoregressiveHeadState, row: int, end: float | None, begun: bool
    ) -> tuple[SoundingWord, ...]:
        clock = state.clocks[row]
        spoken = clock.slot(0.0, AUDIO.slot_ms if end is None else end) if begun else ()
        return spoken if end is None else (*spoken, *clock.end(end))


_DEVIATION = 0.02
"""Standard deviation of fresh weights, as in transformers."""
