"""What a client asks for: the SDP offer, checked before anything is built, and the answer's last touch.

Knows SDP; knows nothing of sessions.
"""

import re

from aiortc import RTCSessionDescription
from aiortc.sdp import MediaDescription, SessionDescription

from runtime.errors import SessionError

_OPUS = re.compile(r"a=rtpmap:(\d+) opus/48000/2$", re.IGNORECASE)


class BadOffer(SessionError):  # noqa: N818 - reads as what it is
    """The SDP offer cannot be answered."""

    code = "bad_offer"


def check_offer(sdp: str) -> RTCSessionDescription:
    """The offer, if it has exactly one audio section with Opus in which audio is sent, and a data channel at most.

    Raises:
        BadOffer: it has not; the message says what is wrong.
    """
    try:
        description = SessionDescription.parse(sdp)
    except Exception:  # the parser promises no kind of error for what is no SDP
        raise BadOffer("the offer is not SDP; send the browser's RTCSessionDescription as it is") from None
    kinds = [media.kind for media in description.media]
    if kinds.count("audio") != 1:
        many = "several audio sections" if "audio" in kinds else "no audio"
        raise BadOffer(f"the offer has {many}; add the microphone's track, and only that, to the connection")
    if set(kinds) - {"audio", "application"} or kinds.count("application") > 1:
        raise BadOffer("the offer has more than audio and one data channel; remove video and other sections")
    _check_audio(next(media for media in description.media if media.kind == "audio"))
    return RTCSessionDescription(sdp, "offer")


def _check_audio(media: MediaDescription) -> None:
    if media.direction != "sendrecv":
        raise BadOffer(f"the offer's audio is {media.direction}; it has to be sendrecv, audio goes both ways")
    if not any(codec.mimeType.lower() == "audio/opus" for codec in media.rtp.codecs):
        raise BadOffer("the offer's audio has no Opus; allow the codec opus/48000/2")
    named = media.ice is not None and media.ice.usernameFragment
    if media.dtls is None or not media.dtls.fingerprints or not named:
        raise BadOffer("the offer has no DTLS fingerprint or ICE credentials; use a browser's unchanged offer")


def ask_for_redundancy(sdp: str) -> str:
    """The answer with a wish for in-band redundancy (RFC 7587, section 7), so that lost packets can be recovered."""
    lines = []
    for line in sdp.splitlines():
        lines.append(line)
        opus = _OPUS.match(line)
        if opus:
            lines.append(f"a=fmtp:{opus[1]} minptime=10;useinbandfec=1")
    return "\r\n".join([*lines, ""])
