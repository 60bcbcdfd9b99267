"""Fades without steps; holes are concealed the same however the channel is cut into blocks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duplex.model.concealment import Concealer, fading_echo, falling, rising

FADE, BLOCK = 8, 100


@pytest.mark.parametrize("length", [1, 2, 120])
def test_fades_are_monotonic_and_mirror_each_other(length: int) -> None:
    fade = falling(length)
    assert len(fade) == length
    assert fade[-1] == pytest.approx(0.0, abs=1e-7)
    assert np.all(np.diff(fade) <= 0)
    np.testing.assert_array_equal(rising(length), fade[::-1])


def test_an_echo_starts_at_the_last_sample_and_ends_in_silence() -> None:
    before = np.linspace(0.0, 0.5, 300, dtype=np.float32)
    echo = fading_echo(before, 100)
    assert echo[0] == pytest.approx(0.5, abs=1e-3)
    assert echo[-1] == pytest.approx(0.0, abs=1e-7)
    assert np.abs(np.diff(np.concatenate([before[-1:], echo]))).max() < 0.01


def test_a_hole_begins_with_a_fading_echo_and_ends_with_a_fade_in() -> None:
    pcm = np.full(BLOCK, 1000, np.int16)
    missing = np.zeros(BLOCK, bool)
    missing[30:60] = True
    pcm[missing] = 0
    assert Concealer(FADE).fill(pcm, missing) == ((30, 60),)
    np.testing.assert_array_equal(pcm[30 : 30 + FADE], np.rint(1000 * falling(FADE)))
    assert not pcm[30 + FADE : 60].any()
    np.testing.assert_array_equal(pcm[60 : 60 + FADE], np.rint(1000 * rising(FADE)))
    assert np.all(np.r_[pcm[:30], pcm[60 + FADE :]] == 1000)


@settings(deadline=None, derandomize=True)
@given(st.sets(st.integers(0, 19)))
def test_blocks_are_concealed_as_the_whole_is(lost: set[int]) -> None:
    """Holes are whole packets of 20 samples, as long as fades fit into them."""
    packet = 20
    whole = np.random.default_rng(1).integers(1, 9000, 20 * packet).astype(np.int16)
    missing = np.isin(np.arange(20 * packet) // packet, sorted(lost))
    whole[missing] = 0
    parts, concealer = whole.copy(), Concealer(FADE)
    Concealer(FADE).fill(whole, missing)
    for begin in range(0, len(parts), BLOCK):
        concealer.fill(parts[begin : begin + BLOCK], missing[begin : begin + BLOCK])
    np.testing.assert_array_equal(parts, whole)
