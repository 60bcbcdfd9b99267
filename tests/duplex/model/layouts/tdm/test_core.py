"""The core slot by slot equals the core on packed dialogues; rows are independent."""

import pytest
import torch

from configs.model.core import AssistantSideConfig, CoreConfig, HeadsConfig, LlmConfig, UserSideConfig
from configs.schedule import ScheduleConfig
from duplex.model.layouts.tdm.core import Core, CoreInput, CoreOutput
from tdm.layout import TdmLayout

SLOTS, PREFIX, WINDOW = 14, 3, 6


def make_core(
    model_type: str = "llama", group: str = "concat", readout: str = "pair", codes: int | None = None
) -> Core:
    torch.manual_seed(1)
    core = Core(
        CoreConfig(
            llm=LlmConfig(
                model_type=model_type,
                vocab_size=50,
                hidden_size=32,
                intermediate_size=48,
                num_hidden_layers=2,
                num_attention_heads=4,
                num_key_value_heads=2,
            ),
            user=UserSideConfig(frames=2, feature_dim=6, units=codes, words=0 if codes else 4),
            assistant=AssistantSideConfig.model_validate({"digits": 3, "group": group, "codes": codes}),
            heads=HeadsConfig.model_validate({"readout": readout}),
        )
    )
    for parameter in core.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return core.eval()


def make_slots(batch: int, length: int = SLOTS, seed: int = 0) -> CoreInput:
    draw = torch.Generator().manual_seed(seed)
    return CoreInput(
        features=torch.randn(batch, length, 2, 6, generator=draw),
        words=torch.randint(-1, 50, (batch, length, 4), generator=draw),
        text=torch.randint(0, 50, (batch, length), generator=draw),
        tokens=torch.randint(-2, 3, (batch, length, 5, 3), generator=draw),
        state=torch.randint(0, 2, (batch, length), generator=draw),
        since=torch.randint(0, 90, (batch, length), generator=draw),
    )


def at(slots: CoreInput, slot: int) -> CoreInput:
    return CoreInput(**{name: value[:, slot] for name, value in vars(slots).items()})


def cut(slots: CoreInput, length: int) -> CoreInput:
    return CoreInput(**{name: value[:, :length] for name, value in vars(slots).items()})


def run(core: Core, slots: CoreInput, layout: TdmLayout, prefix: torch.Tensor) -> CoreOutput:
    batch = len(prefix)
    state, active = core.init_state(batch, layout), torch.ones(batch, dtype=torch.bool)
    core.prefill(prefix, layout, state, active)
    outs = [core.step(at(slots, t), [layout.plan(t)] * batch, layout, state, active) for t in range(SLOTS)]
    return CoreOutput(*(torch.stack([getattr(out, name) for out in outs], 1) for name in ("state", "hidden", "user")))


@pytest.fixture
def layout() -> TdmLayout:
    return TdmLayout(ScheduleConfig(prefix_places=5, window_slots=WINDOW), PREFIX)


@pytest.mark.parametrize("model_type", ["llama", "qwen2", "qwen3", "mistral"])
@pytest.mark.parametrize("group", ["concat", "mean"])
@torch.inference_mode()
def test_step_by_step_equals_the_pack(layout: TdmLayout, model_type: str, group: str) -> None:
    core, slots, prefix = make_core(model_type, group), make_slots(2), torch.tensor([[1, 2, 3], [4, 5, 6]])
    packed, stepped = core.pack(prefix, slots, layout), run(core, slots, layout, prefix)
    for name in ("state", "hidden", "user"):
        torch.testing.assert_close(getattr(stepped, name), getattr(packed, name), atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("group", ["concat", "mean"])
@torch.inference_mode()
def test_tokens_on_both_sides_go_step_by_step_as_in_the_pack(layout: TdmLayout, group: str) -> None:
    core, slots, prefix = make_core("qwen2", group, codes=9), make_slots(1), torch.tensor([[1, 2, 3]])
    draw = torch.Generator().manual_seed(3)
    slots.features = torch.randint(0, 9, (1, SLOTS, 2), generator=draw)
    slots.tokens = torch.randint(0, 9, (1, SLOTS, 5, 1), generator=draw)
    packed, stepped = core.pack(prefix, slots, layout), run(core, slots, layout, prefix)
    torch.testing.assert_close(stepped.hidden, packed.hidden, atol=2e-5, rtol=1e-4)
    slots.tokens = slots.tokens.flip(2)
    mixed = core.pack(prefix, slots, layout).hidden
    assert torch.allclose(mixed, packed.hidden, atol=1e-4) == (group == "mean")


@torch.inference_mode()
def test_longer_input_never_changes_earlier_output(layout: TdmLayout) -> None:
    core, slots, prefix = make_core(), make_slots(1), torch.tensor([[1, 2, 3]])
    whole = core.pack(prefix, slots, layout)
    part = core.pack(prefix, cut(slots, 9), layout)
    torch.testing.assert_close(part.hidden, whole.hidden[:, :9], atol=1e-5, rtol=1e-4)


@torch.inference_mode()
def test_rows_are_independent_and_inactive_rows_stay_as_they_are(layout: TdmLayout) -> None:
    core, slots, prefix = make_core(), make_slots(2), torch.tensor([[1, 2, 3], [4, 5, 6]])
    state = core.init_state(2, layout)
    core.prefill(prefix, layout, state, torch.tensor([True, True]))
    before = [tensor.clone() for tensor in state.keys]
    core.step(at(slots, 0), [layout.plan(0)] * 2, layout, state, torch.tensor([True, False]))
    for tensor, old in zip(state.keys, before, strict=True):
        assert torch.equal(tensor[1], old[1])
        assert not torch.equal(tensor[0], old[0])
    alone = run(core, CoreInput(**{n: v[:1] for n, v in vars(slots).items()}), layout, prefix[:1])
    together = run(core, slots, layout, prefix)
    torch.testing.assert_close(alone.hidden, together.hidden[:1], atol=1e-5, rtol=1e-4)


@torch.inference_mode()
def test_a_reset_row_is_a_fresh_row(layout: TdmLayout) -> None:
    core, prefix, active = make_core(), torch.tensor([[1, 2, 3]]), torch.tensor([True])
    used, fresh = core.init_state(1, layout), core.init_state(1, layout)
    core.prefill(prefix, layout, used, active)
    for slot in range(4):
        core.step(at(make_slots(1), slot), [layout.plan(slot)], layout, used, active)
    used.reset(active)
    for tensor, clean in zip((*used.keys, *used.values), (*fresh.keys, *fresh.values), strict=True):
        assert torch.equal(tensor, clean)


@torch.inference_mode()
def test_the_state_head_hears_the_newest_slot_and_the_assistant_readout_does_not(layout: TdmLayout) -> None:
    core, slots, prefix = make_core(readout="assistant"), make_slots(1), torch.tensor([[1, 2, 3]])
    changed = CoreInput(**vars(slots))
    assert changed.features is not None
    changed.features = changed.features.clone()
    changed.features[:, -1] += 1.0
    before, after = core.pack(prefix, slots, layout), core.pack(prefix, changed, layout)
    assert not torch.allclose(before.state[:, -1], after.state[:, -1])
    assert torch.equal(before.hidden[:, -1], after.hidden[:, -1])


def test_untrained_hearing_does_not_disturb_the_words() -> None:
    core, slots = Core(make_core().config), make_slots(1)
    deaf = CoreInput(**{**vars(slots), "features": None})
    assert torch.equal(core.elements(slots), core.elements(deaf))
