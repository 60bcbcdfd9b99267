"""Times of day, dates and ratios: 3:05 p.m., 14:30, 2024-05-06, 5/6/2024, May 5, 5 May, Jan. 3, 16:9."""

import re
from typing import Final

from duplex.model.text.clock_words import DAYS, MONTHS
from duplex.model.text.numbers import cardinal, minutes, ordinal_of, year
from duplex.model.text.reading.amounts import amount
from duplex.model.text.reading.rules import LEFT, Rule, Said, after, alternatives, before, rule
from duplex.model.text.reading.units import FOLLOWS

SHORT_MONTHS: Final = {month[:3].title(): month for month in MONTHS} | {"Sept": "september"}
SHORT_DAYS: Final = {day[:3].title(): day for day in DAYS} | {
    "Tues": "tuesday",
    "Thur": "thursday",
    "Thurs": "thursday",
}
_MONTH: Final = alternatives([month.title() for month in MONTHS])
_ANY_MONTH: Final = rf"(?:(?:{_MONTH})|(?:{alternatives([*SHORT_MONTHS])})\b\.?)"
_AFTER_MONTH: Final = re.compile(rf"\b{_ANY_MONTH} $")
_NAMES: Final = frozenset({"Jan", "Mar", "May"})
_FULL_HOUR: Final = "o'clock"
_LAST_HOUR, _LAST_MINUTE, _MONTHS_OF_YEAR, _LAST_DAY = 24, 59, 12, 31


def _time(match: re.Match[str]) -> Said:
    hour, minute, second = int(match[1]), int(match[2]), match[3]
    if hour > _LAST_HOUR or minute > _LAST_MINUTE:
        return None
    if second is None:
        return f"{cardinal(hour)} {minutes(minute) if minute else _FULL_HOUR}"
    said = f"{cardinal(hour)} {minutes(minute) if minute else 'zero'}"
    return f"{said} and {amount(second.lstrip('0') or '0')} {'second' if second == '01' else 'seconds'}"


def _ratio(match: re.Match[str]) -> Said:
    return [(match.end(1), amount(match[1])), (match.end(2), "to"), (match.end(), amount(match[3]))]


def _half_day(match: re.Match[str]) -> Said:
    """a m, p m after a time."""
    if not re.search(r"\d ?$", before(match)):
        return None
    stop = " ." if match.group().endswith(".") and _ends_sentence(match) else ""
    return f"{match[1].lower()} m{stop}"


def _ends_sentence(match: re.Match[str]) -> bool:
    return re.match(r"\s*$|\s+[A-Z]", after(match)) is not None


def _date(text_year: str, month: str, day: str) -> str | None:
    """may sixth twenty twenty four; None if there is no such day."""
    if not (1 <= int(month) <= _MONTHS_OF_YEAR and 1 <= int(day) <= _LAST_DAY):
        return None
    return f"{MONTHS[int(month) - 1]} {ordinal_of(day)} {_year(text_year)}"


def _year(written: str) -> str:
    if len(written) == 2:
        return minutes(int(written))
    return year(int(written)) if len(written) == 4 and written[0] != "0" else amount(written)


def _numeric_date(match: re.Match[str]) -> Said:
    """Month first, as in American English, unless only the day is possible there."""
    first, second, last = match[1], match[2], match[3]
    return _date(last, first, second) or _date(last, second, first)


def _read_dotted_date(match: re.Match[str]) -> Said:
    """Day first, as in the countries that write dates with full stops."""
    return _date(match[3], match[2], match[1]) or _date(match[3], match[1], match[2])


def _day_behind_month(match: re.Match[str]) -> Said:
    if not _AFTER_MONTH.search(before(match)) or not 1 <= int(match.group()) <= _LAST_DAY:
        return None
    return None if re.match(FOLLOWS, after(match)) else ordinal_of(match.group())


def _day_before_month(match: re.Match[str]) -> Said:
    """5 May -> the fifth of may; after "the" without another "the"."""
    if not 1 <= int(match[1]) <= _LAST_DAY:
        return None
    article = "" if re.search(r"\b[Tt]he $", before(match)) else "the "
    return f"{article}{ordinal_of(match[1])} of"


def _short_month(match: re.Match[str]) -> Said:
    """Jan. 3, 3 Jan 2024; without a full stop only next to a number, so that names stay names."""
    beside = re.match(r" \d", after(match)) or re.search(r"\d(?:st|nd|rd|th)? $", before(match))
    return SHORT_MONTHS[match[1]] if beside or (match[2] and match[1] not in _NAMES) else None


def _short_day(match: re.Match[str]) -> Said:
    is_date = re.match(rf",? (?:{_ANY_MONTH}|\d)", after(match))
    return SHORT_DAYS[match[1]] if is_date else None


DIGIT_RULES: Final[tuple[Rule, ...]] = (
    rule(
        rf"{LEFT}(?<!\d-)(\d{{4}})-(\d\d)-(\d\d)(?![\d-]|\.\d)",
        lambda match: _date(match[1], match[2], match[3]),
    ),
    rule(rf"{LEFT}(?<!\d/)(\d{{1,2}})/(\d{{1,2}})/(\d{{4}}|\d\d)(?![\d/]|\.\d)", _numeric_date),
    rule(rf"{LEFT}(?<!\d\.)(\d{{1,2}})\.(\d{{1,2}})\.(\d{{4}})(?![\d]|\.\d)", _read_dotted_date),
    rule(r"(?<![\d:.])(\d{1,2}):(\d\d)(?::(\d\d))?(?![\d:]|\.\d)", _time),
    rule(r"(\d+)(:)(\d+)", _ratio),
    rule(rf"{LEFT}(?<![\d./:-])\d{{1,2}}(?![\dA-Za-z/:%-]|[.,]\d)", _day_behind_month),
    rule(rf"{LEFT}(?<![\d./:,-])(\d{{1,2}})(?= (?:{_ANY_MONTH})\b)", _day_before_month),
)
LETTER_RULES: Final[tuple[Rule, ...]] = (
    rule(r"([AaPp])\.? ?[Mm](?![A-Za-z0-9'])\.?", _half_day),
    rule(rf"{LEFT}({alternatives([*SHORT_MONTHS])})\b(\.?)", _short_month),
    rule(rf"{LEFT}({alternatives([*SHORT_DAYS])})\b\.?", _short_day),
)
