"""Packets to placed samples: losses are recovered or concealed, and nothing moves out of place."""

import numpy as np
import pytest

from configs.runtime.serve import JitterConfig, OpusConfig
from runtime.webrtc.inbound import InboundAudio, Placed
from runtime.webrtc.jitter import ReceivedPacket
from runtime.webrtc.opus import OpusDecoder, OpusEncoder, OpusError, packet_samples

STEP, FRAME, PERIOD = 960, 320, 0.02


@pytest.fixture(scope="module")
def payloads() -> list[bytes]:
    """Two seconds of a gliding, pulsing tone as Opus packets."""
    time = np.arange(48_000) / 24_000
    tone = np.sin(2 * np.pi * (150 * time + 60 * time**2)) * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * time))
    pcm = (9000 * tone).astype(np.int16)
    encoder = OpusEncoder(OpusConfig(expected_loss_percent=20))
    return [encoder.encode(pcm[i : i + 480]) for i in range(0, len(pcm), 480)]


def receive(payloads: list[bytes], lost: set[int]) -> tuple[np.ndarray, list[Placed], InboundAudio]:  # type: ignore[type-arg]
    inbound = InboundAudio(JitterConfig())
    placed: list[Placed] = []
    for index, payload in enumerate(payloads):
        if index not in lost:
            placed += inbound.push(
                ReceivedPacket(index, index * STEP, packet_samples(payload), payload), index * PERIOD
            )
        placed += inbound.poll(index * PERIOD)
    track = np.zeros(len(payloads) * FRAME)
    for one in placed:
        track[one.position : one.position + len(one.pcm)] = one.pcm
    return track, placed, inbound


def test_without_loss_it_is_the_plain_decoder(payloads: list[bytes]) -> None:
    decoder = OpusDecoder()
    plain = np.concatenate([decoder.decode(payload) for payload in payloads])
    track, placed, _ = receive(payloads, set())
    assert np.array_equal(track, plain)
    assert [one.position for one in placed] == [i * FRAME for i in range(100)]


def test_a_lost_packet_is_restored_close_to_the_original(payloads: list[bytes]) -> None:
    clean, _, _ = receive(payloads, set())
    track, _, inbound = receive(payloads, {40})
    span = slice(40 * FRAME, 41 * FRAME)
    error = np.sum((clean[span] - track[span]) ** 2)
    assert error < 0.5 * np.sum(clean[span] ** 2)
    assert (inbound.statistics.concealed_packets, inbound.jitter.statistics.lost) == (1, 1)


def test_a_long_hole_stays_a_hole_after_the_concealed_part(payloads: list[bytes]) -> None:
    _, placed, inbound = receive(payloads, set(range(30, 50)))
    assert [one.position // FRAME for one in placed if one.concealed] == [30, 31, 32, 33, 49]
    assert all(one.position == index * FRAME for one, index in zip(placed[-50:], range(50, 100), strict=True))
    assert inbound.statistics.concealed_samples == 5 * FRAME


def test_a_new_stream_after_a_pause_is_placed_by_time(payloads: list[bytes]) -> None:
    inbound = InboundAudio(JitterConfig())
    for index in range(5):
        inbound.push(ReceivedPacket(index, index * STEP, STEP, payloads[index]), index * PERIOD)
    placed = inbound.push(ReceivedPacket(30_000, 900_000_000, STEP, payloads[5]), 5.0)
    assert placed[0].position == 5 * 16_000


def test_a_corrupt_packet_is_counted_and_the_stream_goes_on(payloads: list[bytes]) -> None:
    inbound = InboundAudio(JitterConfig())
    assert inbound.push(ReceivedPacket(0, 0, STEP, b"\xff\xff\x03"), 0.0) == []
    assert len(inbound.push(ReceivedPacket(1, STEP, STEP, payloads[1]), 0.02)) == 1
    assert inbound.statistics.corrupt == 1


@pytest.mark.parametrize("payload", [b"", b"\x03"])
def test_a_packet_without_frames_has_no_length(payload: bytes) -> None:
    assert packet_samples(payload) == 0


def test_opus_errors_say_what_happens() -> None:
    with pytest.raises(OpusError, match="treated as lost"):
        OpusDecoder().decode(b"\xff\xff\x03")


@pytest.mark.parametrize(
    ("first", "samples"), [(0x48, 960), (0x08, 960), (0x78, 960), (0xFC, 960), (0xE0, 120), (0xE1, 240)]
)
def test_length_is_read_from_the_first_byte(first: int, samples: int) -> None:
    assert packet_samples(bytes([first, 1, 2])) == samples
