"""The error for an offer that cannot be answered, for those who pass it on and know nothing of SDP."""

from runtime.errors import SessionError


class BadOffer(SessionError):  # noqa: N818 - reads as what it is
    """The SDP offer cannot be answered."""

    code = "bad_offer"
