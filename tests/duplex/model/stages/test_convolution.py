"""A causal block streams; a block with right context sees exactly that far."""

import pytest
import torch

from duplex.model.stages.convolution import ConvBlock


def _input() -> torch.Tensor:
    return torch.randn(2, 23, 8, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("kernel", "dilation"), [(4, 1), (4, 2), (3, 3)])
@pytest.mark.parametrize("piece", [1, 5, 23])
def test_pieces_equal_the_whole(kernel: int, dilation: int, piece: int) -> None:
    torch.manual_seed(0)
    block = ConvBlock(8, 16, kernel, dilation)
    whole, last = block(_input())
    past, pieces = None, []
    for part in _input().split(piece, 1):
        out, past = block(part, past)
        pieces.append(out)
    torch.testing.assert_close(torch.cat(pieces, 1), whole)
    assert past is not None
    torch.testing.assert_close(past, last)


@pytest.mark.parametrize("right", [0, 1])
def test_future_reaches_no_further_than_the_right_context(right: int) -> None:
    torch.manual_seed(0)
    block = ConvBlock(8, 16, 3, right=right)
    changed = _input()
    changed[:, 12] += 1.0
    differs = (block(changed)[0] - block(_input())[0]).abs().amax((0, 2)) > 0
    assert torch.nonzero(differs).flatten().tolist() == list(range(12 - right, 15 - right))
