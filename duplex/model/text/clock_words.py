"""Clock time and date as spoken words. The moment is given, never read from a clock."""

from datetime import UTC, datetime, timedelta

from duplex.model.text.numbers import cardinal, minutes, ordinal_of, year

MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def fill_in_words(name: str, moment: datetime) -> list[str]:
    """Words of a fill-in token, given its name without the brackets.

    Raises:
        KeyError: there is no such fill-in.
    """
    day = timedelta(days=1)
    fillers = {
        "time": lambda: time_words(moment),
        "date": lambda: date_words(moment),
        "weekday": lambda: [DAYS[moment.weekday()]],
        "tomorrow": lambda: [DAYS[(moment + day).weekday()]],
        "yesterday": lambda: [DAYS[(moment - day).weekday()]],
        "month": lambda: [MONTHS[moment.month - 1]],
        "year": lambda: year_words(moment.year),
    }
    return fillers[name]()


def local(moment_s: float, utc_offset_s: int) -> datetime:
    """The user's wall clock at `moment_s` seconds since 1970 UTC."""
    return datetime.fromtimestamp(moment_s, UTC) + timedelta(seconds=utc_offset_s)


def time_words(moment: datetime) -> list[str]:
    """10:05 -> ten oh five a m; 14:00 -> two o'clock p m."""
    hour = cardinal((moment.hour - 1) % 12 + 1)
    minute = minutes(moment.minute) if moment.minute else "o'clock"
    return f"{hour} {minute} {'a' if moment.hour < 12 else 'p'} m".split()


def date_words(moment: datetime) -> list[str]:
    """Saturday, November 21 -> saturday november twenty first."""
    return [DAYS[moment.weekday()], MONTHS[moment.month - 1], *ordinal_of(str(moment.day)).split()]


def year_words(number: int) -> list[str]:
    """2026 -> twenty twenty six; 2005 -> two thousand five; 1900 -> nineteen hundred."""
    return year(number).split()
