"""What a session's messages tell: lag on the client's own clock, late and unanswered slots."""

from typing import Any

import numpy as np
import pytest

from configs.audio import AUDIO
from runtime.cli.bench.soak.samples import SessionSample
from runtime.cli.bench.soak.talker import SlotCounter, Talker
from runtime.clock import ManualClock
from runtime.webrtc.client import Received

BEGAN = 50.0


def slot(t: int, lag_ms: float, state: str = "MUTE", degraded: tuple[str, ...] = ()) -> Received:
    end = BEGAN + (t + 1) * AUDIO.slot_seconds
    return Received(end + lag_ms / 1000, {"type": "slot", "t": t, "state": state, "degraded": degraded})


def test_lag_is_counted_from_the_end_of_the_users_slot_apart_for_listening_and_speaking() -> None:
    messages = [slot(0, 60), slot(1, 62), slot(2, 64), slot(3, 140, "SPEAK"), Received(0.0, {"type": "stats"})]
    assert SlotCounter().count(messages, BEGAN) == SessionSample(pytest.approx(62), pytest.approx(140), 4, 0, 0)


def test_without_slots_there_is_no_lag() -> None:
    assert SlotCounter().count([], BEGAN) == SessionSample(None, None, 0, 0, 0)


def test_late_and_unanswered_slots_add_up() -> None:
    counter = SlotCounter()
    counter.count([slot(3, 60), slot(4, 300, degraded=("holes", "late"))], BEGAN)
    last = counter.count([slot(7, 60), slot(8, 60, degraded=("concealed",))], BEGAN)
    assert (last.slots, last.late, last.unseen) == (6, 1, 2)


async def test_a_talkers_figures_follow_its_messages() -> None:
    clock = ManualClock(BEGAN)
    talker = Talker(np.zeros(4800, dtype=np.int16), 0.0, clock, 200.0)
    talker._speak(BEGAN)
    talker._speak(BEGAN + 0.02)
    talker.client.messages += [slot(0, 60)]
    assert talker.sample() == SessionSample(pytest.approx(60), None, 1, 0, 0)
    ended: dict[str, Any] = {"type": "ended", "code": "engine_died", "message": "the engine died"}
    talker.client.messages += [slot(1, 80), Received(clock.now(), ended)]
    assert talker.sample() == SessionSample(pytest.approx(80), None, 2, 0, 0)
    assert talker.ended == "the engine died"
    await talker.client.close()
