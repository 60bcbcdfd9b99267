"""The time in a place."""

from datetime import UTC, datetime

from duplex.model.tools.examples.places import find_zone


def time_in(place: str) -> str:
    """Tell the present date and time in a place of the world.

    Args:
        place: a city, a country with one time zone, or an IANA name such as Asia/Tokyo
    """
    return tell_time(place, datetime.now(UTC))


def tell_time(place: str, now: datetime) -> str:
    """The time in a place at `now`: "14:32 on Monday, 30 November 2026".

    Raises:
        ToolError: the place is not known, or has several time zones.
    """
    there = now.astimezone(find_zone(place, now))
    return f"{there:%H:%M} on {there:%A}, {there.day} {there:%B} {there.year}"
