"""Unusable offers are rejected with the reason, and the answer asks for redundancy."""

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection
from aiortc.sdp import SessionDescription

from runtime.webrtc.bad_offer import BadOffer
from runtime.webrtc.offer import ask_for_redundancy, check_offer


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
    kept = [line for line in sdp.splitlines() if not line.startswith(("c=", "a=rtcp:", "a=end-of-candidates"))]
    assert check_offer(sdp).sdp.splitlines() == kept


def direction_of(sdp: str) -> str | None:
    media = SessionDescription.parse(check_offer(sdp).sdp).media
    return next(one.direction for one in media if one.kind == "audio")


def test_a_missing_direction_is_both_ways(sdp: str) -> None:
    assert direction_of(lines_without(sdp, "a=sendrecv")) == "sendrecv"


def test_a_direction_of_the_session_holds_for_media_without_one(sdp: str) -> None:
    bare = lines_without(sdp, "a=sendrecv")
    assert direction_of(bare.replace("t=0 0", "t=0 0\r\na=sendrecv")) == "sendrecv"
    with pytest.raises(BadOffer, match="recvonly"):
        check_offer(bare.replace("t=0 0", "t=0 0\r\na=recvonly"))
    assert direction_of(sdp.replace("t=0 0", "t=0 0\r\na=inactive")) == "sendrecv"


def test_a_missing_setup_is_active(sdp: str) -> None:
    media = SessionDescription.parse(check_offer(lines_without(sdp, "a=setup")).sdp).media
    assert [one.dtls.role for one in media] == ["client", "client"]


def test_a_setup_of_the_session_is_kept(sdp: str) -> None:
    text = lines_without(sdp, "a=setup").replace("t=0 0", "t=0 0\r\na=setup:actpass")
    assert [one.dtls.role for one in SessionDescription.parse(check_offer(text).sdp).media] == ["auto", "auto"]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_both_line_ends_are_read(sdp: str, end: str) -> None:
    assert check_offer(end.join([*sdp.splitlines(), ""])).sdp == check_offer(sdp).sdp


def test_host_names_of_media_are_of_no_interest(sdp: str) -> None:
    """ICE says where media go; a host name is allowed there (RFC 8866, section 5.7)."""
    check_offer(sdp.replace("c=IN IP4 0.0.0.0", "c=IN IP4 host.example.com").replace("c=IN", "b=AS:64\r\nc=IN"))


def test_disabled_audio_is_named(sdp: str) -> None:
    port = sdp[sdp.index("m=audio") :].split()[1]
    with pytest.raises(BadOffer, match="port 0"):
        check_offer(sdp.replace(f"m=audio {port}", "m=audio 0"))


@pytest.mark.parametrize("codec", ["opus/8000/1", "opus/48000", "opus/16000/2"])
def test_opus_has_one_form(sdp: str, codec: str) -> None:
    with pytest.raises(BadOffer, match="no Opus"):
        check_offer(sdp.replace("opus/48000/2", codec))


def test_codec_names_ignore_case(sdp: str) -> None:
    check_offer(sdp.replace("opus/48000/2", "OPUS/48000/2"))


def test_one_port_for_rtp_and_rtcp(sdp: str) -> None:
    with pytest.raises(BadOffer, match="rtcp-mux"):
        check_offer(lines_without(sdp, "a=rtcp-mux"))


def test_sections_have_names_of_their_own(sdp: str) -> None:
    assert "a=mid:0" in sdp
    with pytest.raises(BadOffer, match="same name"):
        check_offer(sdp.replace("a=mid:1", "a=mid:0"))


@pytest.mark.parametrize("group", ["0 2", "2 0 1", "x"])
def test_what_is_bundled_is_there(sdp: str, group: str) -> None:
    assert "a=group:BUNDLE 0 1" in sdp
    with pytest.raises(BadOffer, match="bundles a section that it lacks"):
        check_offer(sdp.replace("a=group:BUNDLE 0 1", f"a=group:BUNDLE {group}"))


GOOD = "1 1 udp 2130706431 192.0.2.7 5000 typ host"
BAD = [
    "1 1 udp 2130706431 4f2a6b0e-9f3c-4a4c-8d3e-000000000000.local 5000 typ host",
    "1 1 udp 2130706431 host.example.com 5000 typ host",
    "1 2 udp 2130706431 192.0.2.7 5001 typ host",
    "1 1 tcp 2130706431 192.0.2.7 9 typ host tcptype active",
    "1 1 udp 2130706431 192.0.2.7 0 typ host",
    "1 1 udp 2130706431 192.0.2.7 70000 typ host",
    "1 1 udp 2130706431 fe80::1%eth0 5000 typ host",
    "1 1 udp x 192.0.2.7 5000 typ host",
    "1 1 udp 2130706431 192.0.2.7 5000 typ host raddr 0.0.0.0 rport x",
    "1 1 udp 2130706431 192.0.2.7 5000 typ",
    "",
]


@pytest.mark.parametrize("bad", BAD)
def test_candidates_that_lead_nowhere_are_dropped(sdp: str, bad: str) -> None:
    bare = lines_without(sdp, "a=candidate")
    text = bare.replace("a=sendrecv", f"a=sendrecv\r\na=candidate:{bad}\r\na=candidate:{GOOD}")
    audio = SessionDescription.parse(check_offer(text).sdp).media[0]
    assert [(one.ip, one.port) for one in audio.ice_candidates] == [("192.0.2.7", 5000)]
    assert not audio.ice_candidates_complete


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
