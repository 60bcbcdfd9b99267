"""Checks a client's SDP offer before anything is built, and completes the answer.

This module handles SDP; it does not depend on sessions.
"""

import re
from collections.abc import Sequence

from aiortc import RTCRtpCapabilities, RTCRtpCodecParameters, RTCRtpSender, RTCSessionDescription
from aiortc.sdp import MediaDescription, SessionDescription

from runtime.webrtc.bad_offer import BadOffer
from runtime.webrtc.candidates import is_usable

_OPUS = re.compile(r"a=rtpmap:(\d+) opus/48000/2$", re.IGNORECASE)
_DIRECTIONS = ("a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive")
_DROPPED = ("a=end-of-candidates", "c=", "a=rtcp:")
"""Lines that say where media would go without ICE, and that no more candidates follow, which would make the connection
fail before the client's own checks have shown where it is."""


def check_offer(sdp: str) -> RTCSessionDescription:
    """Check that an offer has exactly one audio section with Opus in which audio is sent, and at most a data channel.

    The offer is returned with its defaults written out and without unusable candidates.

    Raises:
        BadOffer: the offer cannot be used; the message says what is wrong.
    """
    sdp = complete(sdp)
    try:
        description = SessionDescription.parse(sdp)
    except Exception:  # the parser documents no error type for text that is not SDP
        raise BadOffer("the offer is not SDP; send the browser's RTCSessionDescription unchanged") from None
    kinds = [media.kind for media in description.media]
    if kinds.count("audio") != 1:
        many = "several audio sections" if "audio" in kinds else "no audio"
        raise BadOffer(f"the offer has {many}; add the microphone's track, and only that, to the connection")
    if set(kinds) - {"audio", "application"} or kinds.count("application") > 1:
        raise BadOffer("the offer has more than audio and one data channel; remove video and other sections")
    _check_names(description)
    _check_audio(next(media for media in description.media if media.kind == "audio"))
    return RTCSessionDescription(sdp, "offer")


def _check_names(description: SessionDescription) -> None:
    """Check that sections have names of their own, and that what is bundled is there (RFC 8843, section 7.2)."""
    names = [media.rtp.muxId for media in description.media]
    if len(set(names)) < len(names):
        raise BadOffer("two sections of the offer have the same name (a=mid); use a browser's unchanged offer")
    bundled = {name for group in description.group if group.semantic == "BUNDLE" for name in group.items}
    if not bundled <= set(names):
        raise BadOffer("the offer bundles a section that it lacks (a=group:BUNDLE); use a browser's unchanged offer")


def complete(sdp: str) -> str:
    """An offer with its defaults written out, and without lines that would only prevent the connection.

    A missing direction is the session's, or sendrecv (RFC 8866, section 6.7); a missing `setup` is active (RFC 4145,
    section 4). Unusable candidates are dropped: a client that reaches the server is found by the address that it uses.
    """
    session, *media = _sections(sdp.splitlines())
    directions = [line for line in session if line in _DIRECTIONS] or [_DIRECTIONS[0]]
    setup = any(line.startswith("a=setup:") for line in session)
    lines = _usable([line for line in session if line not in _DIRECTIONS])
    for section in media:
        lines += _usable(section)
        if section[0].startswith("m=audio") and not any(line in _DIRECTIONS for line in section):
            lines.append(directions[-1])
        if not setup and not any(line.startswith("a=setup:") for line in section):
            lines.append("a=setup:active")
    return "\r\n".join([*lines, ""])


def _sections(lines: Sequence[str]) -> list[list[str]]:
    """The session's lines, then those of each media section."""
    sections: list[list[str]] = [[]]
    for line in (line.rstrip() for line in lines):
        if line.startswith("m="):
            sections.append([])
        sections[-1] += [line] if line else []
    return sections


def _usable(lines: Sequence[str]) -> list[str]:
    return [line for line in lines if not line.startswith(_DROPPED) and _is_usable(line)]


def _is_usable(line: str) -> bool:
    name, _, value = line.partition(":")
    return name != "a=candidate" or is_usable(value)


def _check_audio(media: MediaDescription) -> None:
    if media.port == 0:
        raise BadOffer("the offer's audio is disabled (port 0); add the microphone's track to the connection")
    if media.direction != "sendrecv":
        raise BadOffer(f"the offer's audio is {media.direction}; it must be sendrecv, because audio goes both ways")
    if not any(_is_opus(codec) for codec in media.rtp.codecs):
        raise BadOffer("the offer's audio has no Opus; allow the codec opus/48000/2")
    named = media.ice is not None and media.ice.usernameFragment and media.ice.password
    if media.dtls is None or not media.dtls.fingerprints or not named:
        raise BadOffer("the offer has no DTLS fingerprint or ICE credentials; use a browser's unchanged offer")
    if not media.rtcp_mux:
        raise BadOffer("the offer's audio has no rtcp-mux; allow RTP and RTCP on one port (rtcpMuxPolicy 'require')")


def _is_opus(codec: RTCRtpCodecParameters) -> bool:
    return codec.mimeType.lower() == "audio/opus" and (codec.clockRate, codec.channels) == (48_000, 2)


def ask_for_redundancy(sdp: str) -> str:
    """Add a request for in-band redundancy (RFC 7587, section 7) to the answer, so that lost packets can be
    recovered."""
    lines = []
    for line in sdp.splitlines():
        lines.append(line)
        opus = _OPUS.match(line)
        if opus:
            lines.append(f"a=fmtp:{opus[1]} minptime=10;useinbandfec=1")
    return "\r\n".join([*lines, ""])


def opus_only() -> list:  # type: ignore[type-arg]
    """The codecs of an answer: Opus, as aiortc has it."""
    capabilities: RTCRtpCapabilities = RTCRtpSender.getCapabilities("audio")
    return [codec for codec in capabilities.codecs if codec.mimeType.lower() == "audio/opus"]
