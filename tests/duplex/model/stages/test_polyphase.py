"""Resampling of streams: a tone is preserved, portions equal the whole, the delay is the declared one."""

import pytest
import torch

from duplex.model.stages.polyphase import Resampler

RATES = [(16_000, 24_000), (22_050, 24_000), (48_000, 24_000), (24_000, 24_000)]


def _tone(hertz: float, rate: int, count: int, late_s: float = 0.0) -> torch.Tensor:
    time = torch.arange(count, dtype=torch.float64) / rate - late_s
    return torch.sin(2 * torch.pi * hertz * time).float()


@pytest.mark.parametrize(
    ("inward", "outward"), [(16_000, 24_000), (22_050, 24_000), (48_000, 24_000), (24_000, 24_000)]
)
@pytest.mark.parametrize("hertz", [100.0, 3000.0, 6000.0])
def test_a_tone_comes_out_late_and_unchanged(inward: int, outward: int, hertz: float) -> None:
    resampler = Resampler(inward, outward)
    pcm = _tone(hertz, inward, inward // 2)
    out = resampler.step(pcm[None], resampler.init_state(1), torch.tensor([True]))[0]
    assert len(out) == outward // 2
    expected = _tone(hertz, outward, len(out), resampler.delay_ms / 1000)
    settled = slice(round(resampler.delay_ms * outward / 500), None)
    torch.testing.assert_close(out[settled], expected[settled], rtol=0, atol=1e-3)
    assert resampler.delay_ms < 2


def test_what_the_new_rate_cannot_carry_is_gone() -> None:
    resampler = Resampler(48_000, 24_000)
    out = resampler.step(_tone(15_000, 48_000, 9600)[None], resampler.init_state(1), torch.tensor([True]))
    assert float(out[0, 200:].abs().max()) < 1e-3


def test_portions_equal_the_whole_and_rows_are_their_own() -> None:
    resampler = Resampler(16_000, 24_000)
    pcm = torch.randn(2, 640, generator=torch.Generator().manual_seed(0))
    both = torch.tensor([True, True])
    whole = resampler.step(pcm, resampler.init_state(2), both)
    state = resampler.init_state(2)
    parts = [resampler.step(part, state, both) for part in pcm.split([320, 2, 318], 1)]
    torch.testing.assert_close(torch.cat(parts, 1), whole, rtol=0, atol=1e-6)
    alone = resampler.step(pcm[1:], resampler.init_state(1), torch.tensor([True]))
    torch.testing.assert_close(alone[0], whole[1], rtol=0, atol=1e-6)


def test_inactive_rows_and_reset() -> None:
    resampler = Resampler(16_000, 24_000)
    state = resampler.init_state(2)
    out = resampler.step(torch.ones(2, 320), state, torch.tensor([True, False]))
    assert out[0].any()
    assert not out[1].any()
    assert not state.past[1].any()
    state.reset(torch.tensor([True, False]))
    assert not state.past.any()
