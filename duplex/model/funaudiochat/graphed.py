"""Runs the network's step on fixed tensors, so that a GPU can record it once as a CUDA graph and replay it.

A step is thousands of small kernels, and launching them one by one takes longer than running them. Therefore the inputs
of a step are put into tensors with fixed addresses, nothing up to the results depends on a value that the host would
have to read, and there is one graph for each number of visible places. On the CPU the same path runs unrecorded.

A graphed step belongs to one `NetworkState`, whose caches it holds. Nothing here depends on turns.
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
"""Turns a function over fixed tensors into one that repeats it; raises RuntimeError if that is not possible."""

_WARM_UP: Final = 3
"""Number of runs before a recording, because libraries choose kernels and allocate memory in the first ones."""


class Stepping(Protocol):
    """Anything that can make a step: the network itself or a `GraphedStep`."""

    def step(self, x: StepInput, state: NetworkState, choose: Choose) -> StepOutput:
        """See `FunAudioChatNetwork.step`."""
        ...


def stepping(network: FunAudioChatNetwork, state: NetworkState, config: StepConfig) -> Stepping:
    """The network itself or, on a CUDA device and if the configuration says so, its step recorded for `state`."""
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
        """Warm up on a side stream, then record."""
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
    """Return the function itself: the fixed path without a recording."""
    return run


@dataclass(frozen=True)
class _Fixed:
    """Inputs and results of a step. `numbers` [4, B] as in `NetworkState.numbers`; `x` without its lists."""

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

        # Every row is sampled with penalties; the neutral settings give the same result for rows that need neither.
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
        """Copy a step's inputs to the fixed tensors."""
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
        """Copy a step's results to the fixed tensors."""
        self.out.hidden.copy_(out.hidden)
        self.out.text_logits.copy_(out.text_logits)
        if out.tokens is not None and self.out.tokens is not None:
            self.out.tokens.copy_(out.tokens)


class GraphedStep:
    """Steps of one `NetworkState`. A chooser other than `GroupChoice` cannot be recorded, so its step runs
    unrecorded."""

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
        """Number of recordings; 0 if recording failed."""
        return 0 if self._refused else len(self._recorded)

    @torch.inference_mode()
    def prepare(self) -> None:
        """Record in advance what speaking conversations will need; anything else is recorded when a step first needs
        it."""
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
        """The recording of the step that sees `reach`; None if recording fails, which is reported once."""
        if reach not in self._recorded and not self._refused:
            try:
                self._recorded[reach] = self._record(lambda: self._compute(reach))
            except RuntimeError as error:
                self._refused = True
                reason = " ".join(str(error).split())
                warnings.warn(f"the step cannot be recorded ({reason}); it runs unrecorded, slower", stacklevel=2)
        return None if self._refused else self._recorded[reach]

    def _compute(self, reach: Reach) -> None:
        """Run the step over the fixed tensors. Repeating it is harmless, because it writes the same places again."""
        fixed = self._fixed
        choice = replace(fixed.choice, seen=fixed.choice.seen.clone())
        span, spans = self._network.spans(fixed.numbers, reach)
        fixed.keep(self._network.compute(fixed.x, span, spans, self._state, choice))


def _buckets(wanted: Sequence[int], size: int) -> tuple[int, ...]:
    """Numbers of visible places for which graphs are recorded, up to the whole cache."""
    return (*(bucket for bucket in wanted if bucket < size), size)


def _smallest(buckets: Sequence[int], needed: int) -> int:
    return next(bucket for bucket in buckets if bucket >= needed)
