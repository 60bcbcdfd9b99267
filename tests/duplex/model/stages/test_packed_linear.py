"""Packed layers: the same products as whole weights, and no row depends on the rows beside it."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from duplex.model.stages.packed_linear import (
    PackedConv,
    PackedLinear,
    has_equal_rows,
    is_packable,
    is_supported,
    match_dtype,
    pack_linears,
)
from duplex.model.stages.precision import choose_product_dtype
from duplex.model.weights.quantize import pack, unpack

pytestmark = pytest.mark.skipif(not is_supported(), reason="torch has no FBGEMM on this CPU")


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def rounded(*shape: int) -> Tensor:
    """Weights as a checkpoint's: rounded to int8."""
    return unpack(pack({"w": torch.randn(*shape)}))["w"]


@pytest.mark.parametrize(("out", "width"), [(384, 1536), (40, 531), (1, 320), (4096, 320), (75, 512)])
@pytest.mark.parametrize("count", [1, 2, 7, 10, 24, 25, 96, 97, 300])
def test_products_are_those_of_the_whole_weights(out: int, width: int, count: int) -> None:
    weight, bias, x = rounded(out, width), torch.randn(out), torch.randn(count, width)
    expected = F.linear(x.double(), weight.double(), bias.double()).float()
    bfloat16 = count > 96 and choose_product_dtype() is torch.bfloat16
    tolerance = 0.02 * float(expected.abs().max()) if bfloat16 else 2e-4
    torch.testing.assert_close(PackedLinear(weight, bias)(x), expected, atol=tolerance, rtol=1e-5)


def test_float16_weights_are_exact() -> None:
    weight, x = torch.randn(64, 96).half().float(), torch.randn(5, 96)
    packed = PackedLinear(weight, None)
    assert packed.scale is None
    torch.testing.assert_close(packed(x), F.linear(x, weight), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("shape", [(96,), (2, 96), (2, 3, 96), (2, 3, 4, 96), (0, 96)])
def test_any_leading_shape(shape: tuple[int, ...]) -> None:
    weight, x = rounded(32, 96), torch.randn(*shape)
    y = PackedLinear(weight, torch.randn(32))(x)
    assert y.shape == (*shape[:-1], 32)


def test_the_input_is_not_changed() -> None:
    x = torch.randn(4, 96)
    before = x.clone()
    PackedLinear(rounded(96, 96), torch.randn(96))(x)
    assert torch.equal(x, before)


@pytest.mark.skipif(not has_equal_rows(), reason="the products of this CPU depend on the number of rows")
@pytest.mark.parametrize(("out", "width"), [(384, 384), (1536, 384), (384, 1536), (13, 331), (320, 3840), (1, 640)])
def test_a_row_does_not_depend_on_the_rows_beside_it(out: int, width: int) -> None:
    packed, x = PackedLinear(rounded(out, width), torch.randn(out)), torch.randn(96, width)
    alone = torch.cat([packed(row) for row in x.split(1)])
    for count in range(2, 97):
        assert torch.equal(packed(x[:count]), alone[:count]), count
    order = torch.randperm(96)
    assert torch.equal(packed(x[order]), alone[order])


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("padding", [0, 1])
def test_a_convolution_is_a_product_of_windows(stride: int, padding: int) -> None:
    conv, x = nn.Conv1d(80, 48, 3, stride), torch.randn(2, 80, 22)
    conv.weight.data = rounded(48, 80, 3)
    expected = F.conv1d(x, conv.weight, conv.bias, stride, padding)
    torch.testing.assert_close(PackedConv(conv)(x, padding), expected, atol=1e-4, rtol=1e-5)


def test_only_rounded_weights_are_packed() -> None:
    assert is_packable(rounded(8, 8, 3))
    assert is_packable(torch.randn(8, 8).half().float())
    assert not is_packable(torch.randn(8, 8))
    assert not is_packable(torch.randn(8, 8).to(torch.bfloat16))


def test_layers_are_replaced_wherever_they_are() -> None:
    net = nn.Sequential(nn.Linear(16, 8), nn.Sequential(nn.GELU(), nn.Linear(8, 4, bias=False)), nn.LayerNorm(4))
    net.load_state_dict(unpack(pack(net.state_dict())))
    x = torch.randn(3, 16)
    expected = net(x)
    assert pack_linears(net)
    assert not any(isinstance(layer, nn.Linear) for layer in net.modules())
    torch.testing.assert_close(net(x), expected, atol=1e-5, rtol=1e-5)
    assert pack_linears(net), "packing twice changes nothing"


def test_a_layer_that_cannot_be_packed_stays() -> None:
    net = nn.Sequential(nn.Linear(16, 8), nn.Linear(8, 4))
    net[0].weight.data = rounded(8, 16)
    assert not pack_linears(net)
    assert isinstance(net[0], PackedLinear)
    assert isinstance(net[1], nn.Linear)


def test_inputs_get_the_data_type_of_the_layer() -> None:
    layer = nn.Linear(4, 4).to(torch.bfloat16)
    assert match_dtype(torch.zeros(1, 4), layer).dtype is torch.bfloat16
    assert match_dtype(torch.zeros(1, 4, dtype=torch.int8), PackedLinear(rounded(4, 4), None)).dtype is torch.float32
