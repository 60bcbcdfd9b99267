"""Packed weights come back close, keep what must be exact, and fail with one line."""

from pathlib import Path

import pytest
import torch

from duplex.model.weights.quantize import SCALE, QuantizeError, load, pack, save, unpack


def _state() -> dict[str, torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    return {
        "matrix": torch.randn(6, 10, generator=draw) * torch.logspace(-3, 2, 6)[:, None],
        "kernel": torch.randn(4, 3, 5, generator=draw),
        "bias": torch.randn(6, generator=draw),
        "steps": torch.tensor(7),
    }


def test_each_row_is_within_half_a_step_of_its_own_scale() -> None:
    state = _state()
    back = unpack(pack(state))
    for name in ("matrix", "kernel"):
        step = state[name].flatten(1).abs().amax(1) / 127
        error = (back[name] - state[name]).flatten(1).abs().amax(1)
        assert (error <= step / 2 + 1e-7).all()


def test_vectors_and_whole_numbers_are_exact() -> None:
    back = unpack(pack(_state()))
    assert torch.equal(back["bias"], _state()["bias"])
    assert torch.equal(back["steps"], _state()["steps"])


def test_kept_tensors_are_float16() -> None:
    packed = pack(_state(), keep=lambda name: name == "matrix")
    assert packed["matrix"].dtype is torch.float16
    assert "matrix" + SCALE not in packed
    assert packed["kernel"].dtype is torch.int8


def test_packing_again_changes_nothing() -> None:
    once = unpack(pack(_state()))
    twice = unpack(pack(once))
    for name, value in once.items():
        torch.testing.assert_close(twice[name], value, rtol=1e-6, atol=0)


def test_zero_rows_stay_zero() -> None:
    assert torch.equal(unpack(pack({"w": torch.zeros(3, 4)}))["w"], torch.zeros(3, 4))


def test_file_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save(_state(), path, metadata={"made_by": "test"})
    expected = unpack(pack(_state()))
    found = load(path)
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_not_finite_is_refused() -> None:
    with pytest.raises(QuantizeError, match="'w' holds infinities or NaN"):
        pack({"w": torch.full((2, 2), float("nan"))})


def test_missing_scale_is_refused() -> None:
    packed = pack(_state())
    del packed["matrix" + SCALE]
    with pytest.raises(QuantizeError, match="int8 without"):
        unpack(packed)


def test_name_of_a_scale_is_refused() -> None:
    with pytest.raises(QuantizeError, match="ends like a scale"):
        pack({"w" + SCALE: torch.zeros(2)})


def test_missing_and_broken_files_say_so(tmp_path: Path) -> None:
    with pytest.raises(QuantizeError, match="cannot be read"):
        load(tmp_path / "absent.safetensors")
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"not weights")
    with pytest.raises(QuantizeError, match="not a safetensors file"):
        load(broken)
