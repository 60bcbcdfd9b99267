"""Parsers of options: values within the bounds, bounds included, pass through unchanged."""

from datetime import UTC, datetime, timedelta

import pytest
import typer

from configs.base import ConfigError
from runtime.cli.values import EARLIEST, LATEST, MOST_NUMBERS, NumberList, NumberParser, NumbersParser, date_and_time


def test_numbers_inside_the_bounds() -> None:
    seconds = NumberParser(0, 60.5, unit="s")
    assert [seconds(text) for text in ("0", "60.5", " 1e1 ", 3.0)] == [0.0, 60.5, 10.0, 3.0]
    whole = NumberParser(1, 3, whole=True)
    assert whole("3") == 3
    assert isinstance(whole("3"), int)
    with pytest.raises(typer.BadParameter, match="must be a whole number from 1 to 3, not"):
        whole("2.5")
    with pytest.raises(typer.BadParameter, match=r"must be a number from 0 to 60\.5 s, not 'nan'"):
        seconds("nan")


def test_lists_of_numbers() -> None:
    parse = NumbersParser(NumberParser(0, 10))
    assert parse("0.5, 1,2") == NumberList((0.5, 1.0, 2.0))
    assert str(parse("0.5,1")) == "0.5,1"
    assert parse(NumberList((1.0, 2.0))) == NumberList((1.0, 2.0))
    assert len(parse(",".join("1" * MOST_NUMBERS)).values) == MOST_NUMBERS
    for text in ("", "1,,2", "1;2", "1,11", ",".join("1" * (MOST_NUMBERS + 1))):
        with pytest.raises(typer.BadParameter, match="each a number from 0 to 10, at most 32"):
            parse(text)


def test_dates() -> None:
    assert date_and_time("2026-01-31T10:35:00+02:00") == datetime(2026, 1, 31, 8, 35, tzinfo=UTC)
    assert date_and_time("2026-01-31").tzinfo is not None
    assert date_and_time(EARLIEST.isoformat()) == EARLIEST
    assert date_and_time(LATEST.isoformat()) == LATEST
    for moment in (EARLIEST - timedelta(seconds=1), LATEST + timedelta(seconds=1)):
        with pytest.raises(ConfigError, match="from 1970-01-02 to 2999-12-31"):
            date_and_time(moment.isoformat())
