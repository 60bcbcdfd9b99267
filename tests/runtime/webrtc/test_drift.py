"""Clocks that drift: the user's slots follow the user's clock to the sample, and nothing is cut or inserted."""

import random

import numpy as np
import pytest

from configs.runtime.runtime import PlayoutConfig, SlotBufferConfig
from configs.runtime.serve import JitterConfig
from runtime.session.playout import PlayoutBuffer
from runtime.session.slot_buffer import SlotBuffer
from runtime.webrtc.inbound import InboundAudio
from runtime.webrtc.jitter import ReceivedPacket
from runtime.webrtc.opus import packet_samples
from tests.runtime.figures import tell
from tests.runtime.results import speak
from tests.runtime.session_world import SLOT

HOUR_S, PACKET_S, SLOT_S = 3600.0, 0.06, 0.2
JITTER_S = 0.02
QUIET = b"\x58\x00"
"""A packet of 60 ms (SILK)."""
FIRST = 65_000, 2**32 - 48_000 * 60
"""Sequence number and timestamp of the first packet: both wrap within the hour."""


@pytest.mark.parametrize("ppm", [-500.0, 500.0])
def test_an_hour_of_a_drifting_microphone_is_taken_whole_and_without_lag(ppm: float) -> None:
    """Positive is slow. Prints the figures (`pytest -rP`)."""
    rng, second = random.Random(0), 1 + ppm * 1e-6
    inbound, buffer = InboundAudio(JitterConfig()), SlotBuffer(SlotBufferConfig())
    lags: list[float] = []
    sent = packet_samples(QUIET)
    count, now = round(HOUR_S / PACKET_S), 0.0
    for number in range(count):
        spoken = PACKET_S * (number + 1) * second
        now = max(now, spoken + rng.uniform(0.0, JITTER_S))
        sequence, timestamp = (first + step * number for first, step in zip(FIRST, (1, sent), strict=True))
        for one in inbound.push(ReceivedPacket(sequence & 0xFFFF, timestamp & 0xFFFFFFFF, sent, QUIET), now):
            buffer.push(one.position, one.pcm, now)
        lags += [now - SLOT_S * second * (slot.index + 1) for slot in buffer.pop(now)]
    counts, jitter = buffer.statistics, inbound.jitter.statistics
    early, late = np.mean(lags[:300]), np.mean(lags[-300:])
    tell(
        f"{ppm:+.0f} ppm, {len(lags)} slots in {now:.1f} s: lag {1000 * early:.1f} ms in the first minute, "
        f"{1000 * late:.1f} ms in the last, {1000 * max(lags):.1f} ms at most"
    )
    assert len(lags) == counts.slots == round(HOUR_S / SLOT_S)
    assert counts.placed == len(lags) * SLOT
    assert (counts.concealed, counts.late, counts.ahead, counts.duplicate, counts.resyncs) == (0, 0, 0, 0, 0)
    assert (jitter.lost, jitter.late, jitter.restarts) == (0, 0, 0)
    assert abs(late - early) < 0.002
    assert max(lags) < PACKET_S + JITTER_S


@pytest.mark.parametrize("ppm", [-500.0, 500.0])
def test_an_answer_of_a_minute_is_played_whole_to_a_user_whose_clock_drifts(ppm: float) -> None:
    """The slots come by the user's clock, the packets leave by the server's: the look-ahead takes the difference."""
    playout, second, pushed = PlayoutBuffer(PlayoutConfig()), 1 + ppm * 1e-6, 0
    waiting = []
    for number in range(round(60 / 0.02)):
        while pushed * SLOT_S * second <= number * 0.02:
            playout.push(speak(pushed))
            pushed += 1
        assert not playout.pull().underrun
        waiting.append(playout.statistics.waiting)
    tell(f"{ppm:+.0f} ppm: {min(waiting) / 24:.0f} to {max(waiting) / 24:.0f} ms wait to be played")
    assert (playout.statistics.skipped, playout.statistics.underruns) == (0, 0)
