"""The network's step out of fixed tensors, so that a GPU can record it once and replay it: a CUDA graph.

A step is thousands of small kernels; to start them one by one takes longer than to run them. What a step reads is put
into tensors that stay where they are, nothing between them and the results depends on a value the host would have to
see, and one graph for each number of places seen is replayed. On the CPU the same path runs without a recording.

Knows places, buckets and recordings; knows nothing of turns. It belongs to one `NetworkState`, whose caches it holds.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

import torch
from torch import Tensor

from configs.model.funaudiochat import StepConfig
from duplex.model.funaudiochat.group_srh import Choose
from duplex.model.funaudiochat.multimodal_llm import FunAudioChatNetwork, NetworkState, Reach, StepInput, StepOutput
from duplex.model.sampling.choose import Choices, GroupChoice

Runnable = Callable[[], None]
Record = Callable[[Runnable], Runnable]
"""Makes of a function over fixed tensors one that repeats it; RuntimeError where that cannot be."""

_WARM_UP: Final = 3
"""Runs before a recording: libraries choose kernels and take their memory in the first ones."""


class Stepping(Protocol):
    """Whoever can make a step: the network itself, or a `GraphedStep`."""

    def step(self, x: StepInput, state: NetworkState, choose: Choose) -> StepOutput:
        """See `FunAudioChatNetwork.step`."""
        ...


def stepping(network: FunAudioChatNetwork, state: NetworkState, config: StepConfig) -> Stepping:
    """The network itself, or on a CUDA device its step recorded for `state`, if the configuration wants it."""
    if not config.graphs or network.device.type != "cuda":
        return network
    graphed = GraphedStep(network, state, config, CudaGraphs(network.device))
    graphed.prepare()
    return graphed


class CudaGraphs:
    """Records CUDA graphs; all of them share one memory pool, because only one runs at a time."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, run: Runnable) -> Runnable:
        """Warm up beside the stream in use, then record."""
        with torch.cuda.device(self._device):
            current, beside = torch.cuda.current_stream(), torch.cuda.Stream()
            beside.wait_stream(current)
            with torch.cuda.stream(beside):
                for _ in range(_WARM_UP):
                    run()
            current.wait_stream(beside)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
                run()
        return graph.replay


def run_unrecorded(run: Runnable) -> Runnable:
    """Runs the function itself: the fixed path without a recording."""
    return run


@dataclass(frozen=True)
class _Fixed:
    """What a step reads and makes. `numbers` [4, B] as `NetworkState.numbers`; `x` without its lists."""

    x: StepInput
    numbers: Tensor
    choice: GroupChoice
    out: StepOutput

    @classmethod
    def of(cls, network: FunAudioChatNetwork, batch: int) -> "_Fixed":
        config, device, dtype = network.config, network.device, network.table.weight.dtype

        def whole(*shape: int) -> Tensor:
            return torch.zeros(batch, *shape, dtype=torch.long, device=device)

        def real(*shape: int, dtype: torch.dtype) -> Tensor:
            return torch.zeros(batch, *shape, dtype=dtype, device=device)

        # Every choice is made as if rows drew and were penalised: those that do not come out the same.
        temperature, top_p, penalty = (1 + real(1, dtype=torch.float32) for _ in range(3))
        choices = Choices(temperature, top_p, penalty, any_drawn=True, any_nucleus=True, any_penalty=True)
        tokens = whole(config.group)
        return cls(
            x=StepInput(whole(), whole(config.group), real(dtype=torch.bool), whole(), (), ()),
            numbers=torch.zeros(4, batch, dtype=torch.long, device=device),
            choice=GroupChoice(
                real(config.codes.size, dtype=torch.bool), real(config.group, dtype=torch.float64), choices
            ),
            out=StepOutput(real(config.llm.hidden_size, dtype=dtype), real(config.vocabulary, dtype=dtype), tokens),
        )

    def fill(self, x: StepInput, numbers: Sequence[Sequence[int]], choice: GroupChoice) -> None:
        """Put a step's values in their places."""
        given, group = choice.choices, self.choice.uniform.shape[1]
        pairs = (
            (self.x.text, x.text),
            (self.x.group, x.group),
            (self.x.grouped, x.grouped),
            (self.x.carried, x.carried),
            (self.choice.seen, choice.seen),
            (self.choice.uniform, choice.uniform[:, :group]),
            (self.choice.choices.temperature, given.temperature),
            (self.choice.choices.top_p, given.top_p),
            (self.choice.choices.penalty, given.penalty),
            (self.numbers, torch.tensor(numbers)),
        )
        for place, value in pairs:
            place.copy_(value)

    def keep(self, out: StepOutput) -> None:
        """Put a step's results in their places."""
        self.out.hidden.copy_(out.hidden)
        self.out.text_logits.copy_(out.text_logits)
        if out.tokens is not None and self.out.tokens is not None:
            self.out.tokens.copy_(out.tokens)


class GraphedStep:
    """Steps of one `NetworkState`. A chooser that is no `GroupChoice` cannot be looked into: its step is plain."""

    def __init__(
        self, network: FunAudioChatNetwork, state: NetworkState, config: StepConfig, record: Record = run_unrecorded
    ) -> None:
        self._network = network
        self._state = state
        self._record = record
        self._fixed = _Fixed.of(network, len(state.llm.lengths))
        self._recorded: dict[Reach, Runnable] = {}
        self._refused = False
        self._llm = _buckets(config.buckets, state.llm.size)
        group = network.config.group
        sizes = [group * bucket for bucket in config.buckets]
        self._refined = () if state.refined is None else _buckets(sizes, state.refined.size)

    @property
    def recorded(self) -> int:
        """How many recordings there are; 0 where recording failed."""
        return 0 if self._refused else len(self._recorded)

    @torch.inference_mode()
    def prepare(self) -> None:
        """Record what conversations that speak will need, so that no step has to; anything else waits for its step."""
        group = self._network.config.group
        heard = self._state.refined
        together = heard is not None and heard.places >= group * self._state.llm.places
        for index, llm in enumerate(self._llm):
            refined = self._refined[index : index + 1] if together else self._refined
            for seen in refined if heard is not None else [None]:
                if seen is None or seen <= group * llm:
                    self._recording(Reach(llm, seen))

    @torch.inference_mode()
    def step(self, x: StepInput, state: NetworkState, choose: Choose) -> StepOutput:
        """See `FunAudioChatNetwork.step`."""
        assert state is self._state, "a recorded step belongs to the caches it was made for"
        if self._refused or not isinstance(choose, GroupChoice):
            return self._network.step(x, state, choose)
        reach = self._bucket(self._network.reach(x, state))
        self._fixed.fill(x, state.numbers(x.writes, x.speaks), choose)
        run = self._recording(reach)
        if run is None:
            return self._network.step(x, state, choose)
        run()
        state.advance(x.writes, x.speaks, self._network.config.group)
        out = self._fixed.out
        tokens = None if reach.refined is None or out.tokens is None else out.tokens.clone()
        return StepOutput(out.hidden.clone(), out.text_logits.clone(), tokens)

    def _bucket(self, reach: Reach) -> Reach:
        refined = None if reach.refined is None else _smallest(self._refined, reach.refined)
        return Reach(_smallest(self._llm, reach.llm), refined)

    def _recording(self, reach: Reach) -> Runnable | None:
        """What repeats the step that sees `reach`; None where recording fails, which is said once."""
        if reach not in self._recorded and not self._refused:
            try:
                self._recorded[reach] = self._record(lambda: self._compute(reach))
            except RuntimeError as error:
                self._refused = True
                reason = " ".join(str(error).split())
                warnings.warn(f"the step cannot be recorded ({reason}); it runs unrecorded, slower", stacklevel=2)
        return None if self._refused else self._recorded[reach]

    def _compute(self, reach: Reach) -> None:
        """The step over the fixed tensors. Repeating it changes nothing: it writes the same places again."""
        fixed = self._fixed
        choice = replace(fixed.choice, seen=fixed.choice.seen.clone())
        span, spans = self._network.spans(fixed.numbers, reach)
        fixed.keep(self._network.compute(fixed.x, span, spans, self._state, choice))


def _buckets(wanted: Sequence[int], size: int) -> tuple[int, ...]:
    """Numbers of places seen, up to the whole cache."""
    return (*(bucket for bucket in wanted if bucket < size), size)


def _smallest(buckets: Sequence[int], needed: int) -> int:
    return next(bucket for bucket in buckets if bucket >= needed)
