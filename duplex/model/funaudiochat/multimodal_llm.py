"""The network of Fun-Audio-Chat: ragged rows of elements in, hidden vectors, text logits and speech tokens out.

An element is a text id and a vector: a text token's own, a user group's, or the mean of a text token's and a spoken
group's (as in the released code; the papers add the two). Everything that outlasts a call is in `NetworkState`, so one
network serves any number of conversations; the authors' code keeps it in its modules and can run only one `generate` at
a time. Nothing here depends on turns, sampling or files.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from configs.model.funaudiochat import FunAudioChatConfig
from duplex.model.funaudiochat.backbone import Backbone
from duplex.model.funaudiochat.encoder import ContinuousEncoder
from duplex.model.funaudiochat.group_srh import Choose, GroupRefinedHead
from duplex.model.funaudiochat.grouping import Grouping
from duplex.model.funaudiochat.key_values import CachePlaces, KeyValues


@dataclass
class NetworkState:
    """Caches of B conversations; `refined` is None for a checkpoint that only writes."""

    llm: KeyValues
    refined: KeyValues | None

    def reset(self, rows: Tensor) -> None:
        """Forget the rows that are True in `rows [B]`."""
        self.llm.reset(rows)
        if self.refined is not None:
            self.refined.reset(rows)

    def truncate(self, row: int, length: int, refined_length: int) -> None:
        """Forget all but the first `length` elements of a row, and `refined_length` places of the refined head."""
        self.llm.truncate(row, length)
        if self.refined is not None:
            self.refined.truncate(row, refined_length)

    def advance(self, writes: Sequence[bool], speaks: Sequence[bool], group: int) -> None:
        """Count a step: one element for the rows that write, a group's places for those that speak."""
        _advance(self.llm, range(len(writes)), [int(row) for row in writes])
        if self.refined is not None:
            _advance(self.refined, range(len(speaks)), [group * int(row) for row in speaks])

    def numbers(self, writes: Sequence[bool], speaks: Sequence[bool]) -> list[list[int]]:
        """The numbers that determine a step's places, [4, B]: elements of the LLM, who writes, elements of the head,
        who speaks."""
        heard = [0] * len(writes) if self.refined is None else self.refined.lengths
        return [self.llm.lengths, [int(row) for row in writes], heard, [int(row) for row in speaks]]


@dataclass(frozen=True)
class Reach:
    """Numbers of leading places that a step sees in the LLM and in the refined head (None if the head does not run)."""

    llm: int
    refined: int | None


@dataclass(frozen=True)
class StepInput:
    """The newest element of every row.

    Attributes:
        text: [B] text id.
        group: [B, group] the speech tokens spoken with it.
        grouped: [B] bool, whether these tokens count.
        carried: [B] the speech token before the next group.
        writes: rows that take part.
        speaks: rows for which the refined head runs.
    """

    text: Tensor
    group: Tensor
    grouped: Tensor
    carried: Tensor
    writes: Sequence[bool]
    speaks: Sequence[bool]


@dataclass(frozen=True)
class StepOutput:
    """Hidden vectors [B, D], text logits [B, V], speech tokens [B, group] (None if the refined head did not run)."""

    hidden: Tensor
    text_logits: Tensor
    tokens: Tensor | None


class FunAudioChatNetwork(nn.Module):
    """Encoder, grouping, LLM and refined head."""

    def __init__(self, config: FunAudioChatConfig) -> None:
        super().__init__()
        self.config = config
        width = config.llm.hidden_size
        self.encoder = ContinuousEncoder(config.encoder, width)
        self.grouping = Grouping(config.codes.size, width, config.group, config.codes.pad, config.heard)
        self.table = nn.Embedding(config.vocabulary, width)
        self.llm = Backbone(config.llm)
        self.text_head = None if config.tied else nn.Linear(width, config.vocabulary, bias=False)
        self.refined = None if config.refined is None else GroupRefinedHead(config.refined, width, config.group)

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return self.table.weight.device

    def init_state(self, batch: int, places: int, refined_places: int | None = None) -> NetworkState:
        """Caches for `batch` conversations of `places` elements; `refined_places` defaults to a group for each."""
        if self.refined is None:
            return NetworkState(self.llm.init_state(batch, places), None)
        refined = self.config.group * (places if refined_places is None else refined_places)
        return NetworkState(self.llm.init_state(batch, places), self.refined.backbone.init_state(batch, refined))

    def text_logits(self, hidden: Tensor) -> Tensor:
        """[..., D] -> [..., V]."""
        weight = self.table.weight if self.text_head is None else self.text_head.weight
        return nn.functional.linear(hidden, weight)

    def prefill(
        self, rows: Sequence[int], ids: Sequence[Tensor], vectors: Sequence[Tensor], state: NetworkState, refined: bool
    ) -> None:
        """Append elements to rows.

        Args:
            rows: [R] rows of the state.
            ids: for each of them, text ids [n_i].
            vectors: for each of them, vectors [n_i, D].
            state: changed in place.
            refined: whether the refined head sees the elements too.
        """
        counts = [len(one) for one in ids]
        padded = nn.utils.rnn.pad_sequence(list(ids), batch_first=True).to(self.device)
        x = nn.utils.rnn.pad_sequence(list(vectors), batch_first=True)
        hidden = self.llm.step(x, CachePlaces.behind(state.llm, rows, counts), state.llm)
        _advance(state.llm, rows, counts)
        if refined and self.refined is not None and state.refined is not None:
            counts = [self.config.group * count for count in counts]
            span = CachePlaces.behind(state.refined, rows, counts)
            self.refined.prefill(hidden + self.table(padded), self._speech_vector, span, state.refined)
            _advance(state.refined, rows, counts)

    def step(self, x: StepInput, state: NetworkState, choose: Choose) -> StepOutput:
        """Run one element for every row that writes; `choose` picks the speech tokens.

        Raises:
            CacheFullError: a row has no room for it.
        """
        reach = self.reach(x, state)
        numbers = torch.tensor(state.numbers(x.writes, x.speaks), device=self.device)
        out = self.compute(x, *self.spans(numbers, reach), state, choose)
        state.advance(x.writes, x.speaks, self.config.group)
        return out

    def reach(self, x: StepInput, state: NetworkState) -> Reach:
        """What a step must see. Raises CacheFullError if a row is full."""
        llm = state.llm.count_seen_places(
            [length + int(writes) for length, writes in zip(state.llm.lengths, x.writes, strict=True)]
        )
        if state.refined is None or not any(x.speaks):
            return Reach(llm, None)
        ends = [length + self.config.group for length, one in zip(state.refined.lengths, x.speaks, strict=True) if one]
        return Reach(llm, state.refined.count_seen_places(ends))

    def spans(self, numbers: Tensor, reach: Reach) -> tuple[CachePlaces, list[CachePlaces]]:
        """Places of a step's elements and of the group's tokens, from `NetworkState.numbers`; reads no tensor value.

        Args:
            numbers: [4, B] int64.
            reach: what is seen; anything not needed is masked.
        """
        span = CachePlaces.single(numbers[0], numbers[1] > 0, reach.llm)
        if reach.refined is None:
            return span, []
        speaks = numbers[3] > 0
        return span, [
            CachePlaces.single(numbers[2] + index, speaks, reach.refined) for index in range(self.config.group)
        ]

    def compute(
        self, x: StepInput, span: CachePlaces, spans: list[CachePlaces], state: NetworkState, choose: Choose
    ) -> StepOutput:
        """Compute a step whose places are given: `spans` are those of the group, empty if nobody speaks."""
        own, table = self.table(x.text), self.grouping.table.weight
        vector = torch.where(x.grouped[:, None], (own + self.grouping.group_speech(x.group)) / 2, own)
        hidden, tokens = self.llm.step(vector[:, None], span, state.llm)[:, 0], None
        if spans and self.refined is not None and state.refined is not None:
            tokens = self.refined.step(hidden + own, x.carried, table, spans, state.refined, choose)
        return StepOutput(hidden, self.text_logits(hidden), tokens)

    @property
    def _speech_vector(self) -> Tensor:
        return self.grouping.table.weight[self.config.codes.bos]

    def compute_buffers(self, device: torch.device) -> None:
        """Compute what no checkpoint contains: position table and rotary frequencies."""
        self.encoder.compute_buffers(device)
        self.llm.compute_buffers(device)
        if self.refined is not None:
            self.refined.backbone.compute_buffers(device)


def _advance(cache: KeyValues, rows: Sequence[int] | range, counts: Sequence[int]) -> None:
    for row, count in zip(rows, counts, strict=True):
        cache.lengths[row] += count
