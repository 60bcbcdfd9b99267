"""What is no usable offer is named, and the answer asks for redundancy."""

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection

from runtime.webrtc.offer import BadOffer, ask_for_redundancy, check_offer


@pytest.fixture
async def sdp() -> str:
    """A good offer: audio both ways and a data channel."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.addTransceiver("audio")
    connection.createDataChannel("duplex")
    await connection.setLocalDescription(await connection.createOffer())
    text: str = connection.localDescription.sdp
    await connection.close()
    return text


def lines_without(sdp: str, *starts: str) -> str:
    return "\r\n".join([line for line in sdp.splitlines() if not line.startswith(starts)] + [""])


def test_a_good_offer_passes(sdp: str) -> None:
    assert check_offer(sdp).sdp == sdp


@pytest.mark.parametrize(
    "text", ["", "hello", "v=0\r\nm=audio x y z\r\n", "\x00\xff", "m=audio 9 UDP/TLS/RTP/SAVPF 96"]
)
def test_what_is_no_sdp_is_refused(text: str) -> None:
    with pytest.raises(BadOffer):
        check_offer(text)


def test_audio_is_needed(sdp: str) -> None:
    with pytest.raises(BadOffer, match="has no audio"):
        check_offer(sdp.replace("m=audio", "m=video"))


def test_one_audio_section_only(sdp: str) -> None:
    audio = sdp[sdp.index("m=audio") : sdp.index("m=application")]
    with pytest.raises(BadOffer, match="several audio"):
        check_offer(sdp + audio)


def test_video_is_refused(sdp: str) -> None:
    audio = sdp[sdp.index("m=audio") : sdp.index("m=application")]
    with pytest.raises(BadOffer, match="remove video"):
        check_offer(sdp + audio.replace("m=audio", "m=video"))


def test_audio_goes_both_ways(sdp: str) -> None:
    with pytest.raises(BadOffer, match="recvonly"):
        check_offer(sdp.replace("a=sendrecv", "a=recvonly"))


def test_opus_is_needed(sdp: str) -> None:
    with pytest.raises(BadOffer, match="no Opus"):
        check_offer(lines_without(sdp, "a=rtpmap:96"))


@pytest.mark.parametrize("missing", ["a=fingerprint", "a=ice-ufrag"])
def test_credentials_are_needed(sdp: str, missing: str) -> None:
    with pytest.raises(BadOffer, match="no DTLS fingerprint or ICE"):
        check_offer(lines_without(sdp, missing))


def test_the_answer_asks_for_redundancy_behind_its_codec(sdp: str) -> None:
    lines = ask_for_redundancy(sdp).splitlines()
    place = lines.index("a=rtpmap:96 opus/48000/2")
    assert lines[place + 1] == "a=fmtp:96 minptime=10;useinbandfec=1"
    assert len(lines) == len(sdp.splitlines()) + 1
