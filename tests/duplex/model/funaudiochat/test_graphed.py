"""The step over fixed tensors: the same answers as the plain step while rows come and go, and its fallback."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from unittest.mock import patch

import pytest
import torch

from configs.base import ConfigError
from configs.model.funaudiochat import (
    FUNAUDIOCHAT_TINY,
    AnswerConfig,
    ChoiceConfig,
    ExpertsConfig,
    StepConfig,
    TurnsConfig,
)
from duplex.model.funaudiochat.chat_row import AnswerStep
from duplex.model.funaudiochat.chat_rows import ChatRows
from duplex.model.funaudiochat.graphed import CudaGraphs, GraphedStep, Record, Runnable, run_unrecorded, stepping
from duplex.model.funaudiochat.group_srh import Choose
from duplex.model.funaudiochat.model import FunAudioChat, empty_network
from duplex.model.funaudiochat.multimodal_llm import FunAudioChatNetwork, NetworkState, StepInput, StepOutput
from duplex.model.sampling.choose import Choices, GroupChoice
from tests.duplex.model.funaudiochat.golden import ask, speech_of, tensors, text_of

NAMES = ("sampled", "hot", "second_turn", "text_only")
STEPS = StepConfig(buckets=(64, 128, 192))
_plain = FunAudioChatNetwork.step


@contextmanager
def _step_by(graphed: GraphedStep) -> Iterator[None]:
    """Let conversations take their steps from `graphed`; what it falls back to is the plain step."""
    inside = False

    def step(self: FunAudioChatNetwork, x: StepInput, state: NetworkState, choose: Choose) -> StepOutput:
        nonlocal inside
        if inside:
            return _plain(self, x, state, choose)
        inside = True
        try:
            return graphed.step(x, state, choose)
        finally:
            inside = False

    with patch.object(FunAudioChatNetwork, "step", step):
        yield


def _make_graphed(chat: FunAudioChat, rows: ChatRows, record: Record = run_unrecorded) -> GraphedStep:
    return GraphedStep(chat.network, rows.state, STEPS, record)


def test_rows_that_join_and_leave_answer_as_the_reference(chat: FunAudioChat) -> None:
    """Four golden answers begun one after another, in one batch, over several buckets."""
    rows = ChatRows(chat, len(NAMES), TurnsConfig(places=220))
    graphed = _make_graphed(chat, rows)
    made: dict[str, list[AnswerStep]] = {name: [] for name in NAMES}
    with _step_by(graphed):
        for moment in range(60):
            if moment % 3 == 0 and moment // 3 < len(NAMES):
                ask(chat, NAMES[moment // 3], rows, moment // 3)
            for name, step in zip(NAMES, rows.step([True] * rows.size), strict=True):
                made[name] += [] if step is None else [step]
    for name in NAMES:
        assert text_of(made[name]) == tensors()[f"{name}.text"][0].tolist(), name
        assert speech_of(made[name]) == tensors()[f"{name}.speech"][0].tolist(), name
    assert graphed.recorded > 2


def _talk(chat: FunAudioChat, record: Record | None) -> list[list[AnswerStep | None]]:
    """Two rows: cuts and a shorter history between steps, and a new conversation in a row that is in use."""
    config = AnswerConfig(tokens=ChoiceConfig(temperature=1.5), max_steps=30)
    rows = ChatRows(chat, 2, TurnsConfig(places=300))
    made: list[list[AnswerStep | None]] = []

    def go() -> None:
        for row in range(2):
            rows.open(row, "Be brief." * (1 + 3 * row), config, seed=row)
            rows.user_text(row, "Hello" * (1 + row))
        made.extend(rows.step([True, moment % 2 == 0]) for moment in range(7))
        rows.keep_speech(0, 2)
        rows.user_text(0, "And then?" * 4)
        made.extend(rows.step([True, True]) for _ in range(3))
        rows.keep_text(1, "Yes.")
        rows.keep_turns(1, 0)
        rows.user_text(1, "Once more.")
        made.extend(rows.step([True, True]) for _ in range(4))
        rows.open(0, "Anew.", config, seed=9)
        rows.user_text(0, "Hi")
        made.extend(rows.step([True, True]) for _ in range(4))

    if record is None:
        go()
    else:
        with _step_by(_make_graphed(chat, rows, record)):
            go()
    return made


@pytest.mark.parametrize("experts", [False, True])
def test_cuts_and_new_conversations_between_steps(experts: bool) -> None:
    sparse = FUNAUDIOCHAT_TINY.llm.model_copy(update={"experts": ExpertsConfig(count=4, chosen=2, width=24)})
    config = FUNAUDIOCHAT_TINY.model_copy(update={"llm": sparse}) if experts else FUNAUDIOCHAT_TINY
    chat = FunAudioChat.random(config, seed=4)
    assert _talk(chat, run_unrecorded) == _talk(chat, None)


@torch.inference_mode()
def test_hidden_vectors_and_logits_are_the_plain_step_s() -> None:
    chat = FunAudioChat.random(FUNAUDIOCHAT_TINY, seed=4)
    states = [chat.network.init_state(3, 90) for _ in range(2)]
    graphed = GraphedStep(chat.network, states[0], STEPS)
    generator = torch.Generator().manual_seed(0)
    for moment in range(12):
        x = replace(
            _input(3, moment), writes=[True, moment % 2 == 0, moment < 9], speaks=[True, moment % 4 == 0, False]
        )
        choice = _choice(3, generator)
        fixed = graphed.step(x, states[0], replace(choice, seen=choice.seen.clone()))
        plain = chat.network.step(x, states[1], choice)
        wrote = torch.tensor(x.writes)
        torch.testing.assert_close(fixed.hidden[wrote], plain.hidden[wrote], atol=1e-6, rtol=0)
        torch.testing.assert_close(fixed.text_logits[wrote], plain.text_logits[wrote], atol=1e-5, rtol=0)
        assert fixed.tokens is not None
        assert plain.tokens is not None
        spoke = torch.tensor(x.speaks)
        assert torch.equal(fixed.tokens[spoke], plain.tokens[spoke])
        for one in states:
            if moment == 7:
                one.truncate(0, 3, 15)
    assert states[0].llm.lengths == states[1].llm.lengths == [7, 6, 9]


def _input(batch: int, moment: int) -> StepInput:
    group, everyone = torch.arange(batch * 5).reshape(batch, 5) % 61, [True] * batch
    return StepInput(
        text=torch.arange(batch) + moment,
        group=(group + moment) % 61,
        grouped=torch.arange(batch) % 2 == moment % 2,
        carried=group[:, 0],
        writes=everyone,
        speaks=everyone,
    )


def _choice(batch: int, generator: torch.Generator) -> GroupChoice:
    rows = [ChoiceConfig(temperature=0.7 * row, top_p=1 - 0.2 * row, repetition_penalty=1.1) for row in range(batch)]
    uniform = torch.rand(batch, 6, generator=generator, dtype=torch.float64)
    return GroupChoice(torch.zeros(batch, 65, dtype=torch.bool), uniform, Choices.of(rows, torch.device("cpu")))


@pytest.mark.parametrize("experts", [False, True])
@torch.inference_mode()
def test_nothing_between_input_and_result_is_read_by_the_host(experts: bool) -> None:
    """Tensors without values: any attempt to read one fails, as it would in a graph recording."""
    sparse = FUNAUDIOCHAT_TINY.llm.model_copy(update={"experts": ExpertsConfig(count=4, chosen=2, width=24)})
    config = FUNAUDIOCHAT_TINY.model_copy(update={"llm": sparse}) if experts else FUNAUDIOCHAT_TINY
    network = empty_network(config)
    network.compute_buffers(torch.device("meta"))
    graphed = GraphedStep(network, network.init_state(2, 300), STEPS)
    graphed.prepare()
    assert graphed.recorded == 4
    with pytest.raises((RuntimeError, NotImplementedError)):
        bool(network.init_state(1, 8).llm.keys[0].any())


@pytest.mark.parametrize(("hears", "wanted"), [("conversation", 3), ("answer", 1 + 2 + 2)])
def test_what_speaking_conversations_need_is_recorded_before_they_begin(hears: str, wanted: int) -> None:
    """Where the refined head sees the conversation, both caches grow together; otherwise every pair may occur."""
    chat = FunAudioChat.random(FUNAUDIOCHAT_TINY)
    config = TurnsConfig(places=150, refined_hears=hears, answer_places=100)  # type: ignore[arg-type]
    rows = ChatRows(chat, 1, config)
    runs: list[Runnable] = []

    def record(run: Runnable) -> Runnable:
        runs.append(run)
        return run

    graphed = GraphedStep(chat.network, rows.state, StepConfig(buckets=(64, 128)), record)
    graphed.prepare()
    assert graphed.recorded == len(runs) == wanted
    rows.open(0, "Speak.", AnswerConfig(max_steps=100))
    rows.user_text(0, "Go on.")
    with _step_by(graphed):
        for _ in range(100):
            rows.step([True])
    assert len(runs) == wanted


def test_a_recording_that_fails_is_said_once_and_the_plain_step_taken() -> None:
    chat = FunAudioChat.random(FUNAUDIOCHAT_TINY, seed=4)

    def refuse(run: Runnable) -> Runnable:
        run()
        raise RuntimeError("operation not permitted\nwhen stream is capturing")

    with pytest.warns(UserWarning, match=r"cannot be recorded \(operation not permitted when stream is") as told:
        made = _talk(chat, refuse)
    assert len(told) == 1
    assert made == _talk(chat, None)


def test_without_a_gpu_or_the_wish_the_network_steps_itself() -> None:
    chat = FunAudioChat.random(FUNAUDIOCHAT_TINY)
    state = chat.network.init_state(1, 8)
    for graphs in (True, False):
        assert stepping(chat.network, state, StepConfig(graphs=graphs)) is chat.network


def test_buckets_ascend() -> None:
    with pytest.raises(ConfigError, match=r"buckets \[512, 256\] do not ascend"):
        StepConfig.from_mapping({"buckets": [512, 256]}, "step")


def test_a_recording_warms_up_beside_the_stream_then_records_into_the_shared_pool(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The order of calls on a device, without a device."""
    told: list[str] = []

    class Stream:
        def __init__(self, name: str = "beside") -> None:
            self.name = name

        def wait_stream(self, other: "Stream") -> None:
            told.append(f"{self.name} waits for {other.name}")

    class Graph:
        def replay(self) -> None:
            told.append("replay")

    @contextmanager
    def enter(what: object, **options: object) -> Iterator[None]:
        told.append(f"begin {getattr(what, 'name', type(what).__name__)} {options.get('pool', '')}".strip())
        yield
        told.append("end")

    fakes = {
        "graph_pool_handle": lambda: "pool",
        "current_stream": lambda: Stream("current"),
        "Stream": Stream,
        "stream": enter,
        "device": enter,
        "CUDAGraph": Graph,
        "graph": enter,
    }
    for name, fake in fakes.items():
        monkeypatch.setattr(torch.cuda, name, fake)
    replay = CudaGraphs(torch.device("cuda"))(lambda: told.append("run"))
    replay()
    assert told == [
        *("begin device", "beside waits for current", "begin beside", "run", "run", "run", "end"),
        *("current waits for beside", "begin Graph pool", "run", "end", "end", "replay"),
    ]
