"""Clocks: virtual time moves only on demand, real time never goes back."""

import pytest

from runtime.clock import DriftingClock, ManualClock, SystemClock


def test_virtual_time_moves_only_on_demand() -> None:
    clock = ManualClock(5.0)
    assert clock.now() == clock.now() == 5.0
    clock.advance(0.25)
    assert clock.now() == 5.25


def test_virtual_time_cannot_go_back() -> None:
    with pytest.raises(ValueError, match="cannot go back by 1 s"):
        ManualClock().advance(-1)


def test_the_system_clock_is_monotonic() -> None:
    clock = SystemClock()
    moments = [clock.now() for _ in range(100)]
    assert moments == sorted(moments)


@pytest.mark.parametrize("ppm", [200, -200])
def test_a_drifting_clock_is_off_by_a_constant_share(ppm: float) -> None:
    base = ManualClock(1000.0)
    drifting = DriftingClock(base, ppm)
    assert drifting.now() == 1000.0
    base.advance(3600 * (1 + ppm * 1e-6))
    assert drifting.now() == pytest.approx(1000 + 3600)
