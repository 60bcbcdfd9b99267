"""Clock time and date as spoken words. Knows the calendar; the moment is given, never read from a clock."""

from datetime import UTC, datetime, timedelta

from duplex.text.numbers import cardinal

_MONTHS = (
    "january february march april may june july august september october november december".split()  # fmt: skip
)
_DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
_ORDINALS = {1: "first", 2: "second", 3: "third", 5: "fifth", 8: "eighth", 9: "ninth", 12: "twelfth"}


def local(moment_s: float, utc_offset_s: int) -> datetime:
    """The user's wall clock at `moment_s` seconds since 1970 UTC."""
    return datetime.fromtimestamp(moment_s, UTC) + timedelta(seconds=utc_offset_s)


def time_words(moment: datetime) -> list[str]:
    """10:05 -> ten oh five a m; 14:00 -> two o'clock p m."""
    hour = cardinal((moment.hour - 1) % 12 + 1).split()
    if moment.minute == 0:
        minutes = ["o'clock"]
    else:
        minutes = (["oh"] if moment.minute < 10 else []) + cardinal(moment.minute).split()
    return [*hour, *minutes, "a" if moment.hour < 12 else "p", "m"]


def date_words(moment: datetime) -> list[str]:
    """Saturday, November 21 -> saturday november twenty first."""
    return [_DAYS[moment.weekday()], _MONTHS[moment.month - 1], *_ordinal(moment.day)]


def _ordinal(day: int) -> list[str]:
    tens, last = divmod(day, 10)
    if day in _ORDINALS:
        return [_ORDINALS[day]]
    if tens >= 2 and last:
        return [cardinal(10 * tens), _ORDINALS.get(last, cardinal(last) + "th")]
    word = cardinal(day)
    return [word[:-1] + "ieth" if word.endswith("y") else word + "th"]
