"""In-band redundancy (Opus FEC) of real speech: it is sent, and a lost packet is recovered from the next one."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from configs.runtime.serve import JitterConfig, OpusConfig
from runtime.cli.bench.command import QUESTIONS
from runtime.cli.bench.spoken import read_speech
from runtime.pcm import Pcm16
from runtime.webrtc.inbound import InboundAudio
from runtime.webrtc.jitter import ReceivedPacket
from runtime.webrtc.opus import OpusDecoder, OpusEncoder, has_redundancy
from tests.runtime.figures import tell
from tests.runtime.session_world import PACKET

EVERY = 7
"""One packet of so many is lost, never two in a row; which one is varied."""
AUDIBLE = 0.05
"""Level of speech, relative to the loudest packet."""
FRAMES = read_speech([QUESTIONS])[: 990 * 480].reshape(-1, 480)


def encode(config: OpusConfig) -> list[bytes]:
    encoder = OpusEncoder(config)
    return [encoder.encode(frame) for frame in FRAMES]


@pytest.fixture(scope="module")
def packets() -> list[bytes]:
    """As the server sends the assistant's voice, and the client of the tests the user's."""
    return encode(OpusConfig())


@pytest.fixture(scope="module")
def clean(packets: list[bytes]) -> list[Pcm16]:
    decoder = OpusDecoder()
    return [decoder.decode(packet) for packet in packets]


@pytest.fixture(scope="module")
def speech(clean: list[Pcm16]) -> NDArray[np.bool_]:
    """Which packets hold speech, and follow speech."""
    level = np.array([np.sqrt(np.mean(frame.astype(np.float64) ** 2)) for frame in clean])
    loud: NDArray[np.bool_] = level > AUDIBLE * level.max()
    return loud & np.roll(loud, 1)


def likeness(one: Pcm16, other: Pcm16) -> float:
    return float(np.corrcoef(one.astype(np.float64), other.astype(np.float64))[0, 1])


def fill(packets: list[bytes], phase: int, redundancy: bool) -> dict[int, Pcm16]:
    """What a client hears in place of lost packets, with a decoder that uses redundancy or one that does not."""
    decoder, heard = OpusDecoder(), {}
    for number, (packet, following) in enumerate(pairwise(packets)):
        if number % EVERY != phase:
            decoder.decode(packet)
        else:
            heard[number] = decoder.recover(following, PACKET) if redundancy else decoder.conceal(PACKET)
    return heard


def test_every_packet_of_the_assistants_speech_is_in_the_next_one_too(
    packets: list[bytes], speech: NDArray[np.bool_]
) -> None:
    assert np.mean([has_redundancy(packets[number + 1]) for number in np.flatnonzero(speech[:-1])]) > 0.95


def test_a_client_recovers_lost_speech_of_the_assistant_from_the_next_packet(
    packets: list[bytes], clean: list[Pcm16], speech: NDArray[np.bool_]
) -> None:
    """Prints the figures (`pytest -rP`)."""
    recovered, concealed = (
        [
            likeness(clean[number], pcm)
            for phase in range(EVERY)
            for number, pcm in fill(packets, phase, redundancy).items()
            if speech[number]
        ]
        for redundancy in (True, False)
    )
    tell(f"{len(recovered)} packets: {np.median(recovered):.3f} recovered, {np.median(concealed):.3f} concealed")
    assert len(recovered) > 100
    assert np.median(recovered) > 0.98
    assert np.quantile(recovered, 0.1) > 0.95 > np.median(concealed)


def test_lost_speech_of_the_user_is_recovered_and_not_concealed(
    packets: list[bytes], clean: list[Pcm16], speech: NDArray[np.bool_]
) -> None:
    likenesses, recovered, made_up = [], 0, 0
    for phase in range(1, EVERY):
        inbound, placed = InboundAudio(JitterConfig()), []
        for number, packet in enumerate(packets):
            if number % EVERY != phase:
                placed += inbound.push(ReceivedPacket(number, number * 960, 960, packet), number * 0.02)
        heard = {one.position // PACKET: one for one in placed + inbound.poll(len(packets) * 0.02 + 1)}
        lost = list(range(phase, len(packets) - 1, EVERY))
        assert [number for number, one in heard.items() if one.concealed] == lost
        likenesses += [likeness(clean[number], heard[number].pcm) for number in lost if speech[number]]
        recovered += inbound.statistics.recovered_packets
        made_up += inbound.statistics.concealed_packets
    tell(f"{len(likenesses)} packets of speech: {np.median(likenesses):.3f}; {recovered} of {made_up} recovered")
    assert len(likenesses) <= recovered < made_up
    assert np.median(likenesses) > 0.98
    assert np.quantile(likenesses, 0.1) > 0.95


def test_an_encoder_that_expects_no_loss_sends_no_redundancy(packets: list[bytes]) -> None:
    assert not any(has_redundancy(packet) for packet in encode(OpusConfig(expected_loss_percent=0)))


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"", False),
        (b"\x48", False),  # SILK without a frame
        (b"\x48\x40", True),
        (b"\x48\x80", False),  # active, without redundancy
        (b"\x50\x20", True),  # two SILK frames: 40 ms
        (b"\x50\x40", False),  # both active
        (b"\x4c\x10", True),  # stereo, redundancy of the second channel
        (b"\x68\x40", True),  # hybrid
        (b"\xf8\x40", False),  # CELT
        (b"\x49\x40", False),  # several frames in a packet, as no browser sends them
    ],
)
def test_redundancy_is_read_from_the_flags(payload: bytes, expected: bool) -> None:
    assert has_redundancy(payload) is expected
