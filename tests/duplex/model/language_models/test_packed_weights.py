"""Weights on a grid of 4 bits: found exactly, multiplied as floats are, and only where they are there."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from duplex.model.language_models import packed_weights
from duplex.model.language_models.interface import ChatMessage
from duplex.model.language_models.load_local import load_llm_parts
from duplex.model.language_models.local_model import LocalModel
from duplex.model.language_models.packed_weights import BLOCK, EightBitLinear, FourBitLinear, find_grid
from tests.duplex.model.language_models.tiny_llm import SYSTEM, answer, tiny_config, write_gguf

NEAR = 0.02
"""Relative to the largest value: activations, steps and results are rounded to bfloat16's 8 bits."""
ON_A_CAPABLE_CPU = pytest.mark.skipif(
    torch.backends.cpu.get_cpu_capability() not in ("AVX2", "AVX512"), reason="4-bit products are slow on this CPU"
)


def grid_weights(kind: str, outputs: int = 48, inputs: int = 96) -> Tensor:
    """Weights [out, in] as a GGUF file of that kind holds them; the last block is zeros."""
    draw = torch.Generator().manual_seed(0)
    steps = torch.randint(0, 16, (outputs, inputs // BLOCK, BLOCK), generator=draw)
    steps[..., 3], steps[..., 7] = 0, 15
    step = (torch.rand(outputs, inputs // BLOCK, 1, generator=draw) * 0.1 + 0.01).half().float()
    if kind == "Q4_0":
        sign = torch.where(torch.rand(step.shape, generator=draw) < 0.5, -1.0, 1.0)
        weights = sign * step * (steps - 8)
    else:
        least = (-torch.rand(step.shape, generator=draw)).half().float()
        weights = step * steps + least
    weights[-1, -1] = 0.0
    return weights.reshape(outputs, inputs)


@pytest.mark.parametrize("kind", ["Q4_0", "Q4_1"])
def test_the_grid_of_a_gguf_file_is_found(kind: str) -> None:
    weights = grid_weights(kind)
    found = find_grid(weights)
    assert found is not None
    steps, (step, middle) = found[0].reshape(48, -1, BLOCK), found[1].unbind(-1)
    assert (steps.min(), steps.max()) == (0, 15)
    torch.testing.assert_close(((steps - 8) * step[..., None] + middle[..., None]).reshape(48, 96), weights)


def test_no_grid_is_found_where_there_is_none() -> None:
    weights = grid_weights("Q4_1")
    assert find_grid(torch.randn(48, 96, generator=torch.Generator().manual_seed(1))) is None
    assert find_grid(weights[:40]) is None, "torch packs 16 outputs together"
    assert find_grid(weights[:, :80]) is None, "80 inputs are no whole blocks"
    moved = weights.clone()
    moved[40, 50] += 0.3 * (weights[40, 32:64].amax() - weights[40, 32:64].amin()) / 15
    assert find_grid(moved) is None
    finer = torch.arange(32).expand(48, 3, 32).reshape(48, 96) * 0.1
    assert find_grid(finer) is None, "32 steps take 5 bits"


@ON_A_CAPABLE_CPU
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("rows", [1, 16, 17])
@pytest.mark.parametrize("bits", [4, 8])
def test_products_are_those_of_floats(bits: int, rows: int, bias: bool) -> None:
    linear = nn.Linear(96, 48, bias=bias).requires_grad_(False)
    linear.weight.copy_(grid_weights("Q4_1"))
    found = find_grid(linear.weight)
    assert found is not None
    packed = FourBitLinear(linear, *found) if bits == 4 else EightBitLinear(linear)
    x = torch.randn(1, rows, 96, generator=torch.Generator().manual_seed(2))
    expected = linear(x)
    got = packed(x)
    assert got.dtype is torch.float32
    assert (got - expected).abs().max() < NEAR * expected.abs().max()
    in_bfloat16 = packed.to(torch.bfloat16)(x.bfloat16())
    assert in_bfloat16.dtype is torch.bfloat16
    assert (in_bfloat16.float() - expected).abs().max() < NEAR * expected.abs().max()
    assert sum(value.numel() for value in packed.parameters()) == sum(value.numel() for value in linear.parameters())


@ON_A_CAPABLE_CPU
@pytest.mark.parametrize(("kind", "packs"), [("Q4_0", True), ("Q4_1", True), ("Q8_0", False), ("F32", False)])
def test_only_the_weights_of_a_file_with_4_bits_are_packed(tmp_path: Path, kind: str, packs: bool) -> None:
    path = write_gguf(tmp_path / "tiny.gguf", kind)
    config = tiny_config(path, dtype="auto")
    exact, loaded = load_llm_parts(tiny_config(path)), load_llm_parts(config)
    loaded.network.prepare()
    kinds = {type(layer) for layer in loaded.network.module.modules()}
    assert (FourBitLinear in kinds, EightBitLinear in kinds) == (packs, packs)
    assert not {FourBitLinear, EightBitLinear} & {type(layer) for layer in exact.network.module.modules()}
    if packs:
        assert loaded.fingerprint != exact.fingerprint
    assert loaded.network.parameters == exact.network.parameters
    ids = exact.tokenizer("what is it")["input_ids"]
    expected, got = exact.network.run(ids, None)[0], loaded.network.run(ids, None)[0]
    assert (got - expected).abs().max() < 2 * NEAR * expected.abs().max()
    messages = [SYSTEM, ChatMessage("user", "what is it")]
    assert answer(LocalModel(config, loaded), messages)


def test_a_cpu_that_is_slow_at_it_keeps_floats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed_weights, "_CAPABLE", ())
    config = tiny_config(write_gguf(tmp_path / "tiny.gguf", "Q4_1"), dtype="auto")
    network = load_llm_parts(config).network
    network.prepare()
    assert not any(isinstance(layer, FourBitLinear) for layer in network.module.modules())
