"""Clock time and date as words, and every fill-in token of the vocabulary."""

from datetime import datetime

import pytest

from configs.model.language import TextTokenizerConfig
from duplex.model.text.clock_words import date_words, fill_in_words, local, time_words, year_words

MOMENT = datetime(2026, 11, 21, 10, 35)


@pytest.mark.parametrize(
    ("hour", "minute", "said"),
    [
        (10, 35, "ten thirty five a m"),
        (0, 0, "twelve o'clock a m"),
        (12, 7, "twelve oh seven p m"),
        (23, 59, "eleven fifty nine p m"),
    ],
)
def test_time(hour: int, minute: int, said: str) -> None:
    assert " ".join(time_words(datetime(2026, 1, 1, hour, minute))) == said


@pytest.mark.parametrize(
    ("month", "day", "said"),
    [
        (11, 21, "saturday november twenty first"),
        (11, 12, "thursday november twelfth"),
        (11, 20, "friday november twentieth"),
        (2, 3, "tuesday february third"),
    ],
)
def test_date(month: int, day: int, said: str) -> None:
    assert " ".join(date_words(datetime(2026, month, day))) == said


@pytest.mark.parametrize(
    ("year", "said"),
    [(2026, "twenty twenty six"), (2005, "two thousand five"), (1900, "nineteen hundred"), (1907, "nineteen oh seven")],
)
def test_year(year: int, said: str) -> None:
    assert " ".join(year_words(year)) == said


def test_every_fill_in_of_the_vocabulary_has_words() -> None:
    for token in TextTokenizerConfig().fill_ins:
        assert fill_in_words(token.strip("<|>"), MOMENT)


def test_neighbouring_days() -> None:
    assert fill_in_words("yesterday", MOMENT) == ["friday"]
    assert fill_in_words("tomorrow", MOMENT) == ["sunday"]


def test_local_time_follows_the_users_offset() -> None:
    assert local(0.0, 3600) == local(3600.0, 0)
    assert local(0.0, -1800).hour == 23
