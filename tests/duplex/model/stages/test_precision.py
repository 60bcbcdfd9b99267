"""Matrix products run in bfloat16 only where the processor has instructions for it."""

import pytest
import torch

from duplex.model.stages.matrices import Matrix
from duplex.model.stages.precision import choose_product_dtype


@pytest.mark.parametrize(("has_it", "dtype"), [(True, torch.bfloat16), (False, torch.float32)])
def test_the_cpu_decides(monkeypatch: pytest.MonkeyPatch, has_it: bool, dtype: torch.dtype) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has_it)
    assert choose_product_dtype() is dtype
    assert choose_product_dtype(torch.device("cpu")) is dtype


@pytest.mark.parametrize("has_it", [True, False])
@pytest.mark.parametrize("rows", [1, 40])
def test_products_are_the_same_up_to_rounding(monkeypatch: pytest.MonkeyPatch, has_it: bool, rows: int) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has_it)
    torch.manual_seed(0)
    weight = torch.randint(-127, 128, (32, 64), dtype=torch.int8)
    scale, bias, x = torch.rand(32) / 64, torch.randn(32), torch.randn(rows, 64)
    expected = x @ (weight.float() * scale[:, None]).T + bias
    torch.testing.assert_close(Matrix(weight, scale, bias)(x), expected, rtol=0.02, atol=0.15)
