"""The packet schedule: absolute times, late packets counted, a fresh start after a long stop."""

import pytest

from configs.runtime.serve import PacingConfig
from runtime.webrtc.pacing import Pacer


def test_delays_do_not_add_up() -> None:
    pacer = Pacer(PacingConfig())
    now = 100.0
    for index in range(500):
        due = pacer.due(now)
        assert due == pytest.approx(100.0 + index * 0.02)
        now = max(now, due) + 0.007
        assert pacer.on_sent(now) == (index, False)
    assert pacer.statistics.late == 0


def test_late_packets_are_counted_and_caught_up() -> None:
    pacer = Pacer(PacingConfig())
    for index in range(10):
        due = pacer.due(index * 0.02)
        pacer.on_sent(due + (0.05 if index == 4 else 0.0))
    assert (pacer.statistics.late, pacer.statistics.late_share) == (1, 0.1)
    assert pacer.statistics.worst_ms == pytest.approx(50.0)
    assert pacer.due(0.2) == pytest.approx(0.2)


def test_after_a_long_stop_the_schedule_leaves_a_gap_instead_of_a_burst() -> None:
    pacer = Pacer(PacingConfig())
    pacer.due(0.0)
    pacer.on_sent(0.0)
    assert pacer.due(10.0) == pytest.approx(10.0)
    assert pacer.on_sent(10.0) == (500, False)
    assert (pacer.statistics.skips, pacer.statistics.packets) == (1, 2)
