"""What clients notice when the engine of a server is killed in the middle of their conversations."""

import asyncio
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from configs.audio import AUDIO
from runtime.clock import Clock
from runtime.errors import EngineError
from runtime.session.log_records import RESTARTED
from runtime.webrtc.client import Received

_TOLERANCE_S = AUDIO.slot_seconds / 2
"""An answer so much later than usual is late."""


@dataclass(frozen=True)
class EngineLossReport:
    """What the clients noticed, the worst of them.

    `next_s`: from the kill to the first slot that the new engine answered. `level_s`: from the kill to the first of
    the slots that were answered as soon after their end as before. `lost_slots`: slots that nobody answered, of all
    clients.
    """

    next_s: float
    level_s: float
    lost_slots: int


async def kill_after(pid: int, seconds: float, clock: Clock) -> float:
    """Kill a process after so many seconds; returns when."""
    await asyncio.sleep(seconds)
    os.kill(pid, signal.SIGKILL)
    return clock.now()


def judge_loss(heard: Sequence[Sequence[Received]], killed_at: float) -> EngineLossReport:
    """What clients noticed of an engine that was killed at `killed_at`, seconds on their clock, by all their messages.

    Raises:
        EngineError: a conversation did not go on, or not long enough to tell.
    """
    parts = [_judge([one for one in messages if one.message["type"] == "slot"], killed_at) for messages in heard]
    return EngineLossReport(
        next_s=max(part.next_s for part in parts),
        level_s=max(part.level_s for part in parts),
        lost_slots=sum(part.lost_slots for part in parts),
    )


def _judge(slots: Sequence[Received], killed_at: float) -> EngineLossReport:
    first = next((at for at, slot in enumerate(slots) if RESTARTED in slot.message["degraded"]), None)
    if first is None:
        raise EngineError("a conversation did not go on after the engine was killed; run duplex serve to see why")
    lags = np.array([slot.at - slot.message["t"] * AUDIO.slot_seconds for slot in slots])
    late = lags > np.percentile(lags[[slot.at < killed_at for slot in slots]], 95) + _TOLERANCE_S
    late[:first] = False
    level = first if not late.any() else int(np.flatnonzero(late)[-1]) + 1
    if level == len(slots):
        raise EngineError("the server was still behind when the measurement ended; raise --seconds")
    answered = {slot.message["t"] for slot in slots}
    return EngineLossReport(
        next_s=round(slots[first].at - killed_at, 2),
        level_s=round(slots[level].at - killed_at, 2),
        lost_slots=max(answered) + 1 - min(answered) - len(answered),
    )
