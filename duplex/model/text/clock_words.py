"""Clock time and date as spoken words. Knows the calendar; the moment is given, never read from a clock."""

from datetime import UTC, datetime, timedelta

from duplex.model.text.numbers import cardinal

_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ORDINALS = {1: "first", 2: "second", 3: "third", 5: "fifth", 8: "eighth", 9: "ninth", 12: "twelfth"}


def fill_in_words(name: str, moment: datetime) -> list[str]:
    """Words of one fill-in token, by its name without the brackets.

    Raises:
        KeyError: there is no such fill-in.
    """
    day = timedelta(days=1)
    fillers = {
        "time": lambda: time_words(moment),
        "date": lambda: date_words(moment),
        "weekday": lambda: [_DAYS[moment.weekday()]],
        "tomorrow": lambda: [_DAYS[(moment + day).weekday()]],
        "yesterday": lambda: [_DAYS[(moment - day).weekday()]],
        "month": lambda: [_MONTHS[moment.month - 1]],
        "year": lambda: year_words(moment.year),
    }
    return fillers[name]()


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


def year_words(year: int) -> list[str]:
    """2026 -> twenty twenty six; 2005 -> two thousand five; 1900 -> nineteen hundred."""
    century, rest = divmod(year, 100)
    if century % 10 == 0 and rest < 10:
        return cardinal(year).split()
    tail = ["hundred"] if rest == 0 else (["oh"] if rest < 10 else []) + cardinal(rest).split()
    return cardinal(century).split() + tail


def _ordinal(day: int) -> list[str]:
    tens, last = divmod(day, 10)
    if day in _ORDINALS:
        return [_ORDINALS[day]]
    if tens >= 2 and last:
        return [cardinal(10 * tens), _ORDINALS.get(last, cardinal(last) + "th")]
    word = cardinal(day)
    return [word[:-1] + "ieth" if word.endswith("y") else word + "th"]
